"""systemd's units: those that are shipped, where they are enabled, and what a pedal adds to them."""

from __future__ import annotations

import configparser
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board import places
from nampedal.board.install.boot import audio_core
from nampedal.board.install.errors import UnitsMissingError
from nampedal.board.install.steps import File, Link, Step
from nampedal.board.install.system import MASKS
from nampedal.board.install.target import Target
from nampedal.board.pedals import Pedal

_KINDS = (".service", ".mount", ".path", ".socket", ".target", ".timer")
_JACK = "nampedal-jack.service"
# What systemd itself is told; a folder of that name is beside the units.
_MANAGER = places.UNITS.parent / "system.conf.d"
# By the key of [Install], what systemctl enable calls the folder of its links.
_ENABLED = {"WantedBy": "wants", "RequiredBy": "requires"}


def unit_steps(pedal: Pedal, target: Target) -> list[Step]:
    """Raises UnitsMissingError."""
    folder = target.units or resources.files("nampedal.board") / "systemd"
    units = _units(folder)
    steps: list[Step] = [File(places.UNITS / name, data) for name, data in units.items()]
    steps += [File(_MANAGER / entry.name, entry.read_bytes()) for entry in _entries(folder / _MANAGER.name)]
    core = audio_core(pedal)
    if core is not None:
        text = f"# Written by nampedal install: the core that nothing else runs on.\n[Service]\nCPUAffinity={core}\n"
        steps.append(File(MASKS / f"{_JACK}.d" / "nampedal.conf", text.encode()))
    for name, data in units.items():
        steps += [Link(path, places.UNITS / name) for path in _links(name, data)]
    return steps


def _units(folder: Traversable) -> dict[str, bytes]:
    found = {}
    for entry in _entries(folder):
        if entry.name.endswith(_KINDS):
            found[entry.name] = entry.read_bytes()
    if _JACK not in found:
        raise UnitsMissingError(f"{folder}: has no {_JACK}; install nampedal anew, from a wheel")
    return found


def _entries(folder: Traversable) -> list[Traversable]:
    """By their names; none, if it is not there."""
    try:
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError:
        return []


def _links(name: str, data: bytes) -> list[Path]:
    """Those that systemctl enable would make."""
    unit = configparser.RawConfigParser(strict=False, interpolation=None, comment_prefixes=("#", ";"))
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(_joined(data.decode()))
    found = []
    for key, folder in _ENABLED.items():
        others = unit.get("Install", key, fallback="")
        found += [MASKS / f"{other}.{folder}" / name for other in others.split()]
    return found


def _joined(text: str) -> str:
    """Without continued lines, and without blanks in front, which would continue another."""
    return "\n".join(line.lstrip() for line in text.replace("\\\n", " ").splitlines())
