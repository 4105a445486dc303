"""Levels with which presets are equally loud for one guitar.

The guitar is recorded once, and played through each preset off line: so each hears the same notes, and the player plays
for some seconds in all instead of in each.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from nampedal.board.errors import NampedalError
from nampedal.firmware import preset
from nampedal.firmware.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.content import read_preset
from nampedal.firmware.engine import Audio
from nampedal.firmware.loudness import loudness_lufs
from nampedal.firmware.preset import Preset

_FRAMES = 4096

_log = logging.getLogger(__name__)

# The highest peak that any preset may have. The ceiling begins to bend at -1 dBFS.
MOST_PEAK_DBFS = -2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a preset's blocks make of one guitar, in front of its level: gated loudness, and the sample peak.

    -inf: silence.
    """

    lufs: float
    peak_dbfs: float


def hear(chain: Chain, guitar: Audio) -> Heard:
    """guitar: (frames,), at the chain's sample rate. The chain is not on a stage."""
    played = chain.render_blocks(guitar)
    peak = float(np.max(np.abs(played), initial=0.0))
    return Heard(loudness_lufs(played, chain.sample_rate), 20.0 * float(np.log10(peak)) if peak > 0.0 else -np.inf)


def common_lufs(heard: Sequence[Heard]) -> float:
    """How loud all can be: LOUDNESS_LUFS, or less, so that no peak is above MOST_PEAK_DBFS. Silent ones don't count."""
    headroom = [MOST_PEAK_DBFS - (one.peak_dbfs - one.lufs) for one in heard if np.isfinite(one.lufs)]
    return min([LOUDNESS_LUFS, *headroom])


@dataclass(frozen=True, slots=True)
class Measured:
    """A preset, and what its blocks make of the guitar; `heard` is None where it can't be played, for that problem.

    make_up_db: of its chain, which comes on top of its level.
    """

    path: Path
    preset: Preset | None = None
    heard: Heard | None = None
    make_up_db: float = 0.0
    problem: str = ""

    @property
    def lufs(self) -> float | None:
        """How loud it is now; None: it is silent, or can't be played."""
        if self.heard is None or self.preset is None or not np.isfinite(self.heard.lufs):
            return None
        return self.heard.lufs + self.make_up_db + self.preset.level_db


def measure(path: Path, guitar: Audio, sample_rate: float, full_scale_dbu: float | None = None) -> Measured:
    """path: of a preset.  guitar: (frames,), dry, at sample_rate, Hz.  full_scale: as of a chain."""
    if path.suffix != preset.SUFFIX:
        return Measured(path, problem=f"{path}: is no preset, but an artifact alone; no level can be kept in it")
    try:
        read = read_preset(path)[0]
        chain = Chain.prepare(
            *(read, path.parent), sample_rate=sample_rate, max_frames=_FRAMES, full_scale_dbu=full_scale_dbu
        )
    except NampedalError as error:
        return Measured(path, problem=str(error))
    heard = hear(chain, guitar)
    problem = "" if np.isfinite(heard.lufs) else f"{path}: nothing of this guitar is heard through it"
    return Measured(path, read, heard, chain.make_up_db, problem)


def levels_db(measured: Sequence[Measured]) -> list[float | None]:
    """For each the `level_db` with which all are equally loud, within its limits; None where there is none."""
    common = common_lufs([one.heard for one in measured if one.heard is not None])
    low, high = preset.limits_of(Preset, "level_db")
    return [
        # No -0.0.
        round(float(np.clip(common - one.heard.lufs - one.make_up_db, low, high)), 1) + 0.0
        if one.heard is not None and np.isfinite(one.heard.lufs)
        else None
        for one in measured
    ]


def write(measured: Sequence[Measured]) -> list[str]:
    """Puts those levels into the presets' files, and says which were written. Raises SettingsError.

    All else stays as it is in the file now, which may have been edited since it was measured.
    """
    written = []
    for one, level_db in zip(measured, levels_db(measured), strict=True):
        if level_db is not None and one.preset is not None and level_db != one.preset.level_db:
            preset.write(replace(preset.read(one.path), level_db=level_db), one.path)
            written.append(one.path.stem)
    return written


class Measuring:
    """Measures presets one after the other, in a thread of its own. measured: those that are done."""

    def __init__(self, paths: Sequence[Path], guitar: Audio, sample_rate: float, full_scale_dbu: float | None) -> None:
        self.paths = list(paths)
        self.measured: list[Measured] = []
        self._ends = False
        self._of = guitar, sample_rate, full_scale_dbu
        threading.Thread(target=self._run, name="level", daemon=True).start()

    @property
    def done(self) -> bool:
        return len(self.measured) == len(self.paths)

    def end(self) -> None:
        """After the preset that it is at, which is not waited for."""
        self._ends = True

    def _run(self) -> None:
        for path in self.paths:
            if self._ends:
                return
            try:
                self.measured.append(measure(path, *self._of))
            except Exception as error:
                # The player waits for an answer.
                _log.exception("level: %s", path)
                self.measured.append(Measured(path, problem=f"{path}: can't be measured: {error!r}"))
