"""Builds the root file system of an image: from Debian packages to a squashfs.

`python -m nampedal.firmware.system.image.rootfs`, run inside the user namespace, builds one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, NampedalError
from nampedal.firmware.system.image.initramfs import module_dependencies
from nampedal.firmware.system.image.sources import build_tools, radio_firmware
from nampedal.firmware.system.image.sources.kernel_files import Kernel, copy_radio
from nampedal.firmware.system.install.installer import install
from nampedal.firmware.system.install.steps.target import InstallTarget

# Folder of the radio's firmware, in the root.
FIRMWARE = Path("usr/lib/firmware")
# Prefix of an expected error, which is reported in one line.
_ERROR = "nampedal: "
# Folders of modules that no pedal needs; modules that others depend on stay.
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
# Folders whose contents are removed: they describe the machine that built the root.
_EMPTY = ("boot", "dev", "home", "media", "mnt", "proc", "root", "run", "srv", "sys", "tmp", "var/cache", "var/log")
_EMPTY_TOO = ("var/lib/apt/lists", "var/lib/systemd", "var/tmp")


@dataclass(frozen=True, slots=True)
class Spec:
    """The options of a root, passed as JSON to the process that builds it.

    radio_files: firmware of the radio that must exist if radio is True.
    banks: folders of banks that are there from the first boot.
    trusted: lines of a list of trusted keys.
    tflite: LiteRT is there, which plays .tflite files.
    epoch: seconds since 1970; no file of the root is newer.
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
    tflite: bool
    epoch: int
    folder: str
    out: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def build_root(spec: Spec, install: Callable[[Path], None]) -> None:
    """Build a root and its squashfs. install: applies the installer's steps to a root. Raises DeployError."""
    root = Path(spec.folder)
    root.mkdir()
    # Device files can't be made in a user namespace; the kernel makes them at boot.
    build_tools.run(["tar", "-C", str(root), "--exclude=./dev/*", "--numeric-owner", "-xf", spec.packages])
    kernel = Kernel(Path(spec.kernel))
    for version in kernel.versions():
        _copy_modules(kernel.modules(version), root, version)
    if spec.radio:
        copy_radio(kernel, root / FIRMWARE, spec.radio_files)
        radio_firmware.copy_options(kernel.folder, root)
    install(root)
    for bank in spec.banks:
        shutil.copytree(bank, _inside(root, system_paths.SEED) / system_paths.BANKS.name / Path(bank).name)
    finalize_root(root, spec.epoch)
    squash(root, Path(spec.out), spec.epoch)


def finalize_root(root: Path, epoch: int) -> None:
    """Prepare the root for read-only use, and remove traces of the build."""
    for name in (*_EMPTY, *_EMPTY_TOO):
        _empty(root / name)
    for place in (system_paths.CARD, system_paths.DATA):
        _inside(root, place).mkdir(parents=True, exist_ok=True)
    # init.sh of the initramfs writes /run/fstab.
    _link(root / "etc/fstab", "/run/fstab")
    _link(root / "etc/resolv.conf", "/run/resolv.conf")
    # Empty: each boot gets a new machine id, because the root is the same on all cards.
    (root / "etc/machine-id").write_text("")
    (root / "etc/hostname").write_text("nampedal\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost nampedal\n::1 localhost\n")
    # These are started at boot, if the card's settings ask for them.
    for unit in ("ssh.service", "wpa_supplicant.service"):
        (root / "etc/systemd/system/multi-user.target.wants" / unit).unlink(missing_ok=True)
    for path in [*(root / "etc/ssh").glob("ssh_host_*"), *(root / "etc").glob("*-"), *(root / "etc").glob(".pwd.lock")]:
        path.unlink()
    _forget_days(root / "etc/shadow", epoch)
    # A Raspberry Pi has no battery-backed clock: systemd starts with this file's date, until the network sets the time.
    (root / "usr/lib/clock-epoch").touch()
    for path in root.rglob("*"):
        if path.lstat().st_mtime > epoch:
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def squash(root: Path, out: Path, epoch: int) -> None:
    """Make a squashfs of the root; the same root gives the same bytes."""
    options = ("-noappend", "-no-progress", "-quiet", "-comp", "zstd", "-Xcompression-level", "15", "-b", "256K")
    # mksquashfs takes the time from here or from an option, and fails if it finds both.
    build_tools.run(["mksquashfs", str(root), str(out), *options], {"SOURCE_DATE_EPOCH": str(epoch)})


def size_bytes(root: Path) -> int:
    """Return the total size of the root's files before compression."""
    return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _copy_modules(modules: Path, root: Path, version: str) -> None:
    there = root / "usr/lib/modules" / version
    ignored = {modules / "vmlinuz", modules / "dtb"}
    shutil.copytree(
        *(modules, there),
        symlinks=True,
        ignore=lambda folder, names: [name for name in names if Path(folder, name) in ignored],
    )
    build_tools.run(["depmod", "-b", str(root), version])
    remove_unneeded_modules(there)
    build_tools.run(["depmod", "-b", str(root), version])


def remove_unneeded_modules(modules: Path) -> None:
    """Remove the modules of `_NO_MODULES`, except those that a kept one needs: snd-usb-audio needs drivers/media/mc.

    modules: a kernel's module folder with depmod's modules.dep, which lists all dependencies of each (modules.dep(5)).

    Raises DeployError.
    """
    needs = module_dependencies(modules)
    folders = tuple(f"kernel/{name}/" for name in _NO_MODULES)
    unwanted = {path for path in needs if path.startswith(folders)}
    kept = {needed for path, found in needs.items() if path not in unwanted for needed in found}
    for path in unwanted - kept:
        (modules / path).unlink()


def _forget_days(shadow: Path, epoch: int) -> None:
    """Set the dates of the last password changes, in days (shadow(5)): they are the build date otherwise."""
    if shadow.exists():
        users = [line.split(":") for line in shadow.read_text(encoding="utf-8").splitlines()]
        lines = (":".join((*user[:2], str(epoch // 86_400), *user[3:])) + "\n" for user in users)
        shadow.write_text("".join(lines), encoding="utf-8")


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


def error_from_output(complaint: str) -> DeployError | None:
    """Return the error that `main` ended with, from its output; None if it ended in another way."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    return DeployError(lines[-1].removeprefix(_ERROR)) if lines and lines[-1].startswith(_ERROR) else None


def main() -> None:
    """Build the root of the `Spec` on standard input, and print the size of its files in bytes."""
    spec = Spec(**json.loads(sys.stdin.read()))
    try:
        build_root(spec, lambda root: _install(spec, root))
    except NampedalError as error:
        sys.exit(f"{_ERROR}{error}")
    sys.stdout.write(f"{size_bytes(Path(spec.folder))}\n")


def _install(spec: Spec, root: Path) -> None:
    wheel, trusted = Path(spec.wheel), tuple(spec.trusted)
    target = InstallTarget(
        root, spec.base, image=True, radio=spec.radio, wheel=wheel, trusted=trusted, tflite=spec.tflite
    )
    install(spec.pedal, target, lambda said: None)


if __name__ == "__main__":
    main()
