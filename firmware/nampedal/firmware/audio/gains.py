"""Gains of a chain: the requested gain, the gain that is applied, and the gain for calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nampedal.firmware.engine.capture import CaptureSource

# Maximum sum of a preset's own gain and what calibration or normalisation add to it. The noise of a good input, -90
# dBFS, then stays below -50 dBFS; a higher gain is a mistake.
MAX_GAIN_DB = 40.0
MIN_GAIN_DB = -100.0
# Maximum difference of two levels at 0 dBFS. Guitars, pedals and line inputs are within 30 dB.
MAX_CALIBRATION_DB = 40.0


def db_to_gain(db: float) -> float:
    """Convert dB to a linear gain."""
    return float(10.0 ** (db / 20.0))


def clamp_gain_db(db: float) -> float:
    """Limit a gain to MIN_GAIN_DB and MAX_GAIN_DB."""
    return min(max(db, MIN_GAIN_DB), MAX_GAIN_DB)


@dataclass(frozen=True, slots=True)
class CalibrationLevel:
    """The calibration of the level into a capture.

    gain_db: the calibration gain; None: uncalibrated.
    reason: where the gain comes from, or why there is none.
    """

    gain_db: float | None
    reason: str


def calibration(source: CaptureSource, dbu: float | None, unknown: str) -> CalibrationLevel:
    """Return the calibration gain into a capture.

    dbu: dBu at 0 dBFS of the signal into the capture; None: unknown.
    unknown: why `dbu` is unknown.
    """
    wanted = source.level("input_level_dbu")
    if wanted.value is None:
        return CalibrationLevel(None, f"{source.file_name}: {wanted.reason}")
    if dbu is None:
        return CalibrationLevel(None, unknown)
    gain_db = dbu - wanted.value
    between = f"{dbu:+.1f} dBu at 0 dBFS into a capture made at {wanted.value:+.1f} dBu"
    if abs(gain_db) > MAX_CALIBRATION_DB:
        return CalibrationLevel(None, f"{between}: more than {MAX_CALIBRATION_DB:g} dB apart, so one of them is wrong")
    return CalibrationLevel(gain_db, between)


@dataclass(frozen=True, slots=True)
class GainSum:
    """A value that is added to a number of a preset to form one gain.

    more_db: returns the value to add.
    by: who adds it, for messages.
    """

    added_db: Callable[[], float]
    by: str = ""

    def applied_db(self, number_db: float) -> float:
        """Return the gain that is applied: the sum, within MIN_GAIN_DB and MAX_GAIN_DB."""
        return clamp_gain_db(number_db + self.added_db())

    def note(self, name: str, number_db: float) -> str:
        """Return a note for the player if the applied gain differs from the requested one; otherwise empty."""
        asked, given = number_db + self.added_db(), self.applied_db(number_db)
        if asked == given:
            return ""
        parts = f"{number_db:+.1f} and {self.added_db():+.1f} by {self.by}"
        return f"{name}: {asked:+.1f} dB asked for ({parts}), {given:+.1f} dB given"
