"""Finds and loads captures that are played alone, without a preset: single files, or all in a folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base.errors import ArgumentError, SettingsUnreadableError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import is_clutter, natural, suffix_of
from nampedal.firmware.base.one_line import one_line
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture

# If files in one folder differ only by suffix, the first of these is played: the output of `convert` comes before its
# input.
SUFFIXES = (*file_names.PLAYABLE, file_names.CAPTURE)
# Maximum folder depth, the same as in a bank.
MAX_DEPTH = file_names.MAX_DEPTH

# Reads and checks a .nam file. It is the converter's reader, which may not be installed on a pedal.
ReadNam = Callable[[Path], Capture]

_log = logging.getLogger(__name__)


def is_capture(path: Path) -> bool:
    """Return True if the path has the name of a capture file."""
    return suffix_of(path) in SUFFIXES and not is_clutter(path.name)


def in_folder(folder: Path) -> list[Path]:
    """Return the captures in a folder and its subfolders, in natural order of their names.

    If files differ only by suffix, one of them is played, see `SUFFIXES`. Raises SettingsUnreadableError.
    """
    try:
        found = _listed(folder, MAX_DEPTH)
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error
    played: dict[Path, Path] = {}
    for path in sorted(found, key=lambda path: SUFFIXES.index(suffix_of(path))):
        first = played.setdefault(path.with_suffix(""), path)
        if first is not path:
            _log.info("%s: %s of the same name is played in its place", path, first.name)
    return sorted(played.values(), key=lambda path: [natural(part) for part in path.relative_to(folder).parts])


def load(path: Path, read_nam: ReadNam | None) -> _engine.Artifact:
    """Load a .stomp or .nam file for the engine.

    read_nam: None: no converter is installed here.

    Raises an ArtifactError; any error of read_nam; ArgumentError for a .nam file without a reader.
    """
    if suffix_of(path) != file_names.CAPTURE:
        return artifact.load(path)
    if read_nam is None:
        raise ArgumentError(
            f"{path}: is a .nam, and nampedal's converter is not installed here; convert it on a computer: "
            f"nampedal convert {path.name}"
        )
    return _engine.Artifact.from_bytes(artifact.pack(read_nam(path)), one_line(path))


def _listed(folder: Path, depth: int) -> list[Path]:
    """Return the captures below a folder, unsorted.

    Raises OSError if the folder itself can't be read; a subfolder that can't be read is logged.
    """
    found = []
    for path in folder.iterdir():
        if is_clutter(path.name):
            continue
        if path.is_dir():
            # Links are not followed: they may form a loop.
            if depth > 0 and not path.is_symlink():
                found += _listed_or_warned(path, depth - 1)
        elif is_capture(path):
            found.append(path)
    return found


def _listed_or_warned(folder: Path, depth: int) -> list[Path]:
    try:
        return _listed(folder, depth)
    except OSError as error:
        _log.warning("%s: can't be read: %s", folder, os_error_text(error))
        return []
