"""Rules for listing folders: skip files that systems leave behind, ignore case in suffixes."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePath, PurePosixPath

# Files that macOS and Windows put beside a person's files, in folders and in zips.
_CLUTTER = frozenset(
    (
        *("__macosx", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"),
        *("system volume information", "$recycle.bin", "recycler", "recycled", "found.000", "lost+found"),
    )
)


def is_clutter(name: str) -> bool:
    """Return True if no person put a file or folder of this name there; hidden names (`._x`) are included."""
    return name.startswith(".") or name.casefold() in _CLUTTER


def is_among_clutter(path: PurePath | str) -> bool:
    """Return True if any part of a path, relative to the folder that is listed, is clutter."""
    return any(is_clutter(part) for part in PurePath(path).parts)


def suffix_of(path: PurePath | str) -> str:
    """Return the suffix in lower case: .STOMP is .stomp."""
    return PurePath(path).suffix.lower()


def files_below(folder: Path, suffixes: Collection[str]) -> list[PurePosixPath]:
    """Return the files of these suffixes in a folder and in the folders in it, sorted by name, without clutter.

    The paths are relative to the folder.
    """
    found = sorted(
        PurePosixPath(one.relative_to(folder).as_posix())
        for one in folder.rglob("*")
        if suffix_of(one) in suffixes and one.is_file()
    )
    return [one for one in found if not is_among_clutter(one)]


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the sort key for natural order: 2 comes before 10; case counts only between equal names."""
    parts = re.split(r"([0-9]{1,18})", name.casefold())
    key = [(0, int(part), "") if at % 2 else (1, 0, part) for at, part in enumerate(parts) if part]
    return [*key, (-1, 0, name)]
