"""Prepares presets while another one plays: for the server's sample rate and period, and at one common loudness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.presets import fallback_preset
from nampedal.firmware.presets.captures import ReadNam
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.loudness_cache import LoudnessCache, key_of
from nampedal.firmware.presets.preset_content import PresetContents, read_preset


@dataclass(frozen=True, slots=True)
class Preparation:
    """The parameters that chains are prepared with.

    contents: the contents of files when they were read last.
    loudness: the cache of measured loudness; None: it is not cached.
    sample_rate: Hz.
    period_frames: the period of the server; the CPU cost is measured with it.
    max_frames: the maximum block size.
    full_scale_dbu: the input level at 0 dBFS, in dBu; None: unknown.
    read_nam: None: .nam files cannot be played.
    """

    contents: PresetContents
    loudness: LoudnessCache | None
    sample_rate: float
    period_frames: int
    max_frames: int
    full_scale_dbu: float | None
    channels: int
    read_nam: ReadNam | None = None

    def __call__(self, path: Path) -> Chain:
        """Prepare the preset of this file, or the built-in one. Raises as `Chain.prepare` and `read_preset` do."""
        played = fallback_preset.PRESET if path == fallback_preset.PATH else read_preset(path)[0]
        content = self.contents.last(path)
        key = key_of(content, self.sample_rate, self.full_scale_dbu) if content is not None else None
        measured = self.loudness.get(key) if self.loudness is not None else None
        chain = Chain.prepare(
            *(played, path.parent),
            sample_rate=self.sample_rate,
            max_frames=self.max_frames,
            full_scale_dbu=self.full_scale_dbu,
            channels=self.channels,
            loudness_lufs=measured,
            read_nam=self.read_nam,
        )
        if self.loudness is not None and measured is None and chain.measured_lufs is not None:
            self.loudness.put(key, chain.measured_lufs)
        chain.measure(self.period_frames)
        return chain
