"""Estimates mains hum in the tuner's input, and the uncertainty of the estimate.

Hum is a sum of lines at multiples of 50 or 60 Hz, all with the same relative deviation. For each block, every line's
frequency is shifted to 0 Hz and filtered by a Hann window. A line is hum if it is stationary: the early, middle and
late parts of the newest two seconds agree in amplitude, and in phase apart from the turn by the mains' deviation, and
nothing equally strong is beside it. A string's partial decays or has another frequency, and its phase turns. While a
string covers a line, the line is continued unchanged, with an uncertainty that grows with time. The upper bound of an
unknown line is the amplitude that is found at its frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]

MAINS_HZ = (50.0, 60.0)
HIGHEST_LINE_HZ = 1000.0
# Maximum amplitude of a line, of full scale; anything louder is a string.
MAX_HUM = 0.02
# The loudest line is among this many first multiples.
_FIRST_LINES = 4
# This many steady lines of one mains frequency are hum, whichever multiples they are.
_MANY = 3
# Maximum deviation of the mains frequency.
MAX_OFF_HZ = 0.3
_MULTIPLES = [np.arange(1, int(HIGHEST_LINE_HZ / mains_hz) + 1) for mains_hz in MAINS_HZ]
_MULTIPLE = np.concatenate(_MULTIPLES).astype(float)
_MAINS = np.repeat(MAINS_HZ, [len(multiples) for multiples in _MULTIPLES])
LINES_HZ = _MAINS * _MULTIPLE
# Hum repeats at one of these frequencies.
FIRST_LINES_HZ = LINES_HZ[_MULTIPLE <= 6]
_COMBS = [np.flatnonzero(mains_hz == _MAINS) for mains_hz in MAINS_HZ]
# Mains deviations that are tried in turn, one for each block, while no line is known.
_TRIED_HZ = (0.0, -0.2, 0.0, 0.2)
# For each line: which lines are its multiples.
_ABOVE = np.array([[other % line == 0.0 for other in LINES_HZ] for line in LINES_HZ])
# For each line: which lower lines of the same mains frequency are both odd or both even multiples with it.
_HIGHER_BY = _MULTIPLE[:, None] - _MULTIPLE
_LOWER_ONES = (_MAINS[:, None] == _MAINS) & (_HIGHER_BY > 0.0) & (_HIGHER_BY % 2.0 == 0.0)

# Minimum and maximum number of blocks without an attack in which hum is looked for.
_FEWEST_BLOCKS = 12
_MAX_BLOCKS = 30
# When to conclude that there is no hum, in blocks since the input began. After the first number: if the level at the
# lines' frequencies is below _LITTLE of the RMS, or if attacks come too often to tell. After the last number: always.
_KNOWN_BLOCKS = 17
_LITTLE = 0.02
_SURELY_BLOCKS = 90
# With fewer blocks, even the amplitude at a line's frequency means nothing.
_MIN_BLOCKS = 2
# An attack: a block whose power exceeds _ATTACK times the previous block's and _LOUDER times the maximum of the last
# _BEAT_BLOCKS blocks, so that a string's beat with hum is not an attack. _ATTACK_BLOCKS blocks after it are ignored.
_ATTACK = 2.0
_LOUDER = 1.0
_BEAT_BLOCKS = 3
_ATTACK_BLOCKS = 1
# RMS below which there is no input.
_NOTHING = 1e-5
# Maximum difference of the early, middle and late parts of a stationary line, and maximum level beside it, both
# relative to its amplitude.
_UNSTEADY = 0.15
_BESIDE = 0.4
# Uncertainty of a line, relative to its amplitude: the minimum, and the growth per second while it is covered.
_MIN_UNSURE = 0.03
_UNSURE_PER_S = 0.02
# Uncertainty of the mains' deviation in Hz: while uncovered lines show it, and while none does.
_TOLD_HZ = 0.003
_UNTOLD_HZ = 0.01
_HELD_S = 15.0
# Time for which an attack is remembered.
_HISTORY_S = 3.0
_NEVER = 1_000_000
# Maximum hum behind a sound at a line's frequency, relative to the sound's amplitude. The smaller bound holds before
# hum is known, for a sound whose phase turns as hum's can't, and that is at most _SPREAD times the leakage of a sound
# beside the line.
_HIDING = 1.3
_HIDDEN = 0.25
_SPREAD = 1.3
# Hum below this share of a sound's RMS changes nothing.
_MATTERS = 0.004
_TINY = 1e-30


@dataclass(frozen=True, slots=True)
class Hum:
    """An estimate of hum.

    hertz: frequencies of the lines.
    off_hz: maximum error of each frequency.
    amplitudes: complex, at the end of the input so far.
    bounds: maximum error of each amplitude.
    known: True if it is hum; False if `bounds` is only the maximum hum that is possible.
    """

    hertz: Float64
    off_hz: Float64
    amplitudes: Complex128
    bounds: Float64
    known: bool

    def matters(self, level: float) -> bool:
        """Return True if this hum can change the measurement of a sound with this RMS."""
        return bool(np.sum(np.abs(self.amplitudes) ** 2 + self.bounds**2) > 2.0 * (_MATTERS * level) ** 2)

    def sound(self, frames: int, rate: float) -> Float64:
        """Return the newest `frames` frames of the hum."""
        used = np.flatnonzero(self.amplitudes)
        turns = np.exp(2j * np.pi / rate * np.outer(np.arange(-frames, 0), self.hertz[used]))
        return np.asarray((turns @ self.amplitudes[used]).real)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Weights for a run of blocks.

    weights: (parts, blocks), the parts are early, middle, late, all.
    beside: weights for frequencies beside the line.
    late_s: time from early to late.
    """

    weights: Float64
    beside: Complex128
    late_s: float


class HumEstimator:
    """Follows the hum in the decimated stream, block by block."""

    def __init__(self, rate: float, block: int) -> None:
        self._block_s = block / rate
        hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(2 * block) + 0.5) / (2 * block))
        # Times are relative to the first frame after the block.
        at_s = np.arange(-2 * block, 0) / rate
        down = np.exp(-2j * np.pi * np.outer(at_s, LINES_HZ)) * (2.0 * hann / np.sum(hann))[:, None]
        # Real and imaginary parts are interleaved.
        self._down = np.ascontiguousarray(down).view(np.float64)
        self._turn = np.exp(2j * np.pi * LINES_HZ * self._block_s)
        self._bands = np.zeros((_MAX_BLOCKS, len(LINES_HZ)), np.complex128)
        self._older = np.zeros(block)
        self._powers = [0.0] * _BEAT_BLOCKS
        # Number of blocks since the input began, and since the last attack.
        self._age = 0
        self._run = 0
        self._known = False
        self._since_attack = _NEVER
        self._off_hz = np.zeros(len(MAINS_HZ))
        # True if there was enough input since it began to tell the maximum of hum.
        self.is_estimated = False
        self._amplitudes = np.zeros(len(LINES_HZ))
        self._elsewhere = np.zeros(len(LINES_HZ), bool)
        self._held = np.zeros(len(LINES_HZ), np.complex128)
        self._unsure = np.zeros(len(LINES_HZ))
        self._held_s = np.full(len(LINES_HZ), math.inf)
        self._parts: dict[int, _Parts] = {}

    @property
    def run_s(self) -> float:
        """Return the seconds since the last attack, or since the input began."""
        return self._run * self._block_s

    @property
    def attacked(self) -> bool:
        """Return True if there was an attack in the last few seconds, in an input that had begun before."""
        return 0 < self._since_attack * self._block_s < _HISTORY_S

    @property
    def _usable(self) -> int:
        return min(self._run, self._age, _MAX_BLOCKS + _ATTACK_BLOCKS) - _ATTACK_BLOCKS

    def update(self, block: Float64) -> None:
        """Process the next block of the decimated stream."""
        both = np.concatenate([self._older, block])
        self._older = block
        # Phases are those at the newest block's end of lines without deviation.
        self._bands[:-1] = self._bands[1:] * self._turn
        self._bands[-1] = (both @ self._down).view(np.complex128)
        power = float(np.var(block))
        attacked = power > max(_ATTACK * self._powers[-1], _LOUDER * max(self._powers)) + _NOTHING**2
        self._powers = [*self._powers[1:], power]
        self._run = 0 if attacked else self._run + 1
        if attacked and self._age >= _FEWEST_BLOCKS:
            self._since_attack = 0
        self._since_attack += 1
        self._age = self._age + 1 if power > _NOTHING**2 else 0
        if self._age == 0:
            self._held_s[:] = math.inf
        self._hold()
        self._measure_amplitudes()
        run = self._usable
        if self._age < _KNOWN_BLOCKS:
            self._known = False
            self.is_estimated &= self._age > 0
        elif not self._known:
            little = float(np.sum(self._bounds(_HIDDEN) ** 2)) < 2.0 * _LITTLE**2 * power
            self._known = run < _FEWEST_BLOCKS or little or self._age >= _SURELY_BLOCKS
        if run >= _FEWEST_BLOCKS:
            for comb in range(len(MAINS_HZ)):
                self._learn(comb, run)

    def hum(self) -> Hum | None:
        """Return the current hum; None: no hum is known, and there was enough input to tell."""
        powers = np.where(self._held_s < _HELD_S, np.abs(self._held) ** 2, 0.0)
        comb = int(np.argmax([np.sum(powers[lines]) for lines in _COMBS]))
        if not np.any(powers):
            if self._known:
                return None
            none = np.zeros(len(LINES_HZ), np.complex128)
            return Hum(LINES_HZ, MAX_OFF_HZ * _MULTIPLE, none, self._bounds(_HIDDEN), False)
        lines = _COMBS[comb]
        hertz = LINES_HZ[lines] + _MULTIPLE[lines] * self._off_hz[comb]
        amplitudes, unsure = self._held[lines], self._grown()[lines]
        held = powers[lines] > 0.0
        sure = held & (unsure < np.abs(amplitudes))
        # Among odd and among even multiples, amplitudes fall with frequency. Lines below all known ones have no such
        # limit.
        below = np.max(np.where(_LOWER_ONES[np.ix_(lines, lines)], np.sqrt(powers[lines]), 0.0), axis=1)
        most = np.where(below > 0.0, below, MAX_HUM)
        of_held = np.where(sure, unsure, 1.2 * np.abs(amplitudes))
        bounds = np.where(held, of_held, np.minimum(self._bounds(_HIDING)[lines], most))
        return Hum(hertz, _TOLD_HZ * _MULTIPLE[lines], np.where(sure, amplitudes, 0.0), bounds, True)

    def _grown(self) -> Float64:
        """Return the current uncertainty of each line that is held."""
        told = np.empty(len(LINES_HZ))
        for lines in _COMBS:
            told[lines] = _TOLD_HZ if np.any(self._held_s[lines] == 0.0) else _UNTOLD_HZ
        held_s = np.minimum(self._held_s, _HELD_S)
        grown = (_UNSURE_PER_S + 2.0 * np.pi * _MULTIPLE * told) * held_s
        return np.asarray(np.hypot(self._unsure, np.abs(self._held) * grown))

    def _measure_amplitudes(self) -> None:
        """Measure the amplitude at each line's frequency since the last attack.

        Right after an attack, the old values stay.
        """
        run = self._usable
        if run < _MIN_BLOCKS:
            return
        bands = self._bands[-run:]
        self.is_estimated = True
        self._amplitudes = np.abs(self._part(run).weights[-1] @ bands)
        turned_hz = np.angle(np.sum(bands[1:] * np.conj(bands[:-1]), axis=0)) / (2.0 * np.pi * self._block_s)
        # A sound at another frequency would leak into this one, because the window is so short.
        strength = np.sqrt(np.mean(np.abs(bands) ** 2, axis=0))
        spread = strength * hann_response(np.abs(turned_hz) * (run + 1) * self._block_s)
        self._elsewhere = (np.abs(turned_hz) > MAX_OFF_HZ * _MULTIPLE + 1.0) & (self._amplitudes < _SPREAD * spread)

    def _bounds(self, hidden: float) -> Float64:
        """Return the maximum hum at each line's frequency, from the amplitude that was found there."""
        bounds = np.minimum(np.where(self._elsewhere, hidden, _HIDING) * self._amplitudes, MAX_HUM)
        for lines in _COMBS:
            bounds[lines] = np.minimum(bounds[lines], np.max(bounds[lines[:_FIRST_LINES]]))
        return bounds

    def _hold(self) -> None:
        for comb, lines in enumerate(_COMBS):
            self._held[lines] *= np.exp(2j * np.pi * self._off_hz[comb] * _MULTIPLE[lines] * self._block_s)
        self._held *= np.where(self._held_s < _HELD_S, self._turn, 0.0)
        self._held_s += self._block_s

    def _learn(self, comb: int, run: int) -> None:
        lines, parts = _COMBS[comb], self._part(run)
        multiple = _MULTIPLE[lines]
        at_s = (np.arange(run) - run) * self._block_s
        locked = bool(np.any(self._held_s[lines] < _HELD_S))
        off_hz = self._off_hz[comb] if locked else _TRIED_HZ[self._age % len(_TRIED_HZ)]
        bands = self._bands[-run:, lines] * np.exp(-2j * np.pi * off_hz * np.outer(at_s, multiple))
        early, middle, late, all_ = parts.weights @ bands
        strength = np.abs(all_) + _TINY
        uneven = np.max(np.abs(np.abs([early, middle, late]) - strength), axis=0) / strength
        turned = np.angle(late * np.conj(early))
        bent = np.abs(np.angle(middle * np.conj(early)) - 0.5 * turned)
        beside = np.max(np.abs(parts.beside @ bands), axis=0) / strength
        loud = np.abs(all_) >= MAX_HUM
        covered = loud @ _ABOVE[np.ix_(lines, lines)]
        off = np.abs(off_hz * multiple + turned / (2.0 * np.pi * parts.late_s)) > MAX_OFF_HZ * multiple + 0.05
        steady = ~covered & ~off & (uneven < _UNSTEADY) & (bent < _UNSTEADY) & (beside < _BESIDE)
        # High multiples are not louder than the loudest of the first ones; a few could seem so by chance.
        first = multiple <= _FIRST_LINES
        heard = np.where(first & steady, strength, np.abs(self._held[lines]))
        if np.count_nonzero(steady) < _MANY:
            steady &= first | (strength <= np.max(heard[first]))
        if np.any(steady):
            told = steady
            if not locked:
                # Phases of high multiples may have turned by more than half a turn.
                told = steady & (multiple <= max(0.5 / (_TRIED_HZ[-1] * parts.late_s), np.min(multiple[steady])))
            powers = np.where(told, strength**2, 0.0)
            more_hz = powers @ (multiple * turned) / (powers @ multiple**2) / (2.0 * np.pi * parts.late_s)
            more_hz = float(np.clip(off_hz + more_hz, -MAX_OFF_HZ, MAX_OFF_HZ)) - off_hz
            left = turned - 2.0 * np.pi * more_hz * multiple * parts.late_s
            left = np.abs(np.angle(np.exp(1j * left)))
            steady &= left < 2.0 * _UNSTEADY
            self._off_hz[comb] = off_hz + more_hz
            centre_s = float(parts.weights[-1] @ at_s)
            found = all_ * np.exp(-2j * np.pi * more_hz * multiple * centre_s)
            unsure = strength * np.maximum(_MIN_UNSURE, np.hypot(uneven, left))
            self._held[lines[steady]] = found[steady]
            self._unsure[lines[steady]] = unsure[steady]
            self._held_s[lines[steady]] = 0.0
        gone = ~steady & (strength * np.maximum(1.0, beside) < 0.5 * np.abs(self._held[lines]))
        self._held[lines[gone]] = 0.0
        self._held_s[lines[gone]] = math.inf

    def _part(self, run: int) -> _Parts:
        if run not in self._parts:
            half = (run + 1) // 2
            weights = np.zeros((4, run))
            middle = (run - half) // 2
            for part, (first, blocks) in enumerate([(0, half), (middle, half), (run - half, half), (0, run)]):
                hann = np.hanning(blocks + 2)[1:-1]
                weights[part, first : first + blocks] = hann / np.sum(hann)
            turns = np.arange(run) / (run + 1)
            beside = weights[3] * np.exp(2j * np.pi * np.outer([-3.5, -2.0, 2.0, 3.5], turns))
            self._parts[run] = _Parts(weights, beside, (run - half) * self._block_s)
        return self._parts[run]


def hann_response(bins: Float64) -> Float64:
    """Return an upper bound of a Hann window's transform relative to its centre.

    Beyond the first zero it is the envelope of the side lobes.
    bins: distance from the centre.
    """
    main = np.sinc(bins) / (1.0 - np.where(bins == 1.0, 0.0, bins) ** 2)
    main = np.where(bins == 1.0, 0.5, main)
    sides = 1.0 / (np.pi * np.maximum(bins, 1.5) * (np.maximum(bins, 1.5) ** 2 - 1.0))
    return np.asarray(np.where(bins < 1.7, np.abs(main), sides))
