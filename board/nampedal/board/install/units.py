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

# What only an image needs, whose last partition is its own.
_OF_AN_IMAGE = ("nampedal-grow.service",)
_KINDS = (".service", ".mount", ".path", ".socket", ".target", ".timer")
_JACK = "nampedal-jack.service"
# By the key of [Install], what systemctl enable calls the folder of its links.
_ENABLED = {"WantedBy": "wants", "RequiredBy": "requires"}


def unit_steps(pedal: Pedal, target: Target) -> list[Step]:
    """Raises UnitsMissingError."""
    units = _units(target)
    steps: list[Step] = [File(places.UNITS / name, data) for name, data in units.items()]
    core = audio_core(pedal)
    if core is not None:
        text = f"# Written by nampedal install: the core that nothing else runs on.\n[Service]\nCPUAffinity={core}\n"
        steps.append(File(MASKS / f"{_JACK}.d" / "nampedal.conf", text.encode()))
    for name, data in units.items():
        steps += [Link(path, places.UNITS / name) for path in _links(name, data)]
    return steps


def _units(target: Target) -> dict[str, bytes]:
    folder = target.units or resources.files("nampedal.board") / "systemd"
    found = {}
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        if entry.name.endswith(_KINDS) and (target.image or entry.name not in _OF_AN_IMAGE):
            found[entry.name] = entry.read_bytes()
    if _JACK not in found:
        raise UnitsMissingError(f"{folder}: has no {_JACK}; install nampedal anew, from a wheel")
    return found


def _entries(folder: Traversable) -> list[Traversable]:
    try:
        return list(folder.iterdir())
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
