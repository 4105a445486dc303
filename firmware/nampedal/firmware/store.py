"""TOML files that no power cut takes: whole on the disk before they have their name, and the version before is kept.

nampedal puts a line before what it writes, and behind it the SHA-256 of all of that. A file that has the first line and
not the last was cut off. One whose checksum is wrong was edited, or is damaged: if it is TOML still it counts, as an
edit must.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nampedal.board.errors import SettingsError, SettingsUnreadableError, SettingsUnwritableError
from nampedal.board.settings import load_toml, reason, replace_file, save, sync_folder
from nampedal.firmware import no_links
from nampedal.firmware.errors import TornFileError

# Of text that somebody may have to read.
MOST_BYTES = 4 << 20
HEAD = b"# Written by nampedal. Edit what you like; the first and the last line stay, or go together.\n"
# Wherever an editor put them, and however its lines end.
_HEAD = re.compile(rb"^" + re.escape(HEAD.rstrip()) + rb"\r?$\n?", re.MULTILINE)
_TAIL = re.compile(rb"^# sha256: ([0-9a-f]{64})\r?$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stored:
    """data: of the newest version that is whole.  warning: why that is not the newest at all; empty if it is.

    changed: since nampedal wrote it, by a person or by a failing card.
    """

    data: bytes
    warning: str = ""
    changed: bool = False


def older_of(path: Path) -> Path:
    """Where the version before is kept."""
    return path.with_name(f".{path.name}.old")


def seal(data: bytes) -> bytes:
    """data: TOML, sealed or not."""
    text = HEAD + unsealed(data)
    if not text.endswith(b"\n"):
        text += b"\n"
    return text + b"# sha256: " + sha256(text).hexdigest().encode() + b"\n"


def unsealed(data: bytes) -> bytes:
    """Without the first line and the last."""
    return _TAIL.sub(b"", _HEAD.sub(b"", data)) if _HEAD.search(data) else data


def write_safely(path: Path, data: bytes) -> None:
    """data: TOML. What was there and was whole stays as the older version. Raises SettingsUnwritableError."""
    try:
        before = _read_whole(path, None)
    except SettingsError:
        # The older version is better than that.
        pass
    else:
        replace_file(before.data, older_of(path))
    save(seal(data), path)


def read_safely(path: Path, below: Path | None = None) -> Stored:
    """The newest version, or the older one where that is torn: empty, zeroed, cut off, no TOML, or can't be read.

    below: a folder that others may write; no symbolic link in it is followed, which root must not.
    A file that is gone is gone. Where no version is whole, raises SettingsUnreadableError, SettingsSyntaxError or
    TornFileError of the newest.
    """
    try:
        return _read_whole(path, below)
    except SettingsError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise
        try:
            older = _read_whole(older_of(path), below)
        except SettingsError:
            raise error from None
        return Stored(older.data, f"{error}; the version before is used", older.changed)


def remove_safely(path: Path) -> None:
    """Both versions, the older one first: it would come back. Raises SettingsUnwritableError."""
    try:
        older_of(path).unlink(missing_ok=True)
        os.unlink(path)
        sync_folder(path.parent)
    except OSError as error:
        raise SettingsUnwritableError(f"{path}: can't be removed: {reason(error)}") from error


def read_plain(path: Path, below: Path | None = None) -> bytes:
    """A text file as it is. below: as of `read_safely`. Raises SettingsUnreadableError."""
    try:
        return _read(path, below)
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error


def _read(path: Path, below: Path | None) -> bytes:
    """Nothing that never ends, as a pipe. Raises OSError."""
    if below is None:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "is no file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    else:
        with (
            no_links.opened(below, path.relative_to(below).as_posix()) as number,
            open(number, "rb", closefd=False) as file,
        ):
            data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"is longer than {MOST_BYTES:,} bytes")
    return data


def _read_whole(path: Path, below: Path | None) -> Stored:
    data = read_plain(path, below)
    sealed = _HEAD.search(data) is not None
    tail = _TAIL.search(data)
    if sealed and tail is None:
        raise TornFileError(
            f"{path}: is cut off: its last line, '# sha256: ...', is missing; restore it from a copy, or take out the "
            "first line, too"
        )
    if not load_toml(str(path), data):
        raise TornFileError(f"{path}: holds nothing; restore it from a copy, or remove it")
    return Stored(data, changed=sealed and tail is not None and _checksum(data, tail) != tail[1].decode())


def _checksum(data: bytes, tail: re.Match[bytes]) -> str:
    """Of what stands before the last line; empty where something stands behind it."""
    return "" if data[tail.end() :].strip() else sha256(data[: tail.start()]).hexdigest()
