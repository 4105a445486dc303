"""The distributions that nampedal consists of in the environment that this runs in, and a copy of them."""

from __future__ import annotations

import hashlib
import re
import shutil
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from nampedal.board.install.errors import RuntimeCopyError

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LEFT = {"..", "__pycache__"}


def copy_distributions(site: Path, extra: str) -> None:
    """Of nampedal and of all that it needs, if it is installed here; the converter and programs are left.

    Raises RuntimeCopyError, OSError.
    """
    for found in _closure(extra):
        for file in found.files or ():
            if not _LEFT.intersection(file.parts) and file.parts[:2] != ("nampedal", "converter"):
                place = site / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(found.locate_file(file)), place)


def installed_digest(extra: str) -> str:
    """Of what `copy_distributions` copies. Raises RuntimeCopyError."""
    texts = [f"{found.name} {found.version} {found.read_text('RECORD')}" for found in _closure(extra)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _closure(extra: str) -> list[Distribution]:
    """In alphabetical order. What is asked for and not there is for another machine, or the system's."""
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
        wanted += _requirements(found[key], extra if key == "nampedal" else None)
    _check(found.get("nampedal"))
    return [found[key] for key in sorted(found)]


def _requirements(found: Distribution, extra: str | None) -> list[str]:
    names = []
    for line in found.requires or ():
        name = _NAME.match(line)
        asked = re.search(r"extra *== *['\"]([^'\"]+)['\"]", line)
        if name and (asked is None or asked[1] == extra):
            names.append(name[0])
    return names


def _check(nampedal: Distribution | None) -> None:
    files = {str(file) for file in nampedal.files or ()} if nampedal is not None else set()
    if "nampedal/board/places.py" not in files:
        raise RuntimeCopyError(
            "nampedal: is not installed as a wheel here, and can't be copied; name a wheel with --wheel, or install "
            "nampedal without -e"
        )
