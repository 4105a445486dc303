"""What taking over has come to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """taken: banks that are new, or have new presets.  problems: what is wrong with the rest, a line each."""

    taken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
