"""How a conversion was made, as its report tells."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from nampedal.converter.report.facts import Provenance


def provenance(options: Mapping[str, str], recordings: Sequence[Path], seed: int | None = None) -> Provenance:
    """options: those of the command that mattered.  recordings: files that were read.  seed: as Provenance has it."""
    material: dict[str, str | None] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in recordings}
    return Provenance(version("nampedal"), options, seed, material)
