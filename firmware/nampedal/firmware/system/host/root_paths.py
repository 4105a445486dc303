"""Paths of the system below a root that may be another folder, and atomic writes to /run."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.files.atomic_write import write_atomically

ROOT = Path("/")
# Files that only root may read: keys of this machine, state that boots keep.
SYSTEM = system_paths.DATA / "system"
# Record of the files that were imported already.
IMPORT_LEDGER = system_paths.STATE / "nampedal" / "card.toml"
# Journal of the import that is running.
JOURNAL = IMPORT_LEDGER.with_name("import.toml")


def under_root(root: Path, place: Path) -> Path:
    """Return an absolute path of the pedal as a path below `root`. place: such as those in `system_paths`."""
    return root / place.relative_to("/")


def write_volatile(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file below /run atomically, and make its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(text.encode(), path, mode)
