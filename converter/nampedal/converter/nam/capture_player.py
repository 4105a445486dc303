"""Plays a capture with the engine, from start to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nampedal.converter.errors import CaptureError
from nampedal.firmware.base.one_line import one_line
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import MAX_FRAMES, Audio, Engine
from nampedal.firmware.presets.sound_check import peak_of, probe, problem_of, refusal


def play(capture: Capture, audio: Audio, exact: bool = False, isa: str = "") -> Audio:
    """Play mono audio (frames,) with the full tier. Return (frames, out_channels).

    Every input channel of the network gets the same audio.
    exact: use exact instead of fast activations.
    isa: one of `isas()`; empty: NAMPEDAL_ISA, or the best of this machine.
    """
    engine = Engine.prepare(capture, exact=exact, isa=isa, max_frames=MAX_FRAMES)
    return engine.render(np.repeat(audio[:, None], engine.in_channels, axis=1))


def check_playable(path: Path, capture: Capture) -> None:
    """Load the capture into the engine and play each of its tiers. path: the capture's file, for error messages.

    Raises CaptureError if the output of a tier is silent or not finite; an ArtifactError if something is too
    large.
    """
    loaded = _engine.Artifact.from_bytes(artifact.pack(capture), one_line(path))
    audio = probe(capture.sample_rate)[:, None]
    for number in range(len(capture.tiers)):
        engine = Engine.prepare(loaded, tier=number, max_frames=MAX_FRAMES)
        if problem := problem_of(peak_of(engine.render(np.repeat(audio, engine.in_channels, axis=1)))):
            raise CaptureError(refusal(path, number, problem))
