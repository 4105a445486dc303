"""What a check comes across that is no fault: it ends the check, and nothing else."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class CantTellError(NampedalError, LookupError):
    """The machine does not tell what is looked for. mend: what would make it tell; empty: nothing would."""

    def __init__(self, found: str, mend: str = "") -> None:
        super().__init__(found)
        self.mend = mend


class NotNeededError(NampedalError, LookupError):
    """The pedal has no such thing, and needs none."""
