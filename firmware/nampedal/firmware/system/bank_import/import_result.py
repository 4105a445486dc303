"""The result of a bank import."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ImportResult:
    """The result of an import. taken: banks that are new or have new presets.  problems: one line for each failure."""

    taken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
