"""An image for a pedal, from packages, a wheel and a profile, to files that a card is written from."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nampedal.board import signature
from nampedal.board.image import bases, boot, card_files, disk, packages, tools, tree
from nampedal.board.image.errors import BankFolderError, ImageExistsError, ImageFolderError
from nampedal.board.image.kernel import Kernel
from nampedal.board.image.mirrors import Mirrors
from nampedal.board.image.namespace import run_inside
from nampedal.board.image_facts import ImageFacts
from nampedal.board.install.boot import cmdline_words, config_block
from nampedal.board.install.packages import packages_for
from nampedal.board.install.target import Target
from nampedal.board.pedals import read_pedal

# zip keeps no earlier time, and a FAT neither.
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """pedal: a profile's key or file.  base: of `bases.BASES`.  radio: whether Wi-Fi may be switched on.

    card: files of the card by their names, for its owner to edit.
    banks: folders that are there from the first boot.  fresh: newer packages than the kept ones are wanted.
    for_emulator: the card need not sound on a board, and the HAT's overlay may be missing.
    key: signs the image; None: it is not signed.  trusted: public keys. The pedal takes updates that are signed with
    any of these.
    """

    pedal: str
    base: str
    wheel: Path
    out: Path
    radio: bool = False
    card: Mapping[str, str] = field(default_factory=dict)
    banks: Sequence[Path] = ()
    mirrors: Mirrors = field(default_factory=Mirrors)
    cache: Path | None = None
    fresh: bool = False
    for_emulator: bool = False
    key: Path | None = None
    trusted: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """files: the image, and what goes with it.  root_bytes: of the root's files, as they are unpacked."""

    files: tuple[Path, ...]
    root_bytes: int


def build(order: Order, say: Callable[[str], None], *, force: bool = False) -> Built:
    """Raises ImageError, SettingsError, InstallError, SignatureError."""
    if order.out.exists() and not force:
        raise ImageExistsError(f"{order.out}: is there already; --force writes over it")
    if not order.out.parent.is_dir():
        raise ImageFolderError(
            f"{order.out}: can't be written: {order.out.parent} is no folder; make it, or name another"
        )
    keys = [signature.check_key(order.key)] if order.key is not None else []
    keys += [signature.read_public_key(path) for path in order.trusted]
    tools.check_tools()
    base, suite = bases.BASES[order.base], bases.suite_of(order.wheel)
    pedal = read_pedal(order.pedal)
    for bank in order.banks:
        if not bank.is_dir():
            what = f"import {bank}' makes one of a packed" if bank.is_file() else f"new {bank}' makes an empty"
            raise BankFolderError(f"--bank {bank}: is no folder; 'nampedal bank {what} bank")
    cache = order.cache or packages.cache_folder()
    target = Target(cache, base.key, image=True, radio=order.radio)
    block = config_block(pedal, target)
    if not order.for_emulator:
        card_files.check_sound(pedal, base, block)
    names = packages_for(base.key, suite)
    found = packages.fetch(base, suite, names, order.mirrors, cache, order.fresh, say)
    kernel = Kernel(found.kernel)
    card_files.check(kernel, base, pedal, block, emulator=order.for_emulator)
    epoch = epoch_of(order.wheel)
    # Beside what is kept: a root is larger than many a /tmp.
    with tempfile.TemporaryDirectory(dir=cache, prefix="work-") as folder:
        work = Path(folder)
        say("making the root")
        spec = tree.Spec(
            packages=str(found.root),
            kernel=str(found.kernel),
            base=base.key,
            pedal=order.pedal,
            wheel=str(order.wheel.resolve()),
            radio=order.radio,
            radio_files=card_files.radio_files(pedal.board),
            banks=tuple(str(bank.resolve()) for bank in order.banks),
            trusted=tuple(dict.fromkeys(key.line() for key in keys)),
            epoch=epoch,
            folder=str(work / "root"),
            out=str(work / "root.squashfs"),
        )
        command = (sys.executable, "-m", "nampedal.board.image.tree")
        size = int(run_inside(*command, text=spec.to_json(), explain=tree.why_not_made).splitlines()[-1])
        say("making the disk")
        root_sha256 = disk.sha256(work / "root.squashfs")
        # What the root is, the disk is called.
        disk_id = int(root_sha256[:8], 16) or 1
        facts = ImageFacts(
            version=version_of(order.wheel),
            base=base.key,
            machine="aarch64",
            pedal=pedal.key,
            root_bytes=(work / "root.squashfs").stat().st_size,
            root_sha256=root_sha256,
        )
        boot.fill(
            *(work / "card", kernel, work / "root", base, disk_id),
            *(block, cmdline_words(pedal, target), facts),
        )
        for name, text in order.card.items():
            (work / "card" / name).write_text(text, newline="")
        disk.make_card(work / "card", work / "card.fat", epoch)
        disk.make_data(work / "data.ext4", str(uuid.UUID(hex=root_sha256[:32], version=4)), epoch)
        put_together(order.out, disk_id, work / "card.fat", work / "root.squashfs", work / "data.ext4")
        run_inside("rm", "-rf", str(work / "root"))
    say("packing it")
    packed = disk.compress(order.out)
    return Built((order.out, *packed, *sign_image(order, packed[0], say)), size)


def put_together(out: Path, disk_id: int, card: Path, root: Path, data: Path) -> None:
    """Write the image from its partitions' contents, under its name only when it is whole."""
    # Beside its place: what is kept may be on another file system, from which nothing can be renamed.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".image-") as folder:
        part = Path(folder) / out.name
        disk.assemble(part, disk_id, card, root, data)
        os.replace(part, out)


def sign_image(order: Order, packed: Path, say: Callable[[str], None]) -> list[Path]:
    """The signatures of the image, as it is and packed. None of an earlier image stays beside it."""
    if order.key is None:
        for path in (order.out, packed):
            signature.beside(path).unlink(missing_ok=True)
        return []
    say("signing it")
    return [signature.sign(path, order.key, signature.UPDATE) for path in (order.out, packed)]


def version_of(wheel: Path) -> str:
    """As its name says."""
    return wheel.name.split("-")[1]


def epoch_of(wheel: Path) -> int:
    """Seconds since 1970 that count as now: SOURCE_DATE_EPOCH, or when the wheel's youngest file was made."""
    if (set_by_user := os.environ.get("SOURCE_DATE_EPOCH", "")).isdecimal():
        return int(set_by_user)
    with zipfile.ZipFile(wheel) as archive:
        times = [datetime(*info.date_time, tzinfo=UTC) for info in archive.infolist()]
    return int(max(times, default=_EARLIEST).timestamp())
