"""The objects that depend on the sample rate: a stage, its audio tap, and the presets that are prepared for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.switching.load_shedding import LoadShedding
from nampedal.firmware.pedal.switching.preparation import Preparation
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import fallback_preset
from nampedal.firmware.presets.loudness_cache import LoudnessCache
from nampedal.firmware.presets.preset_content import PresetContents

# The minimum block size that chains are prepared for, so that a larger JACK period needs no new preparation.
MIN_FRAMES = 256

_log = logging.getLogger(__name__)


class Scene:
    """The stage, audio tap and preset manager for one sample rate. No preset is selected at first.

    sample_rate: Hz.
    period_frames: the period of the JACK server.
    """

    def __init__(
        self,
        sample_rate: float,
        period_frames: int,
        setup: PedalSetup,
        presets: Sequence[Path],
        contents: PresetContents,
        loudness: LoudnessCache | None,
        stepping: LoadShedding,
    ) -> None:
        """Raises ArgumentError."""
        self.sample_rate = sample_rate
        self._setup = setup
        frames = max(period_frames, MIN_FRAMES)
        preparation = Preparation(
            *(contents, loudness, sample_rate, period_frames, frames),
            full_scale_dbu=setup.full_scale_dbu,
            channels=setup.channels,
            read_nam=setup.read_nam,
        )
        self.stage = _engine.Stage(sample_rate, frames, setup.channels)
        self.tap = AudioTap(self.stage, sample_rate, setup.channels)
        self.manager = PresetManager(
            *(list(presets), self.stage, preparation, setup.max_bytes),
            carries=stepping.carries,
            fallback=fallback_preset.PATH if setup.fallback else None,
            contents=contents,
        )

    def close(self, *, wait: bool = True) -> None:
        """Stop all threads of the scene.

        wait: block until the preset that is being prepared is done.
        """
        self.manager.close(wait=wait)
        self.tap.close()

    def begin(self) -> None:
        """Start the recording if one is set up. Raises FileAccessError."""
        if self._setup.record is not None:
            self.tap.record(self._setup.record)

    def take_over(self, before: Scene) -> None:
        """Close another scene. If it was recording, start a new recording under a free name."""
        records = before.tap.recording
        # Do not block: the preset that the old scene is preparing is not needed.
        before.close(wait=False)
        if records and self._setup.record is not None:
            try:
                self.tap.record(_next_name(self._setup.record))
            except FileAccessError as error:
                _log.warning("%s", error)


def _next_name(path: Path) -> Path:
    """Return a free file name next to an existing recording, such as take-2.wav."""
    return next(name for number in count(2) if not (name := path.with_stem(f"{path.stem}-{number}")).exists())
