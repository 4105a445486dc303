"""Makes malicious bank files."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from hashlib import sha256
from pathlib import Path

from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset

MIB, GIB = 1 << 20, 1 << 30
# Fields of a zip's headers (PKWARE APPNOTE.TXT 6.3.10, 4.3.7, 4.3.12 and 4.3.16).
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DEFLATED, _JANUARY_1980 = 8, 33


def manifest(files: dict[str, bytes], sizes: dict[str, int] | None = None) -> bytes:
    """Return the manifest of a bank file. sizes: false sizes to state for some files."""
    text = to_toml({"format": 1, "name": "rock"})
    for path, data in files.items():
        size = (sizes or {}).get(path, len(data))
        text += b"\n[[file]]\n" + to_toml({"path": path, "sha256": sha256(data).hexdigest(), "bytes": size})
    return text


def write_bomb(path: Path, listed: int, directory: int = GIB, name: str = "big.wav") -> Path:
    """Write a bank file of 1 MB that contains a member of 1 GiB of zeros.

    listed: the size of this member in the manifest, in bytes.  directory: its size in the zip's directory.
    """
    lead = preset.pack(Preset("Lead", (Gain(1.0),)))
    files = {"lead.toml": lead, name: b""}
    members = [("manifest.toml", manifest(files, {name: listed})), ("bank/lead.toml", lead)]
    packed = [_packed(member, _deflate(data), zlib.crc32(data), len(data)) for member, data in members]
    _write(path, [*packed, _packed(f"bank/{name}", *zeros(), directory)])
    return path


def empty_entries(count: int) -> bytes:
    """Return entries of a zip's directory with empty names and without members."""
    return count * _ENTRY.pack(b"PK\1\2", 20, 20, 0, 0, 0, _JANUARY_1980, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def end(count: int, size: int, offset: int) -> bytes:
    """Return the end record of a zip's directory with so many entries and bytes."""
    return _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)


def end64(count: int, size: int, offset: int, at: int) -> bytes:
    """Return the end record of a zip64's directory, and its locator (4.3.14, 4.3.15)."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


@cache
def zeros() -> tuple[bytes, int]:
    """Return 1 GiB of zeros, deflated, and its CRC-32."""
    one = zlib.compressobj(9, zlib.DEFLATED, -15)
    # After a full flush the state of the compressor is reset, so the same bytes can be repeated.
    piece = one.compress(bytes(MIB)) + one.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(GIB // MIB):
        crc = zlib.crc32(bytes(MIB), crc)
    return piece * (GIB // MIB) + one.flush(), crc


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _packed(name: str, data: bytes, crc: int, size: int) -> tuple[bytes, bytes, int, int]:
    return name.encode(), data, crc, size


def _write(path: Path, members: list[tuple[bytes, bytes, int, int]]) -> None:
    out, entries = b"", b""
    for name, data, crc, size in members:
        common = (20, 0, _DEFLATED, 0, _JANUARY_1980, crc, len(data), size, len(name), 0)
        entries += _ENTRY.pack(b"PK\1\2", 20, *common, 0, 0, 0, 0, len(out)) + name
        out += _LOCAL.pack(b"PK\3\4", *common) + name + data
    path.write_bytes(out + entries + end(len(members), len(entries), len(out)))
