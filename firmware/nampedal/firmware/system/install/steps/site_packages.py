"""Finds the installed distributions that nampedal consists of, and copies them."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from nampedal.firmware.base.errors import DeployError

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LEFT = {"..", "__pycache__"}
# The converter and its commands are not installed on a pedal.
CONVERTER = ("nampedal/converter/", "nampedal/firmware/cli/capture_commands/")
# The extras of nampedal that a pedal may have: what reads its controls, and what plays .tflite files.
PEDAL, TFLITE = "pedal", "tflite"
# Only the library in this package is used on a pedal, so what its Python modules need is not copied.
LITERT = "ai-edge-litert"


def copy_distributions(site: Path, extras: Collection[str]) -> None:
    """Copy nampedal and its installed dependencies to a site-packages folder, but no converter and no programs.

    extras: the extras of nampedal whose dependencies are included.
    Raises DeployError, OSError.
    """
    for found in _closure(extras):
        for file in found.files or ():
            if not _LEFT.intersection(file.parts) and not file.as_posix().startswith(CONVERTER):
                place = site / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(found.locate_file(file)), place)


def installed_digest(extras: Collection[str]) -> str:
    """Return a checksum of the distributions that `copy_distributions` copies. Raises DeployError."""
    texts = [f"{found.name} {found.version} {found.read_text('RECORD')}" for found in _closure(extras)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _closure(extras: Collection[str]) -> list[Distribution]:
    """Return nampedal and its installed dependencies, sorted by name.

    A dependency that is not installed is for another machine, or is a package of the system. Raises DeployError.
    """
    found: dict[str, Distribution] = {}
    wanted = ["nampedal"]
    while wanted:
        name = wanted.pop()
        key = name.lower().replace("_", "-")
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            continue
        if key != LITERT:
            wanted += _requirements(found[key], extras if key == "nampedal" else ())
    _check(found.get("nampedal"))
    if TFLITE in extras and LITERT not in found:
        raise DeployError(
            f"{LITERT}: is not installed here, and can't be copied; pip install 'nampedal[tflite]', or leave --tflite "
            "out"
        )
    return [found[key] for key in sorted(found)]


def _requirements(found: Distribution, extras: Collection[str]) -> list[str]:
    names = []
    for line in found.requires or ():
        name = _NAME.match(line)
        asked = re.search(r"extra *== *['\"]([^'\"]+)['\"]", line)
        if name and (asked is None or asked[1] in extras):
            names.append(name[0])
    return names


def _check(nampedal: Distribution | None) -> None:
    files = {str(file) for file in nampedal.files or ()} if nampedal is not None else set()
    if "nampedal/firmware/base/system_paths.py" not in files:
        raise DeployError(
            "nampedal: is not installed as a wheel here, and can't be copied; name a wheel with --wheel, or install "
            "nampedal without -e"
        )
