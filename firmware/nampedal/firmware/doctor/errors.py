"""What a check comes across that is no fault: it ends the check, and nothing else."""

from __future__ import annotations

from nampedal.board.errors import NampedalError

BUSY = "wait a minute and ask again; 'top' shows what keeps it busy; if it stays so, switch it off and on"


class CantTellError(NampedalError, LookupError):
    """The machine does not tell what is looked for. mend: what would make it tell; empty: nothing would."""

    def __init__(self, found: str, mend: str = "") -> None:
        super().__init__(found)
        self.mend = mend


class ProgramMissingError(CantTellError):
    """A program that is asked is not installed, or can't be started."""


class ProgramFailedError(CantTellError):
    """A program that is asked ended with an error. said: what it printed about that, in one line; may be empty."""

    def __init__(self, found: str, mend: str = "", said: str = "") -> None:
        super().__init__(found, mend)
        self.said = said


class TooSlowError(CantTellError):
    """who: a program or service that is there, and did not answer in time.  limit_s: how long it was waited for."""

    def __init__(self, who: str, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(f"{who} did not answer within {limit_s:g} s: the machine is very busy", BUSY)


class NotNeededError(NampedalError, LookupError):
    """The pedal has no such thing, and needs none."""
