"""Reads the zip of a bank file within limits, whatever the zip says about itself.

Python's zipfile reads the format. zipfile trusts the file, so these are checked here: the length of the zip's
directory, how many members it lists, whether members share bytes, and the unpacked size of each member.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nampedal.firmware.base.errors import BankError, FileAccessError
from nampedal.firmware.base.files.file_names import MAX_BANK_FILE_BYTES, MAX_FILES
from nampedal.firmware.base.files.open_file import open_to_read
from nampedal.firmware.base.files.toml_schema import os_error_text

# zipfile reads the whole directory, and makes one object for each entry (46 bytes and a name). A thousand files with
# long names take a third of this.
MAX_DIRECTORY_BYTES = 1 << 20
# Some systems add a folder for each file, and a hidden file beside it.
MAX_MEMBERS = 4 * MAX_FILES
_PIECE = 1 << 16
# Local file header: signature, then the lengths of name and extra field (PKWARE APPNOTE.TXT 6.3.10, 4.3.7).
_LOCAL = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
# Bit 0 of the general purpose flags: encrypted (APPNOTE.TXT, 4.4.4).
_ENCRYPTED = 1
# Exceptions that reading a damaged zip raises.
NO_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError),
)


class BankArchive:
    """An open zip, checked.

    members: the files by name, each once; folders are not included.
    counts: how many times each name is in the zip.
    path: of the bank file, for messages.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, file: IO[bytes]) -> None:
        self.path = path
        self._archive = archive
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise BankError(
                f"{path}: lists {len(infos):,} files; up to {MAX_FILES:,} are taken: have it divided into banks"
            )
        if not all(info.filename for info in infos):
            raise not_a_bank(path, "a file in it has no name")
        files = [info for info in infos if not _is_folder(info)]
        for info in files:
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise BankError(f"{path}: {info.filename!r} is no plain file; do not trust this bank")
        self.members = {info.filename: info for info in files}
        self.counts: dict[str, int] = {}
        for info in files:
            self.counts[info.filename] = self.counts.get(info.filename, 0) + 1
        self._check_places(infos, file)

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """Yield the unpacked bytes of a member that must have `size` bytes. It never unpacks more than that.

        Raises BankError.
        """
        info = self.members[name]
        self.check_packing(name)
        if info.file_size != size:
            raise BankError(
                f"{self.path}: {name!r} unpacks to {info.file_size:,} bytes; {size:,} are needed: have it sent again"
            )
        left = size
        try:
            with self._archive.open(info) as member:
                # The read at the end is needed: zipfile compares the checksum there.
                while piece := member.read(min(_PIECE, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        raise not_a_bank(self.path, f"{name!r} unpacks to more than it says")
                    yield piece
        except (*NO_ZIP, OSError) as error:
            if isinstance(error, BankError):
                raise
            raise not_a_bank(self.path, error) from error
        if left:
            raise not_a_bank(self.path, f"{name!r} unpacks to less than it says")

    def read(self, name: str, most: int) -> bytes:
        """Return a whole member of up to `most` bytes. Raises BankError."""
        size = self.members[name].file_size
        if size > most:
            raise not_a_bank(self.path, f"{name} is longer than {most:,} bytes")
        return b"".join(self.pieces(name, size))

    def check_packing(self, name: str) -> None:
        """Check that a member is stored or deflated, and not encrypted. Raises BankError."""
        info = self.members[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & _ENCRYPTED:
            raise not_a_bank(self.path, f"{name!r} is packed in a way that is not read here")

    def _check_places(self, infos: list[zipfile.ZipInfo], file: IO[bytes]) -> None:
        """Check that no byte of the file belongs to two members, or to a member and the directory."""
        free = 0
        try:
            for info in sorted(infos, key=lambda info: info.header_offset):
                if info.header_offset < free:
                    raise not_a_bank(self.path, f"{info.filename!r} shares bytes with another file")
                file.seek(info.header_offset)
                signature, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
                if signature != _LOCAL_SIGNATURE:
                    raise not_a_bank(self.path, f"{info.filename!r} is not where the zip says")
                free = info.header_offset + _LOCAL.size + name + extra + info.compress_size
        except (*NO_ZIP, OSError) as error:
            if isinstance(error, BankError):
                raise
            raise not_a_bank(self.path, error) from error
        if free > self._archive.start_dir:
            raise not_a_bank(self.path, "its last file reaches into the zip's directory")


@contextmanager
def open_archive(path: Path) -> Iterator[BankArchive]:
    """Open the zip of a bank file.

    Raises FileAccessError, BankError.
    """
    with _open_file(path) as file:
        try:
            archive = zipfile.ZipFile(_Capped(file))
        except OSError as error:
            raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
        except NO_ZIP as error:
            raise not_a_bank(path, error) from error
        with archive:
            yield BankArchive(path, archive, file)


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    try:
        number = open_to_read(path)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise FileAccessError(f"{path}: can't be read: is no plain file")
        if status.st_size > MAX_BANK_FILE_BYTES:
            raise BankError(
                f"{path}: has {status.st_size:,} bytes; up to {MAX_BANK_FILE_BYTES:,} are taken: have it divided into "
                "two banks"
            )
        with os.fdopen(number, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(number)


class _Capped:
    """A file that refuses to return more than MAX_DIRECTORY_BYTES in one read, as zipfile reads its directory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, MAX_DIRECTORY_BYTES + 1) if size >= 0 else MAX_DIRECTORY_BYTES + 1)
        if len(data) > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its zip's directory is longer than {MAX_DIRECTORY_BYTES:,} bytes")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: the caller that opened the file closes it."""


def not_a_bank(path: Path, why: object) -> BankError:
    """Return the error for a file that is no bank or is damaged. why: text or exception."""
    said = str(why)
    return BankError(f"{path}: is no bank, or is damaged: {said[:1].lower()}{said[1:]}; have it sent again")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() and info.file_size == 0 and stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFDIR)
