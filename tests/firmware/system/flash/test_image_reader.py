"""Images as they lie in a folder, read to their end before a card is touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import FileAccessError, FlashImageError, NampedalError, ProgramError
from nampedal.firmware.system.flash.bmap import BlockRange
from nampedal.firmware.system.flash.image_reader import CHUNK, HEAD, Image, read_image
from support.makers.disk_image import SIZE, bmap_bytes, image_bytes, mapped_blocks, write_image, write_sum

DATA = image_bytes()
NAMES = [
    "pedal.img",
    "pedal.img.xz",
    pytest.param("pedal.img.zst", marks=pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is missing")),
]


@contextmanager
def quiet(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def refusal(error: type[NampedalError], path: Path) -> str:
    with pytest.raises(error) as caught:
        read_image(path, quiet)
    return str(caught.value)


def unpacked(image: Image) -> bytes:
    """What a card of zeros would hold."""
    found = bytearray(SIZE)
    for offset, data in image.pieces():
        assert len(data) <= CHUNK
        found[offset : offset + len(data)] = data
    return bytes(found)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_read_packed_or_not(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name, DATA)
    seen: list[tuple[str, int, int]] = []

    @contextmanager
    def stage(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((what, done, total))

    image = read_image(path, stage)
    assert image == Image(path, SIZE, DATA[:HEAD], sha256(DATA).hexdigest(), (BlockRange(0, SIZE),), ())
    assert unpacked(image) == DATA
    size = path.stat().st_size
    assert seen[-1] == ("checking the image", size, size)


@pytest.mark.parametrize("name", NAMES)
def test_a_checksum_and_a_map_beside_it_are_checked(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name, DATA)
    beside = write_sum(path)
    bmap = tmp_path / "pedal.img.bmap"
    bmap.write_bytes(bmap_bytes(DATA))
    image = read_image(path, quiet)
    assert image.beside == (beside, bmap)
    assert len(image.ranges) == len(mapped_blocks(DATA))
    assert image.used < SIZE // 100
    assert unpacked(image) == DATA


def test_a_map_is_found_under_shorter_names(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img.xz", DATA)
    for name in ("pedal.bmap", "pedal.img.bmap", "pedal.img.xz.bmap"):
        (tmp_path / name).write_bytes(bmap_bytes(DATA))
        assert read_image(path, quiet).beside == (tmp_path / name,)


def test_the_checksum_of_the_unpacked_image_counts_too(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img.xz", DATA)
    beside = tmp_path / "pedal.img.sha256"
    beside.write_text(f"{sha256(DATA).hexdigest().upper()} *pedal.img\n")
    assert read_image(path, quiet).beside == (beside,)
    beside.write_text("0" * 64)
    assert refusal(FlashImageError, path).startswith(f"{tmp_path}/pedal.img: is damaged or another one: ")


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img", DATA)
    write_sum(path)
    changed = bytearray(DATA)
    changed[SIZE // 2] ^= 0x40
    path.write_bytes(changed)
    assert refusal(FlashImageError, path) == (
        f"{path}: is damaged or another one: its SHA-256 begins with {sha256(changed).hexdigest()[:8]}, not "
        f"{sha256(DATA).hexdigest()[:8]}; get it again"
    )


def test_a_checksum_of_something_else_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img", DATA)
    beside = tmp_path / "pedal.img.sha256"
    for text in ("", f"{'0' * 64}  other.img\n", f"{'0' * 63}  pedal.img\n"):
        beside.write_text(text)
        assert refusal(FlashImageError, path) == (f"{beside}: has no SHA-256 of pedal.img; get it again, or remove it")


def test_a_map_of_another_image_is_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img", DATA)
    (tmp_path / "pedal.img.bmap").write_bytes(bmap_bytes(image_bytes(seed=2)))
    assert refusal(FlashImageError, path).startswith(f"{tmp_path}/pedal.img.bmap: does not fit the image from byte 0")


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_image_that_was_cut_off_or_damaged_is_refused(tmp_path: Path, name: str) -> None:
    path = write_image(tmp_path / name, DATA)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    for data in (whole[: len(whole) // 2], whole[:-1], bytes(damaged), b"<html>", b""):
        path.write_bytes(data)
        text = refusal(FlashImageError, path)
        assert text.startswith(f"{path}: is damaged or cut off: ")
        assert text.endswith("; get it again")
        assert "\n" not in text


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    for name in ("pedal.zip", "pedal.zst", "pedal"):
        assert refusal(FlashImageError, tmp_path / name) == (
            f"{tmp_path}/{name}: is no image by its name; .img, .img.zst and .img.xz are written"
        )
    assert refusal(FileAccessError, tmp_path / "gone.img") == (
        f"{tmp_path}/gone.img: can't be read: no such file or directory"
    )
    (tmp_path / "folder.img.xz").mkdir()
    assert refusal(FileAccessError, tmp_path / "folder.img.xz").endswith("can't be read: is a directory")
    for data in (b"", b"<html>", DATA[512:]):
        path = write_image(tmp_path / "pedal.img", data)
        assert refusal(FlashImageError, path) == (
            f"{path}: holds no partition table; the image of a whole disk is needed"
        )


def test_what_unpacks_it_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pedal.img.zst"
    path.write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(ProgramError, path) == (
        f"{path}: the program zstd, which unpacks it, is not installed: sudo apt install zstd"
    )


def test_an_image_that_changes_after_it_was_checked_is_noticed(tmp_path: Path) -> None:
    path = write_image(tmp_path / "pedal.img", DATA)
    image = read_image(path, quiet)
    path.write_bytes(DATA[:-1] + b"\1")
    with pytest.raises(FlashImageError):
        list(image.pieces())
