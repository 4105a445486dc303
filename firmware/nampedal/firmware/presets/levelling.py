"""Finds levels with which presets are equally loud for one guitar.

The guitar is recorded once and played through each preset offline. Each preset gets the same notes, and the player
plays for some seconds in all instead of for each preset.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from nampedal.firmware.audio.gains import MAX_GAIN_DB, clamp_gain_db
from nampedal.firmware.audio.loudness import loudness_lufs
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.faults import describe_error, describe_failure
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.presets.preset import Preset
from nampedal.firmware.presets.preset_content import read_preset

_FRAMES = 4096

_log = logging.getLogger(__name__)

# Maximum peak of any preset. The soft limiter starts to act at -1 dBFS.
MAX_PEAK_DBFS = -2.0


@dataclass(frozen=True, slots=True)
class BlockLevels:
    """Gated loudness and sample peak of a preset's blocks for one guitar, before its level. -inf: silence."""

    lufs: float
    peak_dbfs: float


def measure_blocks(chain: Chain, guitar: Audio) -> BlockLevels:
    """Play a guitar through a chain and measure loudness and peak.

    guitar: (frames,), at the chain's sample rate.
    The chain must not be on a stage.
    """
    played = chain.render_blocks(guitar)
    peak = float(np.max(np.abs(played), initial=0.0))
    return BlockLevels(
        loudness_lufs(played, chain.sample_rate), 20.0 * float(np.log10(peak)) if peak > 0.0 else -np.inf
    )


def common_lufs(heard: Sequence[BlockLevels]) -> float:
    """Return the loudness that all presets can have.

    It is LOUDNESS_LUFS, or less, so that no peak is above MAX_PEAK_DBFS. Silent presets do not count.
    """
    headroom = [MAX_PEAK_DBFS - (one.peak_dbfs - one.lufs) for one in heard if np.isfinite(one.lufs)]
    return min([LOUDNESS_LUFS, *headroom])


@dataclass(frozen=True, slots=True)
class MeasuredLevel:
    """A preset and its measurement.

    heard: None if the preset can't be played; `problem` then says why.
    make_up_db: make-up gain of its chain, which is added to its level.
    """

    path: Path
    preset: Preset | None = None
    heard: BlockLevels | None = None
    make_up_db: float = 0.0
    problem: str = ""

    @property
    def lufs(self) -> float | None:
        """Return its current loudness; None: it is silent, or can't be played."""
        if self.heard is None or self.preset is None or not np.isfinite(self.heard.lufs):
            return None
        return self.heard.lufs + clamp_gain_db(self.make_up_db + self.preset.level_db)


def measure(path: Path, guitar: Audio, sample_rate: float, full_scale_dbu: float | None = None) -> MeasuredLevel:
    """Measure one preset with a guitar.

    path: of a preset.
    guitar: (frames,), dry, at sample_rate.
    sample_rate: Hz.
    full_scale_dbu: the same as for `Chain.prepare`.
    """
    if suffix_of(path) != preset.SUFFIX:
        return MeasuredLevel(path, problem=f"{path}: is no preset, but a capture alone; no level can be kept in it")
    try:
        read = read_preset(path)[0]
        chain = Chain.prepare(
            *(read, path.parent), sample_rate=sample_rate, max_frames=_FRAMES, full_scale_dbu=full_scale_dbu
        )
    except NampedalError as error:
        return MeasuredLevel(path, problem=str(error))
    heard = measure_blocks(chain, guitar)
    problem = "" if np.isfinite(heard.lufs) else f"{path}: nothing of this guitar is heard through it"
    return MeasuredLevel(path, read, heard, chain.make_up_db, problem)


def levels_db(measured: Sequence[MeasuredLevel]) -> list[float | None]:
    """Return for each preset the `level_db` that makes all equally loud, within its limits; None: there is none."""
    common = common_lufs([one.heard for one in measured if one.heard is not None])
    low, high = preset.limits_of(Preset, "level_db")
    return [
        # Adding 0.0 turns -0.0 into 0.0.
        round(float(np.clip(common - one.heard.lufs - one.make_up_db, low, min(high, _most_db(one)))), 1) + 0.0
        if one.heard is not None and np.isfinite(one.heard.lufs)
        else None
        for one in measured
    ]


def _most_db(one: MeasuredLevel) -> float:
    """Return the maximum that can be added to its make-up gain, dB."""
    return MAX_GAIN_DB - one.make_up_db


def write(measured: Sequence[MeasuredLevel]) -> list[str]:
    """Write those levels to the preset files. Return the names of the presets that changed. Raises SettingsError.

    Everything else stays as it is in the file now, which may have been edited since the measurement.
    """
    written = []
    for one, level_db in zip(measured, levels_db(measured), strict=True):
        if level_db is not None and one.preset is not None and level_db != one.preset.level_db:
            preset.write(replace(preset.read(one.path), level_db=level_db), one.path)
            written.append(one.path.stem)
    return written


class LevelMeasurement:
    """Measures a guitar, and then presets one after the other, in its own thread.

    guitar_lufs: loudness of the guitar itself; it is known before any preset is measured.
    measured: the presets that are done.
    """

    def __init__(self, paths: Sequence[Path], guitar: Audio, sample_rate: float, full_scale_dbu: float | None) -> None:
        self.paths = list(paths)
        self.guitar_lufs = -math.inf
        self.measured: list[MeasuredLevel] = []
        self._ends = False
        self._of = guitar, sample_rate, full_scale_dbu
        threading.Thread(target=self._run, name="level", daemon=True).start()

    @property
    def done(self) -> bool:
        return len(self.measured) == len(self.paths)

    def end(self) -> None:
        """Stop after the preset that is measured now. Does not wait for it."""
        self._ends = True

    def _run(self) -> None:
        try:
            guitar, sample_rate, _ = self._of
            self.guitar_lufs = loudness_lufs(guitar, sample_rate)
        except Exception as error:
            _log.warning("level: the guitar can't be measured: %s", describe_error(error))
        for path in self.paths:
            if self._ends:
                return
            try:
                self.measured.append(measure(path, *self._of))
            except Exception as error:
                # The player waits for an answer for every preset.
                _log.warning("level: %s", describe_failure(path, "can't be measured", error))
                self.measured.append(MeasuredLevel(path, problem=describe_failure(path, "can't be measured", error)))
