"""How a pedal prepares presets while another one plays: for its server's rate and period, at one loudness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware import last_resort
from nampedal.firmware.chain import Chain
from nampedal.firmware.content import Contents, read_preset
from nampedal.firmware.loudness_cache import LoudnessCache, key_of


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the chains are prepared for.

    contents: what files held when they were read last.  loudness: what was measured before; None: it is not kept.
    sample_rate: Hz.  period_frames: of the server; what a period costs is measured with it.
    most_frames: the longest block that is played.  full_scale_dbu: of the input; None: it is not known.
    """

    contents: Contents
    loudness: LoudnessCache | None
    sample_rate: float
    period_frames: int
    most_frames: int
    full_scale_dbu: float | None
    channels: int

    def __call__(self, path: Path) -> Chain:
        """Prepare the preset of this file, or the built-in one. Raises as `Chain.prepare` and `read_preset`."""
        played = last_resort.PRESET if path == last_resort.PATH else read_preset(path)[0]
        content = self.contents.last(path)
        key = key_of(content, self.sample_rate, self.full_scale_dbu) if content is not None else None
        measured = self.loudness.get(key) if self.loudness is not None else None
        chain = Chain.prepare(
            *(played, path.parent),
            sample_rate=self.sample_rate,
            max_frames=self.most_frames,
            full_scale_dbu=self.full_scale_dbu,
            channels=self.channels,
            loudness_lufs=measured,
        )
        if self.loudness is not None and measured is None and chain.measured_lufs is not None:
            self.loudness.put(key, chain.measured_lufs)
        chain.measure(self.period_frames)
        return chain
