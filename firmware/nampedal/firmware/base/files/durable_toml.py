"""TOML files that survive a power cut: atomic writes, a checksum, and a copy of the version before.

nampedal writes a first line before the text and a last line with the SHA-256 of everything above it. A file with the
first line but without the last was cut off. A file with a wrong checksum was edited or is damaged: if it is still TOML,
it is used, because edits must count. Text that is not TOML is a mistake in an edit: it is reported, and the older
version is not used in its place, because it may be much older than what the player heard last.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from nampedal.firmware.base.errors import (
    SettingsError,
    SettingsSyntaxError,
    SettingsUnreadableError,
    SettingsUnwritableError,
    TornFileError,
)
from nampedal.firmware.base.files import no_links
from nampedal.firmware.base.files.atomic_write import sync_folder
from nampedal.firmware.base.files.toml_edit import merged_into
from nampedal.firmware.base.files.toml_schema import Values, load_toml, os_error_text, replace_file, save
from nampedal.firmware.base.files.toml_text import MAX_BYTES, unified

HEAD = b"# Written by nampedal. Edit what you like; the first and the last line stay, or go together.\n"
# The marks may be on any line and have any line ending, because editors change both.
_HEAD = re.compile(rb"^(?:\xef\xbb\xbf)?" + re.escape(HEAD.rstrip()) + rb"\r?$\n?", re.MULTILINE)
_TAIL = re.compile(rb"^# sha256: ([0-9a-f]{64})\r?$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was read.

    data: of the newest complete version, as UTF-8.
    warning: why that is not the newest version; empty if it is.
    changed: True if it was changed since nampedal wrote it, by a person or by a failing card.
    as_written: `data` with the line endings of the file, and with its UTF-8 byte order mark.
    """

    data: bytes
    warning: str = ""
    changed: bool = False
    as_written: bytes = b""


def backup_path(path: Path) -> Path:
    """Return the path of the version before."""
    return path.with_name(f".{path.name}.old")


def add_checksum(data: bytes) -> bytes:
    """Add the first line and the checksum line. data: TOML, with or without them.

    Both get the line ending of the data's first line. The checksum is of the text with Linux line endings.
    """
    text = strip_checksum(data)
    if text and not text.endswith(b"\n"):
        text += _ending_of(text)
    ending = _ending_of(text)
    text = HEAD.rstrip() + ending + text
    return text + b"# sha256: " + sha256(text.replace(b"\r\n", b"\n")).hexdigest().encode() + ending


def strip_checksum(data: bytes) -> bytes:
    """Return the data without the first line and the checksum line."""
    return _TAIL.sub(b"", _HEAD.sub(b"", data)) if _HEAD.search(data) else data


def write_safely(path: Path, data: bytes) -> None:
    """Write TOML with checksum, atomically. Raises SettingsUnwritableError.

    The existing file becomes the older version, if it is complete.
    """
    _keep_older(path)
    save(add_checksum(data), path)


def update_safely(path: Path, data: bytes, complete: Callable[[bytes], Values]) -> None:
    """Write as `write_safely` does, into the text of the existing file: comments, order and layout stay.

    If the existing file is torn, the older version's text is used. complete: as in `toml_edit.merged_into`.
    """
    try:
        there = read_safely(path).as_written
    except SettingsError:
        write_safely(path, data)
        return
    mark = codecs.BOM_UTF8 if there.startswith(codecs.BOM_UTF8) else b""
    text = merged_into(strip_checksum(there.removeprefix(mark)), data, str(path), complete)
    _keep_older(path)
    save(mark + add_checksum(text), path)


def _keep_older(path: Path) -> None:
    """Copy the existing file to the older version. A broken one is not copied: the older version is kept."""
    try:
        before = _read_whole(path, None)
    except SettingsError:
        return
    replace_file(before.data, backup_path(path))


def check_overwritable(path: Path) -> None:
    """Check that the existing file is not an edit with a mistake, which a write would destroy.

    Raises SettingsUnwritableError.
    """
    try:
        _read_whole(path, None)
    except SettingsError as error:
        if not _is_torn(error):
            raise SettingsUnwritableError(f"{error}; it is not written over: mend or remove it") from error


def read_safely(path: Path, below: Path | None = None) -> Stored:
    """Read the newest version, or the older one if the newest is torn.

    Torn is: empty, zeroed, cut off, not text, or not readable. A missing file is not replaced by its older version.
    below: a folder that other users may write; no symbolic link in it is followed, because root must not follow one.

    Raises SettingsSyntaxError for text that is not TOML, even if there is an older version: a person wrote that text.
    If no version is complete, raises SettingsUnreadableError or TornFileError for the newest.
    """
    try:
        return _read_whole(path, below)
    except SettingsError as error:
        if isinstance(error.__cause__, FileNotFoundError) or not _is_torn(error):
            raise
        try:
            older = _read_whole(backup_path(path), below)
        except SettingsError:
            raise error from None
        return replace(older, warning=f"{error}; the version before is used")


def remove_safely(path: Path) -> None:
    """Remove both versions. Raises SettingsUnwritableError.

    The older one goes first: otherwise a power cut in between could bring it back.
    """
    try:
        backup_path(path).unlink(missing_ok=True)
        os.unlink(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SettingsUnwritableError(f"{path}: can't be removed: {os_error_text(error)}") from error


def read_plain(path: Path, below: Path | None = None) -> bytes:
    """Return the bytes of a text file. below: as in `read_safely`. Raises SettingsUnreadableError."""
    try:
        return _read(path, below)
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error


def _read(path: Path, below: Path | None) -> bytes:
    """Read a regular file of at most MAX_BYTES; a pipe, which may never end, is refused. Raises OSError."""
    if below is None:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "is no file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        with (
            no_links.opened(below, path.relative_to(below).as_posix()) as number,
            open(number, "rb", closefd=False) as file,
        ):
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"is longer than {MAX_BYTES:,} bytes")
    return data


def _ending_of(text: bytes) -> bytes:
    """Return the line ending of the first line; Linux's if it has none."""
    return b"\r\n" if text.partition(b"\n")[0].endswith(b"\r") and b"\n" in text else b"\n"


def _is_torn(error: SettingsError) -> bool:
    """Return True if the error can't come from a person's edit."""
    return isinstance(error, TornFileError) or not isinstance(error, SettingsSyntaxError)


def _read_whole(path: Path, below: Path | None) -> Stored:
    written = read_plain(path, below)
    text = unified(str(path), written)
    data = text.replace("\r\n", "\n").encode()
    mark = codecs.BOM_UTF8 if written.startswith(codecs.BOM_UTF8) else b""
    sealed = _HEAD.search(data) is not None
    tail = _TAIL.search(data)
    if sealed and tail is None:
        raise TornFileError(
            f"{path}: is cut off: its last line, '# sha256: ...', is missing; restore it from a copy, or take out the "
            "first line, too"
        )
    if not load_toml(str(path), data):
        raise TornFileError(f"{path}: holds nothing; restore it from a copy, or remove it")
    # An editor may have changed only the byte order mark and the line endings; that is not a change.
    changed = sealed and not (_is_sealed(written) or _is_sealed(data))
    return Stored(data, changed=changed, as_written=mark + text.encode())


def _is_sealed(data: bytes) -> bool:
    """Return True if the checksum matches the text before it, and there is nothing after it."""
    tail = _TAIL.search(data)
    if tail is None or data[tail.end() :].strip():
        return False
    return sha256(data[: tail.start()]).hexdigest() == tail[1].decode()
