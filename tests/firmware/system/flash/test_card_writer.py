"""An image onto a real block device, and what happens to the card when that goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FlashImageError, NampedalError
from nampedal.firmware.system.flash.card_writer import Card, check_fits, open_card, write_image
from nampedal.firmware.system.flash.disks import Disk, find_disk
from nampedal.firmware.system.flash.image_reader import CHUNK, HEAD, Image, Stage, read_image
from support.makers.disk_image import FAT_START, SIZE, SPOTS, bmap_bytes, image_bytes, mapped_blocks
from support.makers.disk_image import write_image as write_file
from support.rigs.loop_disk import MIB, loop_disk, mounted, run

DATA = image_bytes()
DISK = 24 * MIB
NOBODY = 65534
AGAIN = "the card is not usable: write it again, with another reader or card if that does not help"


@contextmanager
def quiet(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def at(when: str, what: Callable[[], object]) -> Stage:
    """Does that as soon as this stage begins."""

    @contextmanager
    def stage(name: str) -> Iterator[Callable[[int, int], None]]:
        if name == when:
            what()
        yield lambda done, total: None

    return stage


def change(path: Path, place: int, byte: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([byte]))


@pytest.fixture
def backing(tmp_path: Path) -> Path:
    return tmp_path / "backing"


@pytest.fixture
def loop(backing: Path) -> Iterator[Path]:
    with loop_disk(backing, DISK) as device:
        yield device


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return read_image(write_file(tmp_path / "pedal.img", DATA), quiet)


@pytest.fixture
def mapped(tmp_path: Path) -> Image:
    (tmp_path / "mapped.img.bmap").write_bytes(bmap_bytes(DATA))
    return read_image(write_file(tmp_path / "mapped.img", DATA), quiet)


def failure(error: type[NampedalError], image: Image, loop: Path, stage: Stage) -> str:
    with pytest.raises(error) as caught, open_card(find_disk(loop)) as card:
        write_image(image, card, stage)
    return str(caught.value)


def test_a_whole_image_is_written_and_what_is_behind_it_stays(loop: Path, backing: Path, image: Image) -> None:
    with open_card(find_disk(loop)) as card:
        write_image(image, card, quiet)
    assert backing.read_bytes() == DATA + b"\xa5" * (DISK - SIZE)


def test_only_mapped_blocks_are_written(loop: Path, backing: Path, mapped: Image) -> None:
    with open_card(find_disk(loop)) as card:
        write_image(mapped, card, quiet)
    expected = bytearray(b"\xa5" * DISK)
    for one in mapped.ranges:
        expected[one.start : one.end] = DATA[one.start : one.end]
    assert len(mapped.ranges) == len(mapped_blocks(DATA)) == len(SPOTS)
    assert backing.read_bytes() == expected


def test_progress_goes_to_the_end_in_both_stages(loop: Path, mapped: Image) -> None:
    seen: list[tuple[str, int, int]] = []

    @contextmanager
    def stage(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((what, done, total))

    with open_card(find_disk(loop)) as card:
        write_image(mapped, card, stage)
    for what in ("writing", "reading back"):
        done = [(done, total) for name, done, total in seen if name == what]
        assert done == sorted(done)
        assert done[-1] == (mapped.used, mapped.used)


@pytest.mark.parametrize("place", [HEAD, 9 * MIB + 1234, SIZE - 1])
def test_a_flipped_bit_is_found_and_the_card_stays_without_a_table(
    loop: Path, backing: Path, image: Image, place: int
) -> None:
    flipped = DATA[place] ^ 0x10
    said = failure(DeployError, image, loop, at("reading back", lambda: change(backing, place, flipped)))
    assert said == (f"{loop}: byte {place} was written as {DATA[place]:#04x} and read back as {flipped:#04x}; {AGAIN}")
    assert backing.read_bytes()[:HEAD] == bytes(HEAD)


def test_the_first_of_many_wrong_bytes_is_named(loop: Path, backing: Path, image: Image) -> None:
    def spoil() -> None:
        for place in (7 * MIB, 5 * MIB + 3, 5 * MIB + 9):
            change(backing, place, 0xFF)

    said = failure(DeployError, image, loop, at("reading back", spoil))
    assert said.startswith(f"{loop}: byte {5 * MIB + 3} was written as 0x00 and read back as 0xff; ")


def test_a_wrong_byte_that_is_not_mapped_does_not_matter(loop: Path, backing: Path, mapped: Image) -> None:
    with open_card(find_disk(loop)) as card:
        write_image(mapped, card, at("reading back", lambda: change(backing, 7 * MIB, 0xFF)))
    assert backing.read_bytes()[:HEAD] == DATA[:HEAD]


def test_a_card_with_less_than_it_says_is_found(loop: Path, backing: Path, image: Image) -> None:
    """What such cards do: what is written behind their end goes over what was written before."""

    def wrap() -> None:
        with backing.open("r+b") as file:
            file.seek(4 * MIB)
            file.write(DATA[8 * MIB : 12 * MIB])

    said = failure(DeployError, image, loop, at("reading back", wrap))
    assert said.startswith(f"{loop}: byte {5 * MIB} was written as ")


def test_a_partition_table_that_is_not_kept_is_found(loop: Path, image: Image) -> None:
    class Forgetful(Card):
        def write(self, offset: int, data: bytes) -> None:
            super().write(offset, data if offset else bytes(len(data)))

    file = os.open(loop, os.O_RDWR)
    try:
        with pytest.raises(DeployError) as caught:
            write_image(image, Forgetful(find_disk(loop), file), quiet)
    finally:
        os.close(file)
    assert str(caught.value).startswith(f"{loop}: byte 0 was written as {DATA[0]:#04x} and read back as 0x00; ")


def test_an_interrupted_card_has_no_partition_table(loop: Path, backing: Path, image: Image) -> None:
    # The table of an earlier life would start it.
    change(backing, 510, 0x55)
    change(backing, 511, 0xAA)

    @contextmanager
    def stage(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), open_card(find_disk(loop)) as card:
        write_image(image, card, stage)
    assert backing.read_bytes()[:HEAD] == bytes(HEAD)
    found = loop.read_bytes()
    assert found[FAT_START:CHUNK] == DATA[FAT_START:CHUNK]
    assert found[CHUNK:] == b"\xa5" * (DISK - CHUNK)


def test_a_card_that_takes_no_more_is_not_usable(tmp_path: Path, image: Image) -> None:
    place = tmp_path / "small"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place)
    try:
        backing = place / "backing"
        with backing.open("wb") as file:
            file.truncate(DISK)
        with loop_disk(backing) as loop:
            said = failure(DeployError, image, loop, quiet)
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert said.startswith(f"{loop}: can't be written at byte {CHUNK}: ")
    assert said.endswith(f"; {AGAIN}")


def test_a_card_that_ends_too_early_can_not_be_read_back(tmp_path: Path, image: Image) -> None:
    # Not a device: one that ends before its end can't be made.
    path = tmp_path / "short"
    path.write_bytes(DATA)
    disk = Disk("short", "0:0", DISK, "", "", False, "")
    file = os.open(path, os.O_RDWR)
    try:
        os.truncate(path, MIB)
        with pytest.raises(DeployError) as caught, Card(disk, file).reading() as reader:
            reader.check(2 * MIB, DATA[2 * MIB : 3 * MIB])
    finally:
        os.close(file)
    assert str(caught.value) == f"/dev/short: can't be read back at byte {2 * MIB}: the card ends there; {AGAIN}"


@pytest.mark.parametrize("when", ["writing", "reading back"])
def test_an_image_that_changes_meanwhile_is_noticed(loop: Path, backing: Path, mapped: Image, when: str) -> None:
    # Where the map has nothing, so that the card gets all the same.
    said = failure(FlashImageError, mapped, loop, at(when, lambda: change(mapped.path, 7 * MIB, 1)))
    assert said == (
        f"{mapped.path}: changed since it was checked; the card is not usable: write it again, when the image is "
        "complete"
    )
    assert backing.read_bytes()[:HEAD] == bytes(HEAD)


def test_a_card_that_is_too_small_is_refused(tmp_path: Path, image: Image) -> None:
    with loop_disk(tmp_path / "backing", 16 * MIB) as loop, pytest.raises(DeployError) as caught:
        check_fits(image, find_disk(loop))
    assert str(caught.value) == (
        f"{loop}: has 16,777,216 bytes, and {tmp_path}/pedal.img needs 16,777,728; take a larger card"
    )
    with loop_disk(tmp_path / "fits", SIZE) as loop:
        check_fits(image, find_disk(loop))


def test_nobody_mounts_a_card_meanwhile_and_a_mounted_one_is_not_opened(loop: Path, tmp_path: Path) -> None:
    run("mkfs.ext4", "-q", "-F", loop)
    disk = find_disk(loop)
    with open_card(disk):
        done = subprocess.run(["mount", str(loop), str(tmp_path)], capture_output=True, check=False)
        if done.returncode == 0:
            subprocess.run(["umount", str(tmp_path)], check=True)
    assert done.returncode != 0
    with mounted(loop, tmp_path / "here"), pytest.raises(DeployError) as caught, open_card(disk):
        pass
    assert str(caught.value) == (f"{loop}: is used by another program or system; end that, or plug it in again")


def test_a_card_that_was_changed_after_it_was_checked_is_not_written(tmp_path: Path, image: Image) -> None:
    with loop_disk(tmp_path / "one") as loop:
        disk = find_disk(loop)
        card = Card(disk, -1)
    with pytest.raises(DeployError) as caught:
        write_image(image, card, quiet)
    assert str(caught.value) == f"{loop}: was pulled out or changed; nothing is written: begin again"


def test_a_device_that_is_gone_can_not_be_opened() -> None:
    disk = Disk("gone", "8:64", DISK, "", "USB", False, "")
    with pytest.raises(DeployError) as caught, open_card(disk):
        pass
    assert str(caught.value) == "/dev/gone: can't be opened: no such file or directory; plug it in again"


def test_root_is_needed_only_where_the_card_belongs_to_others(loop: Path, backing: Path, image: Image) -> None:
    disk, owner = find_disk(loop), loop.stat().st_uid
    pieces = list(image.pieces())
    os.seteuid(NOBODY)
    try:
        with pytest.raises(DeployError) as caught, open_card(disk):
            pass
    finally:
        os.seteuid(0)
    assert str(caught.value) == (
        f"{loop}: can't be opened: permission denied; run it as root: sudo $(command -v nampedal) image flash ..."
    )
    os.chown(loop, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        with open_card(disk) as card:
            for offset, data in pieces:
                card.write(offset, data)
            card.sync(0)
            with card.reading() as reader:
                for offset, data in pieces:
                    reader.check(offset, data)
    finally:
        os.seteuid(0)
        os.chown(loop, owner, -1)
    assert backing.read_bytes()[:SIZE] == DATA
