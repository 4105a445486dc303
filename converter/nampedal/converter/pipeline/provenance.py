"""Collects how a conversion was made, for its report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from nampedal.converter.report.report_model import Provenance


def provenance(options: Mapping[str, str], recordings: Sequence[Path], seed: int | None = None) -> Provenance:
    """Return the Provenance of a conversion.

    options: the command's options that affected the result.
    recordings: files that were read.
    seed: same as in Provenance.
    """
    material: dict[str, str | None] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in recordings}
    return Provenance(version("nampedal"), options, seed, material)
