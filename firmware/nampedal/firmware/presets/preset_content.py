"""Reads presets, and the checksums of the files that they name, and remembers both.

stat(2) tells if a file may have changed; the bytes that are read tell if it has.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from nampedal.firmware.base.errors import SettingsError
from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.base.files.durable_toml import read_safely
from nampedal.firmware.base.files.file_names import find_path
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.presets import captures, preset
from nampedal.firmware.presets.preset import Nam, Preset

# Size, inode, and the times in ns when bytes and inode last changed. None: there is no such file.
Stamp = tuple[int, int, int, int] | None
Stamps = tuple[tuple[Path, Stamp], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A preset and the checksums of its files.

    preset: None if no version of it can be read.
    files: SHA-256 by name; empty for a file that can't be read.
    problem: why the newest version can't be played, as far as this shows without preparing it; empty: no problem.
    """

    preset: Preset | None
    files: Mapping[str, str]
    problem: str = ""


def file_stamp(path: Path) -> Stamp:
    """Return the stamp of a file; symbolic links are followed."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def read_preset(path: Path) -> tuple[Preset, str]:
    """Read a preset. Return it, and a warning if it is not the newest version. Raises SettingsError.

    path: of a preset, or of a capture. A capture becomes a preset with that capture as its only block.
    """
    if captures.is_capture(path):
        return Preset(path.stem, (Nam(path.name),)), ""
    stored = read_safely(path)
    return preset.parse(stored.data, str(path)), stored.warning


class PresetContents:
    """Cache of preset contents. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[Path, Content] = {}
        self._hashes: dict[Path, tuple[Stamp, str]] = {}

    def last(self, path: Path) -> Content | None:
        """Return the content from the last read; None: it was not read yet.

        path: of a preset, or of a capture that is played alone.
        """
        with self._lock:
            return self._read.get(path)

    def stamps(self, path: Path) -> Stamps:
        """Return the stamps of the preset's file and of the files that it named at the last read."""
        content = self.last(path)
        names = content.files if content is not None else ()
        return tuple((one, file_stamp(one)) for one in (path, *(find_path(path.parent, name) for name in names)))

    def read(self, path: Path, *, anew: bool = False) -> Content:
        """Read the current content.

        anew: also read files whose stamp has not changed.
        """
        content = self._content(path, anew)
        with self._lock:
            self._read[path] = content
        return content

    def _content(self, path: Path, anew: bool) -> Content:
        try:
            read, warning = read_preset(path)
            return self._with_files(path, read, warning, anew)
        except SettingsError as error:
            return Content(None, {}, str(error))
        except Exception as error:
            # An unexpected error in one file must not stop the others from being read.
            return Content(None, {}, describe_failure(path, "can't be read", error))

    def _with_files(self, path: Path, played: Preset, problem: str, anew: bool) -> Content:
        files, problems = {}, [problem] if problem else []
        for name in preset.files_of(played):
            try:
                files[name] = self._hash(find_path(path.parent, name), anew)
            except OSError as error:
                files[name] = ""
                problems.append(f"{path.parent / name}: can't be read: {os_error_text(error)}; put it there again")
        return Content(played, files, "; ".join(problems))

    def _hash(self, path: Path, anew: bool) -> str:
        """Return a file's SHA-256, from the cache if its stamp has not changed. Raises OSError."""
        now = file_stamp(path)
        with self._lock:
            before = self._hashes.get(path)
        if before is not None and before[0] == now and now is not None and not anew:
            return before[1]
        # Reading a pipe would never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "is no file")
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        with self._lock:
            # If the file was written meanwhile, its stamp has changed, and the next read hashes it again.
            self._hashes[path] = now, digest
        return digest
