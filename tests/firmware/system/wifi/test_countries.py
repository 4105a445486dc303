"""The list of countries is that of Debian's wireless-regdb."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from nampedal.firmware.system.wifi.countries import COUNTRIES, DATABASES, MEANT, known_countries, read

ROOT = Path("/")


@pytest.fixture(scope="module")
def database() -> bytes:
    """Debian's own."""
    (path,) = {path.resolve() for path in DATABASES if path.exists()}
    return path.read_bytes()


def test_the_list_in_the_code_is_that_of_debians_database(database: bytes) -> None:
    found = read(database)
    assert sorted(found - COUNTRIES) == []
    assert sorted(COUNTRIES - found) == []
    assert known_countries(ROOT) == found


def test_what_is_meant_is_a_country_and_what_was_written_is_none(database: bytes) -> None:
    assert set(MEANT.values()) <= read(database)
    assert not set(MEANT) & read(database)
    assert not {"00", "UK"} & read(database)


def packed(magic: bytes, version: int, *codes: bytes) -> bytes:
    """A database without rules."""
    entries = b"".join(struct.pack(">2sH", code, 1) for code in codes)
    return struct.pack(">4sI", magic, version) + entries + struct.pack(">2sH", b"\0\0", 0)


def test_the_database_of_the_pedal_counts(tmp_path: Path) -> None:
    path = tmp_path / "usr/lib/firmware/regulatory.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(packed(b"RGDB", 20, b"00", b"QQ"))
    assert known_countries(tmp_path) == {"QQ"}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"RGDB", packed(b"RGDC", 20, b"DE"), packed(b"RGDB", 19, b"DE"), packed(b"RGDB", 20)),
        *(packed(b"RGDB", 20, b"00"), packed(b"RGDB", 20, b"DE")[:-2], packed(b"RGDB", 20, b"\xff\xff")),
    ],
)
def test_a_database_that_is_none_leaves_the_list_in_the_code(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"regulatory database|list of countries|no country|ascii"):
        read(data)
    path = tmp_path / "lib/firmware/regulatory.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert known_countries(tmp_path) == COUNTRIES
