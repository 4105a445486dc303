"""Expands the arguments of 'nampedal bank add': files as they are, folders and packs to their files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nampedal.firmware.base.errors import BankError, NampedalError, SettingsUnreadableError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.durable_toml import read_safely
from nampedal.firmware.base.files.file_names import MAX_DEPTH, MAX_FILES, PLAYABLE
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import is_clutter, suffix_of
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.pack import CAPTURE, SOUNDS, SUFFIX, unpacked


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the files, with folders and packs replaced by their files. Unpacked files exist inside the context only.

    Raises BankError; SettingsUnreadableError for a folder.
    """
    with ExitStack() as stack:
        found: list[Path] = []
        names: dict[str, str] = {}
        for path in paths:
            folder = path
            if suffix_of(path) == SUFFIX and path.is_file():
                folder = stack.enter_context(unpacked(path))
                names[str(folder)] = str(path)
            found += _inside(folder, path) if folder.is_dir() else [path]
        try:
            yield found
        except NampedalError as error:
            said = str(error)
            for unpacked_to, given in names.items():
                said = said.replace(unpacked_to, given)
            raise type(error)(said) from error


def _inside(folder: Path, path: Path) -> list[Path]:
    """Return the presets of a folder, then the artifacts, .tflite files and impulse responses that no preset names.

    An artifact is taken, and a .tflite of the same name is not.
    path: for messages.
    """
    files = list(_below(folder))
    presets = [one for one in files if file_names.is_preset(one.name)]
    named = {file_names.find_path(one.parent, name) for one in presets for name in _named(one)}
    single = set(file_names.without_doubles(map(str, files)))
    others = [
        one for one in files if suffix_of(one) in (*PLAYABLE, *SOUNDS) and str(one) in single and one not in named
    ]
    if presets or others:
        return [*presets, *others]
    if any(suffix_of(one) == CAPTURE for one in files):
        raise BankError(
            f"{path}: holds captures that are not converted yet; make artifacts of them with 'nampedal convert'"
        )
    raise BankError(f"{path}: holds no preset, artifact or impulse response")


def _below(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield the files of a folder and of its subfolders, in the order of their names."""
    try:
        names = sorted(name for name in os.listdir(folder) if not is_clutter(name))
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error
    if len(names) > MAX_FILES or depth > MAX_DEPTH:
        raise BankError(
            f"{folder}: holds more than {MAX_FILES} files, or {MAX_DEPTH} folders in one another; name files of it"
        )
    for name in names:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield from _below(path, depth + 1)
        elif path.is_file():
            yield path


def _named(path: Path) -> tuple[str, ...]:
    try:
        return preset.files_of(preset.parse(read_safely(path).data, str(path)))
    except NampedalError:
        # A broken preset is reported later, when it is tried.
        return ()
