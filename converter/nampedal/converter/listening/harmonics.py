"""Measures a player with test tones: harmonics, intermodulation, aliasing. A player is any function that plays audio.

Every tone has a whole number of periods in the analysed second, and that number has no common factor with the number of
frames. Therefore the window is rectangular: the player's output is periodic in it (a player has no clock of its own),
lies on whole bins and does not leak. Any other window would smear a loud tone into its neighbours. Also, aliases do not
fall on a harmonic, except at orders far above the audible ones.
The second before is not analysed. A network's history is filled after about a tenth of it; an LSTM or a high-pass takes
longer to settle, and remaining drift would leak.
Levels are dB of full scale (1.0), of the input's peak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from nampedal.converter.listening.metrics import esr, ratio_db
from numpy.typing import NDArray

Play = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Plays mono audio (frames,) from the steady state of silence: each call begins anew. -> (frames,)."""

LEVELS_DBFS = (-48.0, -36.0, -24.0, -12.0, 0.0)
HARMONICS = range(2, 9)
# Peak level of a hard pick stroke.
LOUD_DBFS = -6.0
# In a comparison, levels this far below the tones count as equal: they are close to float32's rounding errors.
FLOOR_DB = -120.0
# Number of points of a transfer curve.
TRANSFER_POINTS = 480

_ONSET_S = 1.0
_WINDOW_S = 1.0
_NOTE_HZ = 220.0
_THIRD_HZ = 277.0
_HIGH_NOTE_HZ = 4186.0


@dataclass(frozen=True, slots=True)
class HarmonicBalance:
    """Harmonics of one tone: the fundamental in dB of full scale, the others in dB relative to it.

    harmonics_db: one for each of HARMONICS.
    thd_db: total harmonic distortion of HARMONICS, summed as in IEC 60268-3, but relative to the fundamental.
    """

    level_dbfs: float
    fundamental_dbfs: float
    harmonics_db: tuple[float, ...]
    thd_db: float

    def figures(self) -> dict[str, float]:
        """Return each value in dB by its name in a table."""
        harmonics = {f"harmonic {order}": db for order, db in zip(HARMONICS, self.harmonics_db, strict=True)}
        return {"fundamental": self.fundamental_dbfs, **harmonics, "THD": self.thd_db}


@dataclass(frozen=True, slots=True)
class Intermodulation:
    """Intermodulation of two tones f1 < f2: products in dB relative to the tones' mean power in the output.

    difference_db: f2 - f1.
    sum_db: f1 + f2.
    lower_third_db: 2 f1 - f2.
    upper_third_db: 2 f2 - f1.
    """

    level_dbfs: float
    difference_db: float
    sum_db: float
    lower_third_db: float
    upper_third_db: float

    def figures(self) -> dict[str, float]:
        """Return each value in dB by its name in a table."""
        return {
            "f2 - f1": self.difference_db,
            "f1 + f2": self.sum_db,
            "2 f1 - f2": self.lower_third_db,
            "2 f2 - f1": self.upper_third_db,
        }


@dataclass(frozen=True, slots=True)
class HarmonicRow:
    """One figure of two players at one level.

    difference_db: test minus reference; values below FLOOR_DB count as FLOOR_DB.
    """

    level_dbfs: float
    figure: str
    reference_db: float
    test_db: float

    @property
    def difference_db(self) -> float:
        if self.reference_db == self.test_db:
            return 0.0
        return max(self.test_db, FLOOR_DB) - max(self.reference_db, FLOOR_DB)


def harmonic_balance(play: Play, rate: float, levels_dbfs: Sequence[float] = LEVELS_DBFS) -> list[HarmonicBalance]:
    """Return the harmonics of a sine of about 220 Hz (A3, the middle of a guitar's range), per level. rate: Hz."""
    periods = _periods(_NOTE_HZ, rate)
    found = []
    for level_dbfs in levels_dbfs:
        spectrum = _played(play, rate, level_dbfs, [periods])
        fundamental = float(spectrum[periods])
        harmonics = [float(spectrum[order * periods]) for order in HARMONICS]
        found.append(
            HarmonicBalance(
                level_dbfs,
                ratio_db(fundamental, 1.0),
                tuple(ratio_db(harmonic, fundamental) for harmonic in harmonics),
                ratio_db(math.hypot(*harmonics), fundamental),
            )
        )
    return found


def intermodulation(play: Play, rate: float, levels_dbfs: Sequence[float] = LEVELS_DBFS) -> list[Intermodulation]:
    """Return the products of two equal sines, about 220 and 277 Hz, per level. rate: Hz.

    The level is the peak of both sines together. They are a major third in the middle of a guitar's range, the interval
    that gets muddy in a distorted chord. The pairs of SMPTE (60 and 7000 Hz) and of CCIF (19 and 20 kHz) lie outside
    the range of a guitar's main energy.
    """
    low, high = _periods(_NOTE_HZ, rate), _periods(_THIRD_HZ, rate)
    found = []
    for level_dbfs in levels_dbfs:
        spectrum = _played(play, rate, level_dbfs, [low, high])
        tones = math.hypot(spectrum[low], spectrum[high]) / math.sqrt(2)
        products = (high - low, low + high, 2 * low - high, 2 * high - low)
        found.append(Intermodulation(level_dbfs, *(ratio_db(float(spectrum[at]), tones) for at in products)))
    return found


def aliasing_residual(play: Play, rate: float, level_dbfs: float = LOUD_DBFS) -> float:
    """Return the level of everything but the fundamental, its harmonics and DC, in dB relative to the fundamental.

    Most of it is aliasing. rate: Hz. The sine has about 4186 Hz (C8, above a guitar's last fret, where its strong
    harmonics end), or a fifth of the rate if the rate is low.
    """
    periods = _periods(min(_HIGH_NOTE_HZ, rate / 5), rate)
    spectrum = _played(play, rate, level_dbfs, [periods])
    rest = spectrum.copy()
    rest[::periods] = 0.0
    return ratio_db(math.sqrt(float(np.sum(rest**2))), float(spectrum[periods]))


@dataclass(frozen=True, slots=True, eq=False)
class TransferCurve:
    """One period of a sine and the output for it: given, got (points,), in order of the sine's phase.

    shift: radians by which the output lags in its period; it is removed from `got`.
    """

    given: NDArray[np.float64]
    got: NDArray[np.float64]
    shift: float


def transfer_curve(play: Play, rate: float, level_dbfs: float = LOUD_DBFS, shift: float | None = None) -> TransferCurve:
    """Return the transfer curve of a sine of about 220 Hz. rate: Hz.

    shift: the phase to remove, in radians; None: the phase that aligns the fundamental, so that a pure delay gives a
      line.
    """
    periods, frames = _periods(_NOTE_HZ, rate), _window_frames(rate)
    window = _window(play, rate, level_dbfs, [periods])
    # All frames of the window have different phases, evenly spaced: sorted by phase, they are one period.
    start = round(_ONSET_S * rate) * periods
    got = np.empty(frames)
    got[(start + np.arange(frames) * periods) % frames] = window
    spectrum = np.fft.rfft(got)
    if shift is None:
        # The first bin of a sine has the angle -90 degrees.
        shift = -math.pi / 2 - float(np.angle(spectrum[1]))
    got = np.fft.irfft(spectrum * np.exp(1j * shift * np.arange(len(spectrum))), frames)
    picked = np.arange(TRANSFER_POINTS) * frames // TRANSFER_POINTS
    given = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * picked / frames)
    return TransferCurve(given, got[picked], shift)


def esr_by_level(
    reference: Play, test: Play, audio: NDArray[np.float32], peaks_dbfs: Sequence[float] = LEVELS_DBFS
) -> list[float]:
    """Return the ESR between both players' outputs for the same audio, scaled to each of the peak levels."""
    peak = float(np.max(np.abs(audio)))
    scaled = [np.asarray(audio * (10 ** (peak_dbfs / 20) / peak), np.float32) for peak_dbfs in peaks_dbfs]
    return [esr(reference(given), test(given)) for given in scaled]


def compare_harmonics(
    reference: Play, test: Play, rate: float, levels_dbfs: Sequence[float] = LEVELS_DBFS
) -> list[HarmonicRow]:
    """Return all figures of both players: harmonics and intermodulation per level, aliasing at LOUD_DBFS."""
    rows = []
    for wanted, got in zip(_per_level(reference, rate, levels_dbfs), _per_level(test, rate, levels_dbfs), strict=True):
        test_db = got.figures()
        rows += [HarmonicRow(wanted.level_dbfs, name, db, test_db[name]) for name, db in wanted.figures().items()]
    rows.append(HarmonicRow(LOUD_DBFS, "aliasing", aliasing_residual(reference, rate), aliasing_residual(test, rate)))
    return rows


def _per_level(play: Play, rate: float, levels_dbfs: Sequence[float]) -> list[HarmonicBalance | Intermodulation]:
    return [*harmonic_balance(play, rate, levels_dbfs), *intermodulation(play, rate, levels_dbfs)]


def _window_frames(rate: float) -> int:
    return round(_WINDOW_S * rate)


def _periods(hz: float, rate: float) -> int:
    """Return the number of periods in the window of a tone near `hz`, without a common factor with its frames."""
    frames = _window_frames(rate)
    periods = round(hz * frames / rate)
    while math.gcd(periods, frames) != 1:
        periods += 1
    return periods


def _played(play: Play, rate: float, level_dbfs: float, tones: Sequence[int]) -> NDArray[np.float64]:
    """Return the peak amplitude of a sine in each bin of the output, (window // 2 + 1,); DC is doubled.

    tones: periods in the window, one number per tone.
    """
    window = _window(play, rate, level_dbfs, tones)
    return np.asarray(2 / len(window) * np.abs(np.fft.rfft(window)), np.float64)


def _window(play: Play, rate: float, level_dbfs: float, tones: Sequence[int]) -> NDArray[np.float64]:
    """Return the analysed second of the output, (frames,)."""
    frames = _window_frames(rate)
    at = np.arange(round(_ONSET_S * rate) + frames)
    amplitude = 10 ** (level_dbfs / 20) / len(tones)
    # The phase is reduced modulo whole turns in integers, which is exact at any length.
    waves = [amplitude * np.sin(2 * np.pi * (at * periods % frames) / frames) for periods in tones]
    played = play(np.sum(waves, axis=0).astype(np.float32))
    if played.shape != at.shape:
        raise ValueError(f"a player was given {at.shape} and returned {played.shape}; it returns as many, mono")
    return np.asarray(played[-frames:], np.float64)
