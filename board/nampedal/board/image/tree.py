"""The root of an image, from Debian's packages to a squashfs.

python -m nampedal.board.image.tree, inside the namespace, makes one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.board.image import radio, tools
from nampedal.board.image.errors import ImageError
from nampedal.board.image.initramfs import needs_of
from nampedal.board.image.kernel import Kernel, copy_radio
from nampedal.board.install.installer import install
from nampedal.board.install.target import Target

# Of the radio.
FIRMWARE = Path("usr/lib/firmware")
# What an error begins with that is told in one line.
_ERROR = "nampedal: "
# What no pedal has a device for; what others need of it stays.
_NO_MODULES = (
    *(
        "drivers/accel",
        "drivers/gpu",
        "drivers/infiniband",
        "drivers/isdn",
        "drivers/media",
        "drivers/mtd",
        "drivers/nvme",
    ),
    *("drivers/net/ethernet/mellanox", "drivers/net/ethernet/intel", "drivers/net/ethernet/marvell"),
    *("fs/btrfs", "fs/xfs", "fs/ocfs2", "fs/ceph", "fs/nfs", "fs/nfsd", "fs/smb", "fs/f2fs", "fs/jfs", "fs/gfs2"),
)
# As Debian leaves them, of the machine that built the root: of each, what is inside.
_EMPTY = ("boot", "dev", "home", "media", "mnt", "proc", "root", "run", "srv", "sys", "tmp", "var/cache", "var/log")
_EMPTY_TOO = ("var/lib/apt/lists", "var/lib/systemd", "var/tmp")


@dataclass(frozen=True, slots=True)
class Spec:
    """epoch: seconds since 1970; nothing in the root is younger.  banks: folders that are there from the first boot.

    radio_files: firmware of the radio that has to be there, if radio.  trusted: lines of a list of trusted keys.
    """

    packages: str
    kernel: str
    base: str
    pedal: str
    wheel: str
    radio: bool
    radio_files: tuple[str, ...]
    banks: tuple[str, ...]
    trusted: tuple[str, ...]
    epoch: int
    folder: str
    out: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def make(spec: Spec, install: Callable[[Path], None]) -> None:
    """install: the installer's steps, on a root. Raises ImageError."""
    root = Path(spec.folder)
    root.mkdir()
    # Nobody may make devices in a namespace; the kernel makes them all at boot.
    tools.run(["tar", "-C", str(root), "--exclude=./dev/*", "--numeric-owner", "-xf", spec.packages])
    kernel = Kernel(Path(spec.kernel))
    for version in kernel.versions():
        _copy_modules(kernel.modules(version), root, version)
    if spec.radio:
        copy_radio(kernel, root / FIRMWARE, spec.radio_files)
        radio.copy_options(kernel.folder, root)
    install(root)
    for bank in spec.banks:
        shutil.copytree(bank, _inside(root, places.SEED) / places.BANKS.name / Path(bank).name)
    finish(root, spec.epoch)
    squash(root, Path(spec.out), spec.epoch)


def finish(root: Path, epoch: int) -> None:
    """What a root that is only read needs, and nothing of how it came about."""
    for name in (*_EMPTY, *_EMPTY_TOO):
        _empty(root / name)
    for place in (places.CARD, places.DATA):
        _inside(root, place).mkdir(parents=True, exist_ok=True)
    # Written by the script that finds the root.
    _link(root / "etc/fstab", "/run/fstab")
    _link(root / "etc/resolv.conf", "/run/resolv.conf")
    # A name of its own at every boot: the root is the same on all cards.
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("nampedal\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost nampedal\n::1 localhost\n")
    # They are started if the card asks for them, and then with what it says.
    for unit in ("ssh.service", "wpa_supplicant.service"):
        (root / "etc/systemd/system/multi-user.target.wants" / unit).unlink(missing_ok=True)
    for path in [*(root / "etc/ssh").glob("ssh_host_*"), *(root / "etc").glob("*-"), *(root / "etc").glob(".pwd.lock")]:
        path.unlink()
    _forget_days(root / "etc/shadow", epoch)
    # A Raspberry Pi has no clock of its own: systemd starts at this file's date, until a network knows better.
    (root / "usr/lib/clock-epoch").touch()
    for path in root.rglob("*"):
        if path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def squash(root: Path, out: Path, epoch: int) -> None:
    """A squashfs of it; the same root gives the same bytes."""
    options = ("-noappend", "-no-progress", "-quiet", "-comp", "zstd", "-Xcompression-level", "15", "-b", "256K")
    tools.run(["mksquashfs", str(root), str(out), *options, "-mkfs-time", str(epoch)])


def size_bytes(root: Path) -> int:
    """Of its files, as they are unpacked."""
    return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _copy_modules(modules: Path, root: Path, version: str) -> None:
    there = root / "usr/lib/modules" / version
    ignored = {modules / "vmlinuz", modules / "dtb"}
    shutil.copytree(
        *(modules, there),
        symlinks=True,
        ignore=lambda folder, names: [name for name in names if Path(folder, name) in ignored],
    )
    tools.run(["depmod", "-b", str(root), version])
    leave_out(there)
    tools.run(["depmod", "-b", str(root), version])


def leave_out(modules: Path) -> None:
    """Remove the modules of `_NO_MODULES`, but not those that a kept one needs: snd-usb-audio needs drivers/media/mc.

    modules: a kernel's, with depmod's modules.dep, which names all that each needs (modules.dep(5)).

    Raises KernelError.
    """
    needs = needs_of(modules)
    folders = tuple(f"kernel/{name}/" for name in _NO_MODULES)
    unwanted = {path for path in needs if path.startswith(folders)}
    kept = {needed for path, found in needs.items() if path not in unwanted for needed in found}
    for path in unwanted - kept:
        (modules / path).unlink()


def _forget_days(shadow: Path, epoch: int) -> None:
    """Of passwords' last changes, in days (shadow(5)): they were given when the root was made."""
    if shadow.exists():
        users = [line.split(":") for line in shadow.read_text().splitlines()]
        shadow.write_text("".join(":".join((*user[:2], str(epoch // 86_400), *user[3:])) + "\n" for user in users))


def _empty(folder: Path) -> None:
    for path in _children(folder):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _children(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _inside(root: Path, place: Path) -> Path:
    return root / place.relative_to("/")


def why_not_made(complaint: str) -> ImageError | None:
    """The error that `main` ended with, from what it printed; None: it ended otherwise."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    return ImageError(lines[-1].removeprefix(_ERROR)) if lines and lines[-1].startswith(_ERROR) else None


def main() -> None:
    """Its standard input: a `Spec`. Prints the size of the root in bytes."""
    spec = Spec(**json.loads(sys.stdin.read()))
    try:
        make(spec, lambda root: _install(spec, root))
    except NampedalError as error:
        sys.exit(f"{_ERROR}{error}")
    sys.stdout.write(f"{size_bytes(Path(spec.folder))}\n")


def _install(spec: Spec, root: Path) -> None:
    wheel, trusted = Path(spec.wheel), tuple(spec.trusted)
    target = Target(root, spec.base, image=True, radio=spec.radio, wheel=wheel, trusted=trusted)
    install(spec.pedal, target, lambda said: None)


if __name__ == "__main__":
    main()
