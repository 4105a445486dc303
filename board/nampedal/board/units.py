"""systemd's units of a pedal, as they are shipped: systemd/ of the project."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board import places

UNIT_SUFFIX = ".service"
# What systemd itself is told, in a folder beside that of units.
OWN_SETTINGS = "system.conf.d"


def unit_files() -> dict[Path, bytes]:
    """By their places on a pedal, in the order of their names."""
    shipped = resources.files("nampedal.board") / "systemd"
    return {
        **_files(shipped, places.UNITS, UNIT_SUFFIX),
        **_files(shipped / OWN_SETTINGS, places.UNITS.parent / OWN_SETTINGS, ".conf"),
    }


def _files(folder: Traversable, place: Path, suffix: str) -> dict[Path, bytes]:
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(suffix)), key=lambda entry: entry.name)
    return {place / entry.name: entry.read_bytes() for entry in entries}
