"""What presets are made of: the preset's own numbers, and the bytes of the files that it names.

Whether something may have changed is a matter of stat(2); whether it has is decided by what is read.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from nampedal.board.errors import SettingsError
from nampedal.board.settings import reason
from nampedal.firmware import artifact, preset
from nampedal.firmware.preset import Nam, Preset
from nampedal.firmware.store import read_safely

# Size, inode, and the times of the last change of the bytes and of the inode, ns. None: there is no such file.
Stamp = tuple[int, int, int, int] | None
Stamps = tuple[tuple[Path, Stamp], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """preset: None where no version of it can be read.  files: SHA-256 by name; empty for one that can't be read.

    problem: why the newest version can't be played, as far as that is seen without preparing it; empty: nothing.
    """

    preset: Preset | None
    files: Mapping[str, str]
    problem: str = ""


def stamp(path: Path) -> Stamp:
    """Of the file that a link leads to."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def read_preset(path: Path) -> tuple[Preset, str]:
    """What is to be played, and a warning where that is not the newest version. Raises SettingsError.

    path: of a preset, or of an artifact: played alone it is a preset of nothing else.
    """
    if path.suffix == artifact.SUFFIX:
        return Preset(path.stem, (Nam(path.name),)), ""
    stored = read_safely(path)
    return preset.parse(stored.data, str(path)), stored.warning


class Contents:
    """Remembers what was read. For several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[Path, Content] = {}
        self._hashes: dict[Path, tuple[Stamp, str]] = {}

    def last(self, path: Path) -> Content | None:
        """As it was read last. path: of a preset, or of an artifact that is played alone."""
        with self._lock:
            return self._read.get(path)

    def stamps(self, path: Path) -> Stamps:
        """Of the preset's file, and of those that it named when it was read last."""
        content = self.last(path)
        names = content.files if content is not None else ()
        return tuple((one, stamp(one)) for one in (path, *(path.parent / name for name in names)))

    def read(self, path: Path, *, anew: bool = False) -> Content:
        """What is there now. anew: also files whose stamp is what it was are read."""
        content = self._content(path, anew)
        with self._lock:
            self._read[path] = content
        return content

    def _content(self, path: Path, anew: bool) -> Content:
        try:
            found, warning = read_preset(path)
        except SettingsError as error:
            return Content(None, {}, str(error))
        return self._with_files(path, found, warning, anew)

    def _with_files(self, path: Path, found: Preset, problem: str, anew: bool) -> Content:
        files, problems = {}, [problem] if problem else []
        for name in preset.files_of(found):
            try:
                files[name] = self._hash(path.parent / name, anew)
            except OSError as error:
                files[name] = ""
                problems.append(f"{path.parent / name}: can't be read: {reason(error)}; put it there again")
        return Content(found, files, "; ".join(problems))

    def _hash(self, path: Path, anew: bool) -> str:
        """Raises OSError."""
        now = stamp(path)
        with self._lock:
            before = self._hashes.get(path)
        if before is not None and before[0] == now and now is not None and not anew:
            return before[1]
        # A pipe, which never ends, is not opened.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "is no file")
        with path.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
        with self._lock:
            # If it was written to meanwhile the stamp is another one by now.
            self._hashes[path] = now, found
        return found
