"""Builds a pedal's image from packages, a wheel and a profile, with the files for writing it to a card."""

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

from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.base.errors import AlreadyExistsError, DeployError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.atomic_write import move_into_place
from nampedal.firmware.system.image import boot_partition, disk_layout, rootfs
from nampedal.firmware.system.image.image_manifest import ImageManifest
from nampedal.firmware.system.image.sources import boot_firmware, build_tools, root_packages, suites
from nampedal.firmware.system.image.sources.kernel_files import Kernel
from nampedal.firmware.system.image.sources.mirrors import Mirrors
from nampedal.firmware.system.image.sources.user_namespace import run_in_namespace
from nampedal.firmware.system.install.boot_config import cmdline_words, config_block
from nampedal.firmware.system.install.steps.debian_packages import packages_for
from nampedal.firmware.system.install.steps.target import InstallTarget

# The earliest time that zip and FAT can store.
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """The options of an image.

    pedal: a profile's key or file.
    base: a key of `suites.BASES`.
    radio: True if Wi-Fi may be switched on.
    card: text files for the boot partition, by name, which the owner can edit.
    banks: folders of banks that are there from the first boot.
    fresh: fetch the packages again instead of using the cached ones.
    tflite: the pedal has LiteRT, which plays .tflite files.
    for_emulator: the card need not play on a board, so the HAT's overlay may be missing.
    key: signs the image; None: it is not signed.
    trusted: public keys; the pedal accepts updates that are signed with any of these or with `key`.
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
    tflite: bool = False
    for_emulator: bool = False
    key: Path | None = None
    trusted: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class ImageBuildResult:
    """The result of a build.

    files: the image and the files that belong to it.
    root_bytes: total size of the root's files before compression.
    """

    files: tuple[Path, ...]
    root_bytes: int


def build(order: ImageOptions, say: Callable[[str], None], *, force: bool = False) -> ImageBuildResult:
    """Build an image.

    force: overwrite an existing one.
    Raises DeployError, SettingsError, SignatureError.
    """
    if order.out.exists() and not force:
        raise AlreadyExistsError(f"{order.out}: is there already; --force writes over it")
    if not order.out.parent.is_dir():
        raise DeployError(f"{order.out}: can't be written: {order.out.parent} is no folder; make it, or name another")
    keys = [signature.check_key(order.key)] if order.key is not None else []
    keys += [signature.read_public_key(path) for path in order.trusted]
    build_tools.check_tools()
    base, suite = suites.BASES[order.base], suites.suite_of(order.wheel)
    pedal = read_pedal(order.pedal)
    for bank in order.banks:
        if not bank.is_dir():
            what = f"import {bank}' makes one of a packed" if bank.is_file() else f"new {bank}' makes an empty"
            raise DeployError(f"--bank {bank}: is no folder; 'nampedal bank {what} bank")
    cache = order.cache or root_packages.cache_folder()
    target = InstallTarget(cache, base.key, image=True, radio=order.radio)
    block = config_block(pedal, target)
    if not order.for_emulator:
        boot_firmware.check_audio_support(pedal, base, block)
    names = packages_for(base.key, suite)
    found = root_packages.fetch(base, suite, names, order.mirrors, cache, order.fresh, say)
    kernel = Kernel(found.kernel)
    boot_firmware.check(kernel, base, pedal, block, emulator=order.for_emulator)
    epoch = epoch_of(order.wheel)
    # In the cache folder: a root does not fit into many a /tmp.
    with tempfile.TemporaryDirectory(dir=cache, prefix="work-") as folder:
        work = Path(folder)
        say("making the root")
        spec = rootfs.Spec(
            packages=str(found.root),
            kernel=str(found.kernel),
            base=base.key,
            pedal=order.pedal,
            wheel=str(order.wheel.resolve()),
            radio=order.radio,
            radio_files=boot_firmware.radio_files(pedal.board),
            banks=tuple(str(bank.resolve()) for bank in order.banks),
            trusted=tuple(dict.fromkeys(key.line() for key in keys)),
            tflite=order.tflite,
            epoch=epoch,
            folder=str(work / "root"),
            out=str(work / "root.squashfs"),
        )
        command = (sys.executable, "-m", "nampedal.firmware.system.image.rootfs")
        size = int(run_in_namespace(*command, text=spec.to_json(), explain=rootfs.error_from_output).splitlines()[-1])
        say("making the disk")
        root_sha256 = disk_layout.sha256(work / "root.squashfs")
        # The disk id is derived from the root, so that the same root gives the same image.
        disk_id = int(root_sha256[:8], 16) or 1
        facts = ImageManifest(
            version=version_of(order.wheel),
            base=base.key,
            machine="aarch64",
            pedal=pedal.key,
            root_bytes=(work / "root.squashfs").stat().st_size,
            root_sha256=root_sha256,
        )
        boot_partition.fill(
            *(work / "card", kernel, work / "root", base, disk_id),
            *(block, cmdline_words(pedal, target), facts),
        )
        for name, text in order.card.items():
            (work / "card" / name).write_text(text, newline="")
        disk_layout.make_boot_partition(work / "card", work / "card.fat", epoch)
        disk_layout.make_data_partition(work / "data.ext4", str(uuid.UUID(hex=root_sha256[:32], version=4)), epoch)
        assemble_atomically(order.out, disk_id, work / "card.fat", work / "root.squashfs", work / "data.ext4")
        run_in_namespace("rm", "-rf", str(work / "root"))
    say("packing it")
    packed = disk_layout.compress(order.out)
    return ImageBuildResult((order.out, *packed, *sign_image(order, packed[0], say)), size)


def assemble_atomically(out: Path, disk_id: int, card: Path, root: Path, data: Path) -> None:
    """Assemble the image from its partitions' contents. It gets its final name only when it is complete."""
    # In the folder of the output: the cache may be on another file system, and renaming works only within one.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".image-") as folder:
        part = Path(folder) / out.name
        disk_layout.assemble(part, disk_id, card, root, data)
        move_into_place(part, out)


def sign_image(order: ImageOptions, packed: Path, say: Callable[[str], None]) -> list[Path]:
    """Sign the image and its packed file, and return the signatures.

    Without a key, the signatures of an earlier image are removed.
    """
    if order.key is None:
        for path in (order.out, packed):
            signature.signature_path(path).unlink(missing_ok=True)
        return []
    say("signing it")
    return [signature.sign(path, order.key, signature.UPDATE) for path in (order.out, packed)]


def version_of(wheel: Path) -> str:
    """Return the version in the wheel's file name."""
    return wheel.name.split("-")[1]


def epoch_of(wheel: Path) -> int:
    """Return the build time in seconds since 1970: SOURCE_DATE_EPOCH, or the time of the wheel's newest file."""
    if (set_by_user := os.environ.get("SOURCE_DATE_EPOCH", "")).isdecimal():
        return int(set_by_user)
    with zipfile.ZipFile(wheel) as archive:
        times = [datetime(*info.date_time, tzinfo=UTC) for info in archive.infolist()]
    return int(max(times, default=_EARLIEST).timestamp())
