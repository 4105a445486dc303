"""Which disks are refused, by what /sys and /proc say: made-up ones, and this machine's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, NampedalError
from nampedal.firmware.system.flash.disks import Disk, check_disk, find_disk, read_disk
from support.rigs.loop_disk import add_partition, loop_disk, mounted, run

USB = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block"
SATA = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block"
MMC = "platform/emmc2bus/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block"
VIRTUAL = "virtual/block"
GB = 10**9


class MadeUp:
    """/sys and /proc in a folder, with one disk sdb in a USB reader: two partitions, 32 GB."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts: list[str] = []
        self.add("sdb", "8:16", where=USB, vendor="Generic ", model="MassStorageClass")
        self.add("sdb1", "8:17", where=f"{USB}/sdb", partition="1")
        self.add("sdb2", "8:18", where=f"{USB}/sdb", partition="2")

    def put(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(f"{text}\n")

    def add(self, device: str, number: str, gb: float = 32, where: str = VIRTUAL, **told: str) -> None:
        folder = f"sys/devices/{where}/{device}"
        for file, text in {"dev": number, "size": str(int(gb * GB) // 512), "ro": "0", "removable": "0"}.items():
            self.put(f"{folder}/{file}", text)
        for file, text in told.items():
            inside = "device/" if file in ("vendor", "model", "name") else ""
            self.put(f"{folder}/{inside}{file.replace('__', '/')}", text)
        link = self.root / "sys" / "dev" / "block" / number
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / folder)

    def hold(self, holder: str, held: str) -> None:
        """By their numbers."""
        link, made = ((self.root / "sys" / "dev" / "block" / number).resolve() for number in (held, holder))
        (link / "holders").mkdir(exist_ok=True)
        (link / "holders" / made.name).symlink_to(made)

    def mount(self, number: str, point: str, source: str, kind: str = "ext4", inside: str = "/") -> None:
        self.mounts.append(f"{40 + len(self.mounts)} 27 {number} {inside} {point} rw shared:1 - {kind} {source} rw")
        self.put("proc/self/mountinfo", "\n".join(self.mounts))

    def swap(self, source: str) -> None:
        self.put("proc/swaps", f"Filename\tType\tSize\tUsed\tPriority\n{source} partition 65532 0 -2")

    def check(self, number: str = "8:16", max_gb: int = 128) -> Disk:
        disk = read_disk(number, self.root)
        check_disk(disk, max_gb, self.root)
        return disk

    def refusal(self, error: type[NampedalError], number: str = "8:16", max_gb: int = 128) -> str:
        with pytest.raises(error) as caught:
            self.check(number, max_gb)
        return str(caught.value)


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Path]:
    with loop_disk(tmp_path / "backing") as device:
        yield device


def refusal(error: type[NampedalError], path: Path) -> str:
    with pytest.raises(error) as caught:
        check_disk(find_disk(path), 128)
    return str(caught.value)


def test_a_card_in_a_reader_is_taken(made_up: MadeUp) -> None:
    assert made_up.check() == Disk("sdb", "8:16", 32 * GB, "Generic MassStorageClass", "USB", False, "")
    made_up.add("mmcblk0", "179:0", 64, MMC, name="SN64G", diskseq="7")
    assert made_up.check("179:0") == Disk("mmcblk0", "179:0", 64 * GB, "SN64G", "SD card", False, "7")
    assert read_disk("179:0", made_up.root).path == Path("/dev/mmcblk0")
    made_up.add("sr9", "11:9", 4, SATA, removable="1")
    assert made_up.check("11:9").kind == "removable"


def test_other_disks_may_be_in_use(made_up: MadeUp) -> None:
    made_up.add("sda", "8:0", 500, SATA)
    made_up.add("sda1", "8:1", 500, f"{SATA}/sda", partition="1")
    made_up.mount("8:1", "/", "/dev/sda1")
    made_up.mount("0:5", "/dev", "udev", "devtmpfs")
    made_up.mount("0:50", "/mnt/share", "sdb", "9p")
    made_up.swap("/dev/sda5")
    made_up.check()


def test_a_partition_is_refused(made_up: MadeUp) -> None:
    assert made_up.refusal(DeployError, "8:17") == ("/dev/sdb1: is a partition; the whole disk is needed: /dev/sdb")


def test_a_mounted_partition_is_refused(made_up: MadeUp) -> None:
    made_up.mount("8:17", r"/media/me/MY\040CARD", "/dev/sdb1", "vfat")
    made_up.mount("8:18", "/media/me/rootfs", "/dev/sdb2")
    assert made_up.refusal(DeployError) == (
        "/dev/sdb: is mounted: /dev/sdb1 at /media/me/MY CARD, /dev/sdb2 at /media/me/rootfs; unmount it: sudo umount "
        "'/media/me/MY CARD' /media/me/rootfs"
    )


def test_a_disk_that_is_mounted_whole_is_refused(made_up: MadeUp) -> None:
    made_up.mount("8:16", "/mnt", "/dev/sdb", "vfat")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: is mounted: /dev/sdb at /mnt; ")


def test_a_folder_of_it_that_is_mounted_elsewhere_is_refused(made_up: MadeUp) -> None:
    made_up.mount("8:18", "/srv/music", "/dev/sdb2", inside="/home/me/music")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: is mounted: /dev/sdb2 at /srv/music; ")


def test_a_filesystem_without_the_disks_number_is_refused(made_up: MadeUp) -> None:
    made_up.mount("0:34", "/mnt/btrfs", "/dev/sdb2", "btrfs")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: is mounted: /dev/sdb2 at /mnt/btrfs; ")


@pytest.mark.parametrize("point", ["/", "/boot", "/boot/efi", "/boot/firmware", "/usr", "/home"])
def test_the_disk_of_the_system_is_refused(made_up: MadeUp, point: str) -> None:
    made_up.mount("8:17", "/mnt", "/dev/sdb1")
    made_up.mount("8:18", point, "/dev/sdb2")
    assert made_up.refusal(DeployError) == (
        f"/dev/sdb: holds {point} of this system, and is never written; take the card's name"
    )


def test_the_disk_of_the_system_is_refused_through_encryption_and_lvm(made_up: MadeUp) -> None:
    made_up.add("dm-0", "253:0", dm__name="crypt")
    made_up.add("dm-1", "253:1", dm__name="group-root")
    made_up.hold("253:0", "8:18")
    made_up.hold("253:1", "253:0")
    made_up.mount("253:1", "/", "/dev/mapper/group-root")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: holds / of this system")


def test_the_disk_of_the_system_is_refused_through_btrfs_on_lvm(made_up: MadeUp) -> None:
    made_up.add("dm-0", "253:0", dm__name="group-root")
    made_up.hold("253:0", "8:18")
    made_up.mount("0:34", "/", "/dev/mapper/group-root", "btrfs", "/@")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: holds / of this system")


def test_the_disk_of_the_system_is_refused_through_raid(made_up: MadeUp) -> None:
    made_up.add("md0", "9:0")
    made_up.add("md0p1", "259:3", where=f"{VIRTUAL}/md0", partition="1")
    made_up.hold("9:0", "8:18")
    made_up.mount("259:3", "/", "/dev/md0p1")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: holds / of this system")


def test_a_disk_that_others_are_made_of_is_refused(made_up: MadeUp) -> None:
    made_up.add("md0", "9:0")
    made_up.hold("9:0", "8:18")
    made_up.mount("0:30", "/", "tmpfs", "tmpfs")
    assert made_up.refusal(DeployError) == (
        "/dev/sdb: other devices are made of it: md0; it is no card, or LVM, RAID or encryption has to let it go first"
    )


def test_swap_is_refused(made_up: MadeUp) -> None:
    made_up.swap("/dev/sdb2")
    assert made_up.refusal(DeployError) == ("/dev/sdb: is used as swap: /dev/sdb2; end that: sudo swapoff /dev/sdb2")
    (made_up.root / "dev" / "mapper").mkdir(parents=True)
    (made_up.root / "dev" / "mapper" / "group-swap").symlink_to("../dm-0")
    made_up.add("dm-0", "253:0")
    made_up.hold("253:0", "8:18")
    made_up.swap("/dev/mapper/group-swap")
    assert made_up.refusal(DeployError).startswith("/dev/sdb: is used as swap: /dev/mapper/group-swap; ")


def test_what_is_built_in_is_refused(made_up: MadeUp) -> None:
    made_up.add("sda", "8:0", 64, SATA, model="BACKUP 64")
    assert made_up.refusal(DeployError, "8:0") == (
        "/dev/sda: is built in (BACKUP 64); only SD cards and what is plugged in by USB are written: take the card's "
        "name; 'lsblk' lists all"
    )
    made_up.add("dm-0", "253:0")
    assert made_up.refusal(DeployError, "253:0").startswith("/dev/dm-0: is built in (no model known); ")


def test_what_is_larger_than_a_card_is_refused(made_up: MadeUp) -> None:
    made_up.add("sdc", "8:32", 1000, USB)
    assert made_up.refusal(DeployError, "8:32") == (
        "/dev/sdc: has 1000.0 GB; up to 128 GB are written, so that no backup is lost; if this is the card, say so "
        "with --max-gb"
    )
    made_up.check("8:32", 1000)
    assert made_up.refusal(DeployError, "8:16", 16).startswith("/dev/sdb: has 32.0 GB; up to 16 GB are written")
    # What cards of 128 GB really have is a little more.
    made_up.add("sdd", "8:48", 128.18, USB)
    made_up.check("8:48")


def test_an_empty_reader_is_refused(made_up: MadeUp) -> None:
    made_up.add("sdc", "8:32", 0, USB)
    assert made_up.refusal(DeployError, "8:32") == "/dev/sdc: is an empty reader; put a card into it"


def test_a_locked_card_is_refused(made_up: MadeUp) -> None:
    made_up.put(f"sys/devices/{USB}/sdb/ro", "1")
    assert made_up.refusal(DeployError) == (
        "/dev/sdb: can't be written; an SD card, or its adapter, has a lock at its side"
    )


def test_a_disk_that_is_gone_is_refused(made_up: MadeUp) -> None:
    assert made_up.refusal(DeployError, "8:64") == "device 8:64: is gone; plug it in again"


def test_a_system_that_does_not_tell_of_disks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as caught:
        read_disk("8:16", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/sys/dev/block: is not there, so nobody tells which disk may be written; only Linux does: write "
        "the image with Raspberry Pi Imager or balenaEtcher"
    )


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    assert refusal(DeployError, tmp_path / "gone") == (
        f"{tmp_path}/gone: there is no such device; 'lsblk' lists those that are there"
    )
    for path in (tmp_path, Path("/dev/null"), Path(__file__)):
        assert refusal(DeployError, path) == (
            f"{path}: is no disk; a whole one is needed, such as /dev/sdb; 'lsblk' lists them"
        )


def test_the_disk_that_this_machine_runs_from_is_refused() -> None:
    device = os.stat("/").st_dev
    folder = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    if not folder.is_dir():
        pytest.skip("/ is on no disk of its own here")
    disk = folder.parent if (folder / "partition").exists() else folder
    with pytest.raises(DeployError) as caught:
        check_disk(read_disk((disk / "dev").read_text().strip()), 10**6)
    assert "of this system, and is never written" in str(caught.value)


def test_a_file_as_a_disk_is_found_by_its_name_and_by_a_link(loop: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(loop)
    disk = find_disk(tmp_path / "link")
    assert disk == find_disk(loop)
    assert (disk.path, disk.size, disk.kind, disk.model) == (loop, 24 << 20, "a file", f"{tmp_path}/backing")
    check_disk(disk, 128)


def test_a_disk_that_is_really_mounted_is_refused(loop: Path, tmp_path: Path) -> None:
    run("mkfs.ext4", "-q", "-F", loop)
    with mounted(loop, tmp_path / "here"):
        assert refusal(DeployError, loop).startswith(f"{loop}: is mounted: {loop} at {tmp_path}/here; ")
    check_disk(find_disk(loop), 128)


def test_a_real_partition_and_the_disk_of_a_mounted_one_are_refused(loop: Path, tmp_path: Path) -> None:
    part = add_partition(loop)
    assert refusal(DeployError, part) == f"{part}: is a partition; the whole disk is needed: {loop}"
    run("mkfs.ext4", "-q", "-F", part)
    with mounted(part, tmp_path / "here"):
        assert refusal(DeployError, loop).startswith(f"{loop}: is mounted: {part} at {tmp_path}/here; ")


def test_real_swap_is_refused(loop: Path) -> None:
    run("mkswap", loop)
    run("swapon", loop)
    try:
        assert refusal(DeployError, loop).startswith(f"{loop}: is used as swap: {loop}; ")
    finally:
        subprocess.run(["swapoff", str(loop)], check=True)


def test_a_disk_that_is_really_read_only_is_refused(tmp_path: Path) -> None:
    with loop_disk(tmp_path / "backing", 1 << 20, "--read-only") as device:
        assert refusal(DeployError, device).startswith(f"{device}: can't be written; ")
