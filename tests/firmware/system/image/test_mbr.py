from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from nampedal.firmware.system.image import mbr
from nampedal.firmware.system.image.disk_layout import layout
from nampedal.firmware.system.image.mbr import FAT32_LBA, LINUX, Partition


@pytest.mark.skipif(shutil.which("sfdisk") is None, reason="sfdisk is not installed")
def test_sfdisk_reads_what_was_written(tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    parts = (Partition(8192, 2048, FAT32_LBA, bootable=True), Partition(16384, 4096, LINUX))
    image.write_bytes(mbr.pack(0x1234ABCD, parts).ljust(20 << 20, b"\0"))
    said = subprocess.run(["sfdisk", "--json", str(image)], capture_output=True, text=True, check=True)
    table = json.loads(said.stdout)["partitiontable"]
    assert (table["label"], table["id"]) == ("dos", "0x1234abcd")
    found = [(part["start"], part["size"], part["type"], part.get("bootable", False)) for part in table["partitions"]]
    assert found == [(8192, 2048, "c", True), (16384, 4096, "83", False)]


def test_a_table_is_read_as_it_was_written() -> None:
    parts = (Partition(8192, 2048, FAT32_LBA, bootable=True), Partition(16384, 4096, LINUX))
    assert mbr.unpack(mbr.pack(7, parts)) == (*parts, Partition(0, 0, 0), Partition(0, 0, 0))
    assert (parts[0].start_bytes, parts[0].size_bytes) == (4 << 20, 1 << 20)
    for sector in (b"", bytes(512), mbr.pack(7, parts)[:511]):
        assert mbr.unpack(sector) is None


def test_linux_names_a_partition_by_its_disk_and_number() -> None:
    assert mbr.partuuid(0xAB, 2) == "000000ab-02"


def test_four_partitions_follow_each_other_where_erase_blocks_begin() -> None:
    parts = layout().partitions
    assert [part.type for part in parts] == [FAT32_LBA, LINUX, LINUX, LINUX]
    ends = [part.start + part.sectors for part in parts]
    assert [part.start for part in parts[1:]] == ends[:-1]
    assert all(part.start % 8192 == 0 for part in parts)
    assert parts[1].sectors == parts[2].sectors
    assert layout().bytes == ends[-1] * 512
