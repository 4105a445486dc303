"""Where things are, in a root that may be another folder, and how files get there."""

from __future__ import annotations

import os
from pathlib import Path

from nampedal.board import places

ROOT = Path("/")
# What is only root's: keys of this machine, what a boot keeps.
SYSTEM = places.DATA / "system"
# What was taken over already.
TAKEN = places.STATE / "nampedal" / "card.toml"
# What an import was begun with, beside it.
JOURNAL = TAKEN.with_name("import.toml")


def placed(root: Path, place: Path) -> Path:
    """place: one of `places`."""
    return root / place.relative_to("/")


def write_run(path: Path, text: str, mode: int = 0o644) -> None:
    """A file that is gone when it is off: nothing waits for a disk. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(partial, mode)
    os.replace(partial, path)
