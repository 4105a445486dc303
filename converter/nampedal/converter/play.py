"""A capture played by the engine, start to end."""

from __future__ import annotations

import numpy as np
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import MAX_FRAMES, Audio, Engine


def play(capture: Capture, audio: Audio, exact: bool = False, isa: str = "") -> Audio:
    """Mono audio (frames,) through the full tier, the same into every input channel. -> (frames, out_channels)."""
    engine = Engine.prepare(capture, exact=exact, isa=isa, max_frames=MAX_FRAMES)
    return engine.render(np.repeat(audio[:, None], engine.in_channels, axis=1))
