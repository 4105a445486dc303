"""Exceptions that end one check without a fault of the pedal. The other checks go on."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError

BUSY = "wait a minute and ask again; 'top' shows what keeps it busy; if it stays so, switch it off and on"


class UnknownResultError(NampedalError, LookupError):
    """The machine does not give the information. repair: what the user can do to get it; empty: nothing helps."""

    def __init__(self, result: str, repair: str = "") -> None:
        super().__init__(result)
        self.repair = repair


class ProgramMissingError(UnknownResultError):
    """A program that the check runs is not installed, or can't be started."""


class CheckProgramError(UnknownResultError):
    """A program that the check runs failed. said: its error output in one line; may be empty."""

    def __init__(self, result: str, repair: str = "", said: str = "") -> None:
        super().__init__(result, repair)
        self.said = said


class CheckTimeoutError(UnknownResultError):
    """A program or service did not answer before the timeout. who: its name.  limit_s: the timeout, in seconds."""

    def __init__(self, who: str, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(f"{who} did not answer within {limit_s:g} s: the machine is very busy", BUSY)


class NotApplicableError(NampedalError, LookupError):
    """The check does not apply: the pedal does not have the checked part and does not need it."""
