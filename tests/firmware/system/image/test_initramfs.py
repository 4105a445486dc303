from __future__ import annotations

import lzma
import os
import shutil
import stat
import subprocess
from importlib import resources
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image import initramfs
from nampedal.firmware.system.image.initramfs import CpioEntry, cpio


def kernel(folder: Path, dependencies: str, modules: dict[str, bytes]) -> Path:
    modules_folder = folder / "usr/lib/modules/6.0"
    for name, data in modules.items():
        path = modules_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (modules_folder / "modules.dep").write_text(dependencies)
    (folder / "busybox").write_bytes(b"busybox")
    return folder


def unpack(archive: bytes, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    command = ["cpio", "--extract", "--make-directories", "--quiet", "--no-preserve-owner"]
    subprocess.run(command, input=archive, cwd=folder, check=True)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


needs_cpio = pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")


@needs_cpio
def test_cpio_unpacks_what_was_packed(tmp_path: Path) -> None:
    entries = [
        CpioEntry("a", stat.S_IFDIR | 0o755),
        CpioEntry("a/b", stat.S_IFREG | 0o755, b"odd"),
        CpioEntry("c", stat.S_IFREG | 0o644),
    ]
    assert unpack(cpio(entries), tmp_path / "out") == {"a/b": b"odd", "c": b""}
    assert (tmp_path / "out/a/b").stat().st_mode & 0o777 == 0o755


@needs_cpio
def test_modules_come_behind_those_that_they_need(tmp_path: Path) -> None:
    dependencies = (
        "kernel/fs/squashfs.ko.xz: kernel/lib/zstd.ko kernel/lib/base.ko\n"
        "kernel/lib/zstd.ko: kernel/lib/base.ko\nkernel/lib/base.ko:\n"
        "kernel/block/virtio-blk.ko: kernel/lib/base.ko\nkernel/other.ko:\n"
    )
    packed = {"kernel/fs/squashfs.ko.xz": lzma.compress(b"squash"), "kernel/lib/zstd.ko": b"zstd"}
    packed |= {"kernel/lib/base.ko": b"base", "kernel/block/virtio-blk.ko": b"disk", "kernel/other.ko": b"other"}
    root = kernel(tmp_path / "kernel", dependencies, packed)
    files = unpack(initramfs.initramfs(root, "6.0", root / "busybox"), tmp_path / "out")
    order = files["modules/order"].decode().split()
    assert order == ["/modules/base.ko", "/modules/zstd.ko", "/modules/squashfs.ko", "/modules/virtio_blk.ko"]
    assert files["modules/squashfs.ko"] == b"squash"
    assert files["bin/busybox"] == b"busybox"
    assert files["init"].startswith(b"#!/bin/busybox sh\n")


def test_a_kernel_without_a_list_of_modules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"6\.0: has no modules\.dep: No such file or directory$"):
        initramfs.initramfs(tmp_path, "6.0", tmp_path)


def script() -> str:
    return (resources.files("nampedal.firmware.system.image") / "init.sh").read_text()


def test_the_script_is_a_shell_script() -> None:
    assert subprocess.run(["sh", "-n"], input=script(), text=True, check=False).returncode == 0


@pytest.mark.parametrize("disk", ["mmcblk0p", "sda", "nvme0n1p"])
def test_a_partition_that_appears_late_is_mounted_by_its_device(tmp_path: Path, disk: str) -> None:
    """By the names that systemd itself gives to the mounts of the fstab."""
    part = script()[script().index("cat > /run/fstab") : script().index("mount -t squashfs")]
    run = tmp_path / "run"
    run.mkdir()
    # Links lead to where the pedal has them.
    commands = part.replace("/run/fstab", f"{run}/fstab").replace("/run/systemd/system", f"{run}/systemd/system")
    subprocess.run(["sh", "-e"], input=f"disk={disk}\n{commands}", text=True, check=True)
    folders = [tmp_path / name for name in ("normal", "early", "late")]
    for folder in folders:
        folder.mkdir()
    generator = "/usr/lib/systemd/system-generators/systemd-fstab-generator"
    environment = {"SYSTEMD_FSTAB": f"{run}/fstab", "SYSTEMD_SYSROOT_FSTAB": "/dev/null"}
    subprocess.run([generator, *map(str, folders)], check=True, env=environment)
    made = {path.name: path.read_text() for path in folders[0].glob("*.mount")}
    for number, name, place in (
        ("1", "boot-firmware.mount", system_paths.CARD),
        ("4", "var-lib-nampedal.mount", system_paths.DATA),
    ):
        assert f"What=/dev/{disk}{number}\n" in made[name]
        assert f"Where={place}\n" in made[name]
        device = f"dev-{disk}{number}.device"
        assert "JobRunningTimeoutSec=60s" in (folders[0] / f"{device}.d" / "50-device-timeout.conf").read_text()
        assert os.readlink(run / "systemd/system" / f"{device}.wants" / name) == f"/run/systemd/generator/{name}"
