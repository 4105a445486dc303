"""Repairs WAV headers that libsndfile refuses and other programs read.

Recorders and converters write such files: chunks of an odd size without the padding byte, a length of 0 or 0xffffffff
in a streamed file, RF64 without its lengths, other data before the header or between chunks. The samples are not
changed. Facts of the format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE), EBU Tech 3306
(RF64). The behaviour of libsndfile 1.2.2 was found by trying, not by reading its source.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path

# How far to search for the header, and for the next chunk after unknown data.
_MAX_JUNK = 1 << 16
_MAX_CHUNKS = 1000
_MAX_FORMAT_BYTES = 1 << 10
_MIN_FORMAT_BYTES = 16
_UNKNOWN = 0xFFFFFFFF
_HEADS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
# Chunk names to search for after unknown data. Directly after a chunk, other names are accepted, too.
_KNOWN = (
    *(b"fmt ", b"data", b"fact", b"LIST", b"JUNK", b"junk", b"PAD ", b"FLLR", b"bext", b"iXML", b"ds64", b"cue "),
    *(b"smpl", b"inst", b"plst", b"PEAK", b"id3 ", b"ID3 ", b"cart", b"acid", b"_PMX", b"chna", b"axml", b"afsp"),
)


@dataclass(frozen=True, slots=True)
class _Chunks:
    """The parts of a WAV file.

    order: byte order, as in struct.
    form: bytes of the format chunk.
    start, size: of the samples, in bytes.
    """

    order: str
    form: bytes
    start: int
    size: int


class RepairedWav(io.RawIOBase):
    """A file object with a correct header, followed by the samples of the file. It can seek."""

    def __init__(self, path: Path, found: _Chunks) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._start, self._size, self._at = found.start, found.size, 0
        form = found.form + b"\0" * (len(found.form) % 2)
        head = b"RIFF" if found.order == "<" else b"RIFX"
        length = min(4 + 8 + len(form) + 8 + found.size, _UNKNOWN)
        self._head = b"".join(
            (
                *(head, struct.pack(f"{found.order}I", length), b"WAVE"),
                *(b"fmt ", struct.pack(f"{found.order}I", len(found.form)), form),
                *(b"data", struct.pack(f"{found.order}I", min(found.size, _UNKNOWN))),
            )
        )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        of = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._head) + self._size}[whence]
        self._at = max(0, of + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        head = len(self._head)
        if self._at < head:
            data = self._head[self._at : self._at + len(target)]
        else:
            at = self._at - head
            self._file.seek(self._start + at)
            data = self._file.read(max(0, min(len(target), self._size - at)))
        target[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
        super().close()


def repair_wav(path: Path) -> RepairedWav | None:
    """Return the file with a correct header if it is a WAV with samples; otherwise None. Raises OSError."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        found = _find(file, length)
    return RepairedWav(path, found) if found is not None and found.size > 0 else None


def _find(file: io.BufferedReader, length: int) -> _Chunks | None:
    file.seek(0)
    head = file.read(_MAX_JUNK)
    places = [head.find(name) for name in _HEADS]
    starts = [place for place in places if place >= 0 and head[place + 8 : place + 12] == b"WAVE"]
    if not starts:
        return None
    start = min(starts)
    order = ">" if head[start : start + 4] == b"RIFX" else "<"
    form, samples, size64 = b"", None, 0
    at: int | None = start + 12
    for _ in range(_MAX_CHUNKS):
        at = _chunk(file, at, length) if at is not None else None
        if at is None or (form and samples is not None):
            break
        file.seek(at)
        entry = file.read(8)
        if len(entry) < 8:
            break
        name, size = struct.unpack(f"{order}4sI", entry)
        at += 8
        if name == b"fmt ":
            form = form or file.read(min(size, _MAX_FORMAT_BYTES))
        elif name == b"ds64" and size >= 16:
            ds64 = file.read(16)
            size64 = struct.unpack(f"{order}QQ", ds64)[1] if len(ds64) == 16 else 0
        elif name == b"data" and samples is None:
            size = _length_of(file, at, size, size64, length)
            samples = at, size
        at += size
    if len(form) < _MIN_FORMAT_BYTES or samples is None:
        return None
    return _Chunks(order, form, *samples)


def _chunk(file: io.BufferedReader, at: int, length: int) -> int | None:
    """Return where the next chunk begins: here, after a padding byte, or after unknown data; None: nowhere."""
    file.seek(at)
    here = file.read(8)
    if here[:4] in _KNOWN:
        return at
    # A chunk of an odd size is followed by a zero byte, or should be.
    if at % 2 and here[:1] == b"\0" and here[1:5].isascii() and here[1:5].decode().isprintable() and len(here) == 8:
        return at + 1
    if len(here) == 8 and here[:4].isascii() and here[:4].decode().isprintable():
        return at
    file.seek(max(at - 1, 0))
    near = file.read(_MAX_JUNK)
    places = [place for name in _KNOWN if (place := near.find(name)) >= 0 and at - 1 + place + 8 <= length]
    return at - 1 + min(places) if places else None


def _length_of(file: io.BufferedReader, at: int, size: int, size64: int, length: int) -> int:
    """Return the number of sample bytes. A program that streams does not know it when it writes the header."""
    left = length - at
    if size == _UNKNOWN and 0 < size64 <= left:
        return size64
    if 0 < size <= left:
        return size
    if size == 0:
        file.seek(at)
        if file.read(4) in _KNOWN:
            return 0
    return left
