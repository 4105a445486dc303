"""Block maps, as bmaptool writes them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import FlashImageError, NampedalError
from nampedal.firmware.system.flash.bmap import BlockRange, Bmap, BmapVerifier, parse_bmap, split_at_ranges
from support.makers.disk_image import BLOCK, MIB, SIZE, bmap_bytes, image_bytes, mapped_blocks

PATH = Path("pedal.img.bmap")
DATA = image_bytes()


def refusal(error: type[NampedalError], data: bytes) -> str:
    with pytest.raises(error) as caught:
        parse_bmap(PATH, data)
    return str(caught.value)


def fit(bmap: Bmap, data: bytes, piece: int) -> None:
    fits = BmapVerifier(bmap)
    for start in range(0, len(data), piece):
        fits.update(data[start : start + piece])
    fits.end()


def misfit(bmap: Bmap, data: bytes, piece: int = MIB) -> str:
    with pytest.raises(FlashImageError) as caught:
        fit(bmap, data, piece)
    return str(caught.value)


def test_a_map_says_which_bytes_hold_something() -> None:
    bmap = parse_bmap(PATH, bmap_bytes(DATA))
    assert bmap.size == SIZE
    assert [(one.start, one.end) for one in bmap.ranges] == [
        (first * BLOCK, min((last + 1) * BLOCK, SIZE)) for first, last in mapped_blocks(DATA)
    ]


def test_bmaptools_own_map_is_read(tmp_path: Path) -> None:
    image = tmp_path / "pedal.img"
    with image.open("wb") as file:
        file.truncate(SIZE)
        for first, last in mapped_blocks(DATA):
            file.seek(first * BLOCK)
            file.write(DATA[first * BLOCK : (last + 1) * BLOCK])
    try:
        done = subprocess.run(["bmaptool", "create", str(image)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("bmaptool is not installed")
    assert done.returncode == 0, done.stderr
    bmap = parse_bmap(PATH, done.stdout)
    fit(bmap, DATA, SIZE)
    # A filesystem may keep more than asked for, never less.
    assert sum(one.end - one.start for one in bmap.ranges) < SIZE // 2


@pytest.mark.parametrize("piece", [1000, BLOCK, MIB, SIZE])
def test_an_image_fits_its_map_however_it_is_read(piece: int) -> None:
    fit(parse_bmap(PATH, bmap_bytes(DATA)), DATA, piece)


def test_another_image_does_not_fit() -> None:
    bmap = parse_bmap(PATH, bmap_bytes(DATA))
    changed = bytearray(DATA)
    changed[9 * MIB + 5] ^= 1
    assert misfit(bmap, bytes(changed)) == (
        "pedal.img.bmap: does not fit the image from byte 9437184 on: the checksum is another one; one of them is "
        "damaged, or from another build: get both again"
    )
    more = bytearray(DATA)
    more[5 * MIB + 7] = 1
    assert "from byte 5242880 on: there is something where the map has nothing" in misfit(bmap, bytes(more), BLOCK)
    assert "the image has 16777216 bytes, not 16777728" in misfit(bmap, DATA[:-512])
    assert "the image has 16777729 bytes, not 16777728" in misfit(bmap, DATA + b"\0")


def test_a_piece_is_cut_where_ranges_begin_and_end() -> None:
    ranges = (BlockRange(2, 4), BlockRange(6, 20))
    data = bytes(range(30))
    found = [
        (one, at, part)
        for start in (0, 3, 12)
        for one, at, part in split_at_ranges(ranges, start, data[start : start + 9])
    ]
    assert [(one, at, len(part)) for one, at, part in found] == [
        *((None, 0, 2), (ranges[0], 2, 2), (None, 4, 2), (ranges[1], 6, 3)),
        *((ranges[0], 3, 1), (None, 4, 2), (ranges[1], 6, 6)),
        *((ranges[1], 12, 8), (None, 20, 1)),
    ]
    assert all(part == data[at : at + len(part)] for _, at, part in found)


def test_what_is_no_map_is_refused() -> None:
    assert refusal(FlashImageError, b"<bmap").startswith("pedal.img.bmap: is no block map: ")
    assert refusal(FlashImageError, b"<html/>") == (
        "pedal.img.bmap: has format none; 2.0 is read here: make it again, or remove it"
    )
    assert "has format 1.4; 2.0 is read here" in refusal(FlashImageError, bmap_bytes(DATA, version="1.4"))
    assert "has checksums of type 'sha1'; sha256 is read" in refusal(
        FlashImageError, bmap_bytes(DATA, ChecksumType="sha1")
    )
    assert refusal(FlashImageError, bmap_bytes(DATA, BmapFileChecksum="none")) == (
        "pedal.img.bmap: has no checksum of its own; make it again, or remove it"
    )


def test_a_map_that_was_changed_is_refused() -> None:
    assert refusal(FlashImageError, bmap_bytes(DATA).replace(b" 0 <", b" 1 <")) == (
        "pedal.img.bmap: is not what its own checksum says; get it again"
    )


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"ImageSize": "many"}, "ImageSize is 'many', no number"),
        ({"BlockSize": ""}, "BlockSize is '', no number"),
        ({"BlockSize": "0"}, "its counts of blocks do not fit together"),
        ({"BlocksCount": "3"}, "its counts of blocks do not fit together"),
        ({"MappedBlocksCount": "3"}, "its counts of blocks do not fit together"),
        ({"BlockMap": "<Range> 0 </Range>"}, "'0' is no range of blocks with a checksum"),
        ({"BlockMap": f'<Range chksum="{"a" * 64}">0,1</Range>'}, "'0,1' is no range of blocks with a checksum"),
        ({"BlockMap": f'<Range chksum="{"a" * 64}">5-4</Range>'}, "blocks 5-4 are out of order"),
        ({"BlockMap": f'<Range chksum="{"a" * 64}">0-9999</Range>'}, "blocks 0-9999 are out of order, or behind"),
        ({"BlockMap": f'<Range chksum="{"a" * 64}">4</Range>' * 2}, "blocks 4-4 are out of order"),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(replaced: dict[str, str], said: str) -> None:
    text = refusal(FlashImageError, bmap_bytes(DATA, **replaced))
    assert text.startswith(f"pedal.img.bmap: is no block map that is read here: {said}")
    assert text.endswith("; make it again, or remove it")
