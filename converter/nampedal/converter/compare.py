"""Two sounds side by side: recordings, or what plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nampedal.converter import material, metrics, probes
from nampedal.converter.errors import AudioFormatError
from nampedal.converter.metrics import Alignment, Comparison
from nampedal.converter.players import SUFFIXES, Player, open_player
from nampedal.firmware.audio_file import read_recording
from nampedal.firmware.engine import Audio

MAX_DELAY_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """on: what players are given; None: material.held_back.  align: undo delay, gain and polarity first."""

    on: Path | None = None
    align: bool = False
    tier: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """channels: a comparison each.  alignments: as many, or none.  probed: where both sides are players."""

    material: str
    sample_rate: float
    seconds: float
    channels: tuple[Comparison, ...]
    alignments: tuple[Alignment, ...]
    probed: tuple[probes.Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A recording, (frames, channels), or a player."""

    path: Path
    sample_rate: float
    recorded: Audio | None
    player: Player | None

    @classmethod
    def open(cls, path: Path, options: Options) -> _Side:
        if path.suffix.lower() in SUFFIXES:
            player = open_player(path, options.tier, options.exact)
            if player.in_channels != 1 or player.out_channels != 1:
                found = f"{player.in_channels} -> {player.out_channels}"
                raise AudioFormatError(f"{path}: has {found} channels; models of 1 -> 1 are compared")
            return cls(path, player.sample_rate, None, player)
        recording = read_recording(path)
        return cls(path, recording.sample_rate, recording.audio, None)

    def play(self, audio: Audio) -> Audio:
        """Audio (frames,) through a player, from its steady state."""
        assert self.player is not None
        self.player.reset()
        return self.player.render(audio)

    def sound(self, given: Audio) -> Audio:
        """(frames, channels): what was recorded, or what is made of `given`, each channel apart."""
        if self.recorded is not None:
            return self.recorded
        return np.stack([self.play(np.ascontiguousarray(channel)) for channel in given.T], axis=1)


def compare(reference: Path, test: Path, options: Options) -> Judgement:
    """Judge `test` against `reference`, as far as the shorter goes.

    Raises AudioFormatError where the two don't fit together, and what reading and preparing them raise.
    """
    wanted, got = (_Side.open(path, options) for path in (reference, test))
    rate = wanted.sample_rate
    if got.sample_rate != rate:
        found = f"{rate:g} and {got.sample_rate:g} Hz"
        raise AudioFormatError(f"{test}: does not have {reference}'s sample rate, {found}; resample one of them")
    given, described = _given(wanted, got, options)
    left, right = wanted.sound(given), got.sound(given)
    if left.shape[1] != right.shape[1]:
        found = f"{left.shape[1]} and {right.shape[1]}"
        raise AudioFormatError(f"{test}: does not have {reference}'s number of channels, {found}; leave some away")
    frames = min(len(left), len(right))
    pairs = list(zip(left[:frames].T, right[:frames].T, strict=True))
    alignments = tuple(metrics.align(a, b, round(MAX_DELAY_S * rate)) for a, b in pairs) if options.align else ()
    compared = [(found.reference, found.test) for found in alignments] or pairs
    both = wanted.player is not None and got.player is not None
    return Judgement(
        material=described,
        sample_rate=rate,
        seconds=frames / rate,
        channels=tuple(metrics.compare(a, b, rate) for a, b in compared),
        alignments=alignments,
        probed=tuple(probes.side_by_side(wanted.play, got.play, rate)) if both else (),
    )


def _given(wanted: _Side, got: _Side, options: Options) -> tuple[Audio, str]:
    """What players are given, (frames, channels), and what it is."""
    if wanted.recorded is not None and got.recorded is not None:
        if options.on is not None:
            raise AudioFormatError(f"{options.on}: --on is for models; two recordings are compared as they are")
        return wanted.recorded, "the recordings themselves"
    if options.on is not None:
        return read_recording(options.on).at_rate(wanted.sample_rate).audio, options.on.name
    if wanted.recorded is not None or got.recorded is not None:
        raise AudioFormatError(f"{got.path}: a recording and a model are compared by what was played: give it as --on")
    return material.held_back(wanted.sample_rate)[:, None], material.HELD_BACK
