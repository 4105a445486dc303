from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from nampedal.firmware.system.image import disk_layout
from nampedal.firmware.system.image.disk_layout import MIB

PROGRAMS = ("mkfs.vfat", "mcopy", "mke2fs", "bmaptool", "zstd")
missing = [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
EPOCH = 1_700_000_000
UUID = "6f0b4a3e-51c2-4d64-9be7-000000000001"


def card_folder(folder: Path) -> Path:
    (folder / "A/overlays").mkdir(parents=True)
    (folder / "config.txt").write_text("os_prefix=A/\n")
    (folder / "A/cmdline.txt").write_text("ro\n")
    (folder / "A/overlays/README").write_text("")
    return folder


def test_the_same_folder_gives_the_same_card(tmp_path: Path) -> None:
    disk_layout.make_boot_partition(card_folder(tmp_path / "one"), tmp_path / "one.fat", EPOCH)
    # A FAT counts time in steps of two seconds.
    time.sleep(2.1)
    disk_layout.make_boot_partition(card_folder(tmp_path / "two"), tmp_path / "two.fat", EPOCH)
    assert disk_layout.sha256(tmp_path / "one.fat") == disk_layout.sha256(tmp_path / "two.fat")
    said = subprocess.run(
        ["mtype", "-i", str(tmp_path / "one.fat"), "::/A/cmdline.txt"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "ro\n"


def test_the_same_uuid_gives_the_same_data_and_fsck_likes_it(tmp_path: Path) -> None:
    disk_layout.make_data_partition(tmp_path / "one", UUID, EPOCH)
    time.sleep(1.1)
    disk_layout.make_data_partition(tmp_path / "two", UUID, EPOCH)
    assert disk_layout.sha256(tmp_path / "one") == disk_layout.sha256(tmp_path / "two")
    checked = subprocess.run(
        ["/sbin/e2fsck", "-fn", str(tmp_path / "one")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_an_image_has_its_partitions_contents_where_the_table_says(tmp_path: Path) -> None:
    for name in ("card", "root", "data"):
        (tmp_path / name).write_bytes(name.encode() * 2000)
    disk_layout.assemble(tmp_path / "img", 0xAB, tmp_path / "card", tmp_path / "root", tmp_path / "data")
    assert (tmp_path / "img").stat().st_size == disk_layout.layout().bytes
    card, root, other, data = disk_layout.layout().partitions
    with (tmp_path / "img").open("rb") as image:
        for part, start in ((card, b"cardcard"), (root, b"rootroot"), (other, bytes(8)), (data, b"datadata")):
            image.seek(part.start * 512)
            assert image.read(8) == start
    # What is empty takes no room.
    assert (tmp_path / "img").stat().st_blocks * 512 < 10 * MIB


def test_what_goes_with_an_image_says_what_it_is(tmp_path: Path) -> None:
    image = tmp_path / "pedal.img"
    image.write_bytes(b"a" * MIB + bytes(MIB))
    packed, bmap, *sums = disk_layout.compress(image)
    assert subprocess.run(["zstd", "-dcq", packed], capture_output=True, check=True).stdout == image.read_bytes()
    assert "<ImageSize> 2097152 </ImageSize>" in bmap.read_text()
    assert [path.name for path in sums] == ["pedal.img.sha256", "pedal.img.zst.sha256"]
    checked = subprocess.run(["sha256sum", "--check", *sums], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
