from __future__ import annotations

import hashlib
import io
import lzma
import os
import struct
import subprocess
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.system.image.image_manifest import ImageManifest
from nampedal.firmware.system.image.mbr import Partition
from nampedal.firmware.system.update.image_file import (
    ImageReader,
    check_sum,
    copy_card,
    open_image,
    parse_partitions,
    unpack_card,
    write_root,
)
from support.rigs.update_rig import NEW, FakePedal, make_image, make_slot_folder, pin, root_of

FAT, LINUX = 0x0C, 0x83


def table(*kinds: int, start: int = 2048, mark: bytes = b"\x55\xaa") -> bytes:
    """Of partitions of 1000 sectors."""
    entries = [struct.pack("<4xB3xII", kind, start + 1000 * i, 1000) for i, kind in enumerate(kinds)]
    return bytes(446) + b"".join(entries).ljust(64, b"\0") + mark


def test_partitions_are_read() -> None:
    assert parse_partitions("a.img", table(FAT, LINUX, LINUX, LINUX)) == tuple(
        Partition(2048 + 1000 * i, 1000, kind) for i, kind in enumerate((FAT, LINUX, LINUX, LINUX))
    )


@pytest.mark.parametrize("kinds", [(), (LINUX,) * 4, (FAT, LINUX, 0, 0), (0xEE, 0, 0, 0)])
def test_another_layout_is_named(kinds: tuple[int, ...]) -> None:
    with pytest.raises(DeployError) as caught:
        parse_partitions("a.img", table(*kinds))
    found = ", ".join(f"{kind:#04x}" for kind in (*kinds, 0, 0, 0, 0)[:4])
    assert str(caught.value) == (
        f"a.img: has partitions {found}; those of an image of nampedal are 0x0c, 0x83, 0x83, 0x83"
    )


def test_what_has_no_partitions_is_no_image() -> None:
    for sector in (b"", bytes(512), table(FAT, LINUX, LINUX, mark=b"\x55\x00")):
        with pytest.raises(DeployError) as caught:
            parse_partitions("a.img", sector)
        assert str(caught.value) == "a.img: has no partitions; it is no image of a card, or only a part of one"


def packed(folder: Path, data: bytes, suffix: str) -> Path:
    path = folder / f"a.img{suffix}"
    if suffix == ".xz":
        path.write_bytes(lzma.compress(data))
    elif suffix == ".zst":
        path.write_bytes(subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout)
    else:
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_an_image_is_read_forward_packed_or_not(tmp_path: Path, suffix: str) -> None:
    data = os.urandom(3_000_000)
    with open_image(pin(packed(tmp_path, data, suffix))) as reader:
        assert b"".join(reader.read(512)) == data[:512]
        reader.go_to(1_500_000)
        assert b"".join(reader.read(1_400_000)) == data[1_500_000:2_900_000]
        with pytest.raises(DeployError, match="ends after 3000000 bytes; copy it again"):
            reader.go_to(4_000_000)


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_an_image_that_is_cut_off_says_so(tmp_path: Path, suffix: str) -> None:
    path = packed(tmp_path, os.urandom(300_000), suffix)
    path.write_bytes(path.read_bytes()[:100_000])
    with open_image(pin(path)) as reader, pytest.raises(DeployError) as caught:
        reader.go_to(250_000)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("; copy it again")


def test_a_file_that_is_not_there_or_cannot_be_unpacked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.img"
    with pytest.raises(FileAccessError) as caught, open_image(pin(path)):
        pass
    assert str(caught.value) == f"{path}: can't be read: no such file or directory"
    path = packed(tmp_path, b"", ".zst")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileAccessError) as caught, open_image(pin(path)):
        pass
    assert str(caught.value) == f"{path}: can't be unpacked: zstd: no such file or directory; install zstd"


def test_a_checksum_beside_it_counts(tmp_path: Path) -> None:
    path = packed(tmp_path, b"image", "")
    assert not check_sum(pin(path))
    beside = tmp_path / "a.img.sha256"
    right = hashlib.sha256(b"image").hexdigest()
    beside.write_text(f"{right}  a.img\n")
    assert check_sum(pin(path))
    beside.write_text(f"{'0' * 64}  a.img\n")
    with pytest.raises(DeployError) as caught:
        check_sum(pin(path))
    assert str(caught.value) == (f"{path}: has the SHA-256 {right}; a.img.sha256 says {'0' * 64}: copy both again")
    beside.write_text("")
    with pytest.raises(DeployError, match="says nothing: copy both again"):
        check_sum(pin(path))


def test_the_first_partition_comes_with_its_files(tmp_path: Path, pedal: FakePedal) -> None:
    make_slot_folder(tmp_path / "in", NEW, root_of(NEW))
    make_image(tmp_path / "a.img", tmp_path / "in", root_of(NEW))
    with open_image(pin(tmp_path / "a.img")) as reader:
        partitions = parse_partitions("a.img", b"".join(reader.read(512)))
        copy_card(reader, partitions[0], tmp_path / "card.img")
    assert (tmp_path / "card.img").stat().st_size == 4 << 20
    assert (tmp_path / "card.img").stat().st_blocks * 512 < 2 << 20
    folder = unpack_card(pedal.system, tmp_path / "a.img", tmp_path / "card.img", tmp_path)
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    into = tmp_path / "in"
    assert found == {path.relative_to(into): path.read_bytes() for path in into.rglob("*") if path.is_file()}


def test_a_first_partition_without_a_system_is_named(tmp_path: Path, pedal: FakePedal) -> None:
    (tmp_path / "card.img").write_bytes(bytes(1 << 20))
    with pytest.raises(DeployError) as caught:
        unpack_card(pedal.system, Path("a.img"), tmp_path / "card.img", tmp_path)
    assert str(caught.value).startswith("a.img: has no folder A that can be read: mcopy -s ")


ROOT = root_of(NEW)
FACTS = ImageManifest(NEW, "raspios", "aarch64", "stage", len(ROOT), hashlib.sha256(ROOT).hexdigest())


def write(target: Path, data: bytes, facts: ImageManifest = FACTS) -> None:
    """data: an image, whose root begins with the second sector."""
    write_root(ImageReader("a.img", io.BytesIO(bytes(512) + data)), Partition(1, 2048, LINUX), facts, target)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "p3"
    path.write_bytes(b"\xff" * 400_000)
    return path


def test_a_root_is_written_as_long_as_it_is(target: Path) -> None:
    write(target, ROOT + b"more")
    assert target.read_bytes() == ROOT.ljust(400_000, b"\xff")


def refusal(target: Path, data: bytes, error: type[NampedalError], facts: ImageManifest = FACTS) -> str:
    with pytest.raises(error) as caught:
        write(target, data, facts)
    return str(caught.value)


def test_a_root_that_is_another_one_or_none_is_refused(target: Path) -> None:
    said = "update: the image's root is not what the image says of it; copy it again"
    assert refusal(target, ROOT[:-1] + b"\0", DeployError) == said
    other = bytes(len(ROOT))
    sums = ImageManifest(NEW, "raspios", "aarch64", "stage", len(ROOT), hashlib.sha256(other).hexdigest())
    assert refusal(target, other, DeployError, sums) == said
    assert refusal(target, ROOT[:1000], DeployError) == "a.img: ends after 1512 bytes; copy it again"


def test_a_bit_that_flips_on_the_card_is_found(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def flips(file: int) -> None:
        real(file)
        byte = os.pread(file, 1, 200_000)[0]
        os.pwrite(file, bytes([byte ^ 1]), 200_000)

    monkeypatch.setattr(os, "fsync", flips)
    assert refusal(target, ROOT, DeployError) == (
        f"{target}: reads otherwise than it was written; the card is worn out: replace it"
    )


def test_a_partition_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "p3", ROOT, FileAccessError) == (
        f"{tmp_path / 'p3'}: can't be written: no such file or directory"
    )
