"""Compares two sounds, each a recording or the output of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nampedal.converter.listening import harmonics, metrics, test_signals
from nampedal.converter.listening.judging import judge, largest
from nampedal.converter.listening.metrics import Alignment, Comparison
from nampedal.converter.rendering.backends import SUFFIXES, Backend, open_player
from nampedal.firmware.audio.audio_file import Recording, read_recording
from nampedal.firmware.audio.loudness import Signal
from nampedal.firmware.base.errors import AudioError
from nampedal.firmware.engine.inference import Audio

MAX_DELAY_S = 0.5


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """Options of a comparison.

    on: the audio that models play; None: test_signals.validation_signal.
    align: correct delay, gain and polarity first.
    tier: number or name of a tier, of both.
    """

    on: Path | None = None
    align: bool = False
    tier: int | str = 0
    exact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonResult:
    """The result of a comparison.

    channels: one comparison per channel.
    alignments: one per channel, or empty without `align`.
    probed: harmonics of both sides, if both are models.
    """

    material: str
    sample_rate: float
    seconds: float
    channels: tuple[Comparison, ...]
    alignments: tuple[Alignment, ...]
    probed: tuple[harmonics.HarmonicRow, ...]

    @property
    def esr(self) -> float:
        """Return the error-to-signal ratio of the worst channel."""
        return largest(channel.esr for channel in self.channels)

    @property
    def pre_emphasised_esr(self) -> float:
        """Return the error-to-signal ratio with the highs emphasised, of the worst channel."""
        return largest(channel.pre_emphasised_esr for channel in self.channels)

    @property
    def max_error(self) -> float:
        """Return the largest difference of two samples, linear."""
        return largest(channel.max_error for channel in self.channels)

    @property
    def mr_stft_distance(self) -> float:
        """Return the multi-resolution STFT distance of the worst channel."""
        return largest(channel.mr_stft_distance for channel in self.channels)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison: a recording, (frames, channels), or a model's player. name: for messages."""

    name: str
    sample_rate: float
    recorded: Audio | None
    player: Backend | None

    @classmethod
    def open(cls, path: Path, options: CompareOptions) -> Side:
        """Open a recording or a model. Raises AudioError, and the errors of reading and preparing it."""
        if path.suffix.lower() in SUFFIXES:
            return cls.model(str(path), open_player(path, options.tier, options.exact))
        recording = read_recording(path)
        return cls(str(path), recording.sample_rate, recording.audio, None)

    @classmethod
    def model(cls, name: str, player: Backend) -> Side:
        """Return the side of a model. Raises AudioError if it is not of 1 -> 1 channels."""
        if player.in_channels != 1 or player.out_channels != 1:
            found = f"{player.in_channels} -> {player.out_channels}"
            raise AudioError(f"{name}: has {found} channels; models of 1 -> 1 are compared")
        return cls(name, player.sample_rate, None, player)

    def play(self, audio: Audio) -> Audio:
        """Play audio (frames,) from the player's steady state."""
        assert self.player is not None
        self.player.reset()
        return self.player.render(audio)

    def sound(self, given: Audio) -> Audio:
        """Return (frames, channels): the recording, or the player's output for `given`, each channel separately."""
        if self.recorded is not None:
            return self.recorded
        return np.stack([self.play(np.ascontiguousarray(channel)) for channel in given.T], axis=1)


def compare(reference: Path, test: Path, options: CompareOptions) -> ComparisonResult:
    """Judge `test` against `reference`, up to the end of the shorter one.

    Raises AudioError if the two do not fit together, and the errors of reading and preparing them.
    """
    wanted, got = (Side.open(path, options) for path in (reference, test))
    on = None if options.on is None else read_recording(options.on)
    return compare_sides(wanted, got, on, align=options.align)


def compare_sides(wanted: Side, got: Side, on: Recording | None = None, *, align: bool = False) -> ComparisonResult:
    """Judge `got` against `wanted`, up to the end of the shorter one.

    on: what models play; None: test_signals.validation_signal.
    align: see CompareOptions.
    Raises AudioError if the two do not fit together.
    """
    rate = wanted.sample_rate
    if got.sample_rate != rate:
        found = f"{rate:g} and {got.sample_rate:g} Hz"
        raise AudioError(f"{got.name}: does not have {wanted.name}'s sample rate, {found}; resample one of them")
    given, described = _given(wanted, got, on)
    left, right = wanted.sound(given), got.sound(given)
    if left.shape[1] != right.shape[1]:
        found = f"{left.shape[1]} and {right.shape[1]}"
        raise AudioError(f"{got.name}: does not have {wanted.name}'s number of channels, {found}; leave some away")
    frames = min(len(left), len(right))
    pairs = list(zip(left[:frames].T, right[:frames].T, strict=True))
    alignments = tuple(metrics.align(a, b, round(MAX_DELAY_S * rate)) for a, b in pairs) if align else ()
    compared = [(found.reference, found.test) for found in alignments] or pairs
    # Alignment removes frames, so the positions of the kinds are no longer valid.
    by_kinds = described == test_signals.VALIDATION_LABEL and not alignments
    both = wanted.player is not None and got.player is not None
    return ComparisonResult(
        material=described,
        sample_rate=rate,
        seconds=frames / rate,
        channels=tuple(_judged(a, b, rate, by_kinds) for a, b in compared),
        alignments=alignments,
        probed=tuple(harmonics.compare_harmonics(wanted.play, got.play, rate)) if both else (),
    )


def _judged(wanted: Signal, got: Signal, rate: float, by_kinds: bool) -> metrics.Comparison:
    return judge(wanted, got, rate).comparison if by_kinds else metrics.compare(wanted, got, rate)


def _given(wanted: Side, got: Side, on: Recording | None) -> tuple[Audio, str]:
    """Return the audio that models play, (frames, channels), and its description."""
    if wanted.recorded is not None and got.recorded is not None:
        if on is not None:
            raise AudioError(f"{on.path}: --on is for models; two recordings are compared as they are")
        return wanted.recorded, "the recordings themselves"
    if on is not None:
        return on.at_rate(wanted.sample_rate).audio, on.path.name
    if wanted.recorded is not None or got.recorded is not None:
        raise AudioError(f"{got.name}: a recording and a model are compared by what was played: give it as --on")
    return test_signals.validation_signal(wanted.sample_rate)[:, None], test_signals.VALIDATION_LABEL
