"""Finds the captures to convert in files, folders and packs, and says where the output of each goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.listing import files_below, suffix_of
from nampedal.firmware.presets.banks import pack


@dataclass(frozen=True, slots=True)
class CaptureInput:
    """One capture to convert.

    path: the file to read.  name: for messages.  inside: its path inside the folder or pack that was given; for a
    single file its name.  beside: the default output folder; `inside` is kept below it.
    """

    path: Path
    name: str
    relative_path: PurePosixPath
    beside: Path


@contextmanager
def captures(paths: Sequence[Path]) -> Iterator[list[CaptureInput]]:
    """Yield the captures in these files, folders and packs.

    They are in the order given; those of one folder or pack are sorted by name. Packs stay unpacked until the context
    ends. Raises UsageError if a folder or pack has no capture, and the errors of reading a pack.
    """
    with ExitStack() as stack:
        yield [one for path in paths for one in _captures(path, stack)]


def output_path(one: CaptureInput, folder: Path | None, form: str) -> Path:
    """Return the output path of a capture. folder: the output folder for all; None: next to the input."""
    return (folder or one.beside) / one.relative_path.with_name(f"{one.relative_path.stem}.{form}")


def check_output_paths(given: Sequence[CaptureInput], targets: Sequence[Path]) -> None:
    """Check that no two outputs are the same file, also on file systems that ignore case or Unicode form. Raises
    UsageError.
    """
    names = [Path(os.path.abspath(path)).as_posix() for path in targets]
    clash = file_names.clash(names)
    if clash is not None:
        first = given[names.index(clash[0])]
        second = given[len(names) - 1 - names[::-1].index(clash[1])]
        raise click.UsageError(
            f"{first.name} and {second.name} would both be written to {clash[0]}; rename one, or convert them apart."
        )


def _captures(path: Path, stack: ExitStack) -> list[CaptureInput]:
    if path.is_dir():
        return [CaptureInput(path / one, str(path / one), one, path) for one in _listed(path, path, (nam_file.SUFFIX,))]
    if suffix_of(path) == pack.SUFFIX and path.is_file():
        folder = stack.enter_context(pack.unpacked(path, (nam_file.SUFFIX,)))
        return [
            CaptureInput(folder / one, f"{path}: {one}", one, path.with_suffix(""))
            for one in _listed(folder, path, (nam_file.SUFFIX,))
        ]
    return [CaptureInput(path, str(path), PurePosixPath(path.name), path.parent)]


def _listed(folder: Path, path: Path, suffixes: tuple[str, ...]) -> list[PurePosixPath]:
    """Return the files below a folder. path: the name of the folder or pack, for messages.

    Raises UsageError if there are none.
    """
    found = files_below(folder, suffixes)
    if not found:
        raise click.UsageError(f"{path}: there is no {' or '.join(f'*{suffix}' for suffix in suffixes)} in it.")
    return found
