"""Rounds to int8 inaudibly: layers in which int8 would cost too much become float16 instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from nampedal.converter.listening.metrics import esr, pre_emphasised_esr
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding.quantize import int8_paths, quantize
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Network, convolutions, replace_convolutions

# Maximum cost of rounding on the calibration audio. On other audio it may be two or three times higher.
MAX_ESR = 8e-6
MAX_PRE_EMPHASISED_ESR = 5e-5
# Targets of the attempts that keep layers in float16, as shares of the maximum. The layers' costs add up only roughly:
# each layer's rounding makes up for the layers before it, so what is kept changes the rounding of all that follow.
TARGET_SHARES = (0.7, 0.25)
# Number of pieces with equal weight, so that quiet or dark passages count as much as loud ones.
PIECES = 8
# Length of the excerpt of each piece, for ranking the convolutions.
EXCERPT_FRAMES = 6_000


def quantize_within_esr(
    capture: Capture, audio: Audio, advance: Callable[[int, int], None] = lambda done, total: None
) -> Network:
    """Return the full tier's network with int8 weights, except for the convolutions that would cost too much.

    audio: (frames,), for calibration.
    advance(done, total): progress callback, in convolutions; starts again if some are kept in float16.
    """
    network = capture.tiers[0].network
    rounded = quantize(network, audio, advance)
    wanted = _sound(capture, network, audio)
    found = _cost(wanted, _sound(capture, rounded, audio))
    if found <= 1.0 or not np.isfinite(found):
        return rounded
    costs = _costs(capture, rounded, _excerpts(audio))
    order = np.argsort(-costs, kind="stable")
    left = 1.0 - np.cumsum(costs[order]) / np.sum(costs)
    paths = int8_paths(network)
    best, lowest = rounded, found
    for share in TARGET_SHARES:
        # Keep the costliest ones in float16 until the remaining cost should be within the target.
        spared = order[: 1 + int(np.argmax(left <= share / found))]
        attempt = quantize(network, audio, advance, [paths[i] for i in spared])
        cost = _cost(wanted, _sound(capture, attempt, audio))
        if cost < lowest:
            best, lowest = attempt, cost
        if lowest <= 1.0:
            break
    return best


def _cost(wanted: Audio, got: Audio) -> float:
    """Return the error of a rounded network's output as a multiple of the maximum; mean of the pieces."""
    pieces = list(zip(np.array_split(wanted, PIECES), np.array_split(got, PIECES), strict=True))
    plain = np.mean([esr(*piece) for piece in pieces])
    emphasised = np.mean([pre_emphasised_esr(*piece) for piece in pieces])
    return float(max(plain / MAX_ESR, emphasised / MAX_PRE_EMPHASISED_ESR))


def _costs(capture: Capture, rounded: Network, audio: Audio) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the cost of rounding each convolution alone."""
    network = capture.tiers[0].network
    convs = convolutions(rounded)
    wanted = _sound(capture, network, audio)
    alone = (replace_convolutions(network, {path: convs[path]}) for path in int8_paths(network))
    return np.array([_cost(wanted, _sound(capture, one, audio)) for one in alone])


def _sound(capture: Capture, network: Network, audio: Audio) -> Audio:
    """Return a network's output, (frames,); the first channel if there are several.

    Uses fast activations: they take a tenth of the time and change both networks in the same way.
    """
    stored = replace(capture, tiers=(replace(capture.tiers[0], network=network),))
    return np.ascontiguousarray(play(stored, audio)[:, 0])


def _excerpts(audio: Audio) -> Audio:
    """Return about a second of the audio, from evenly spaced places."""
    if len(audio) <= PIECES * EXCERPT_FRAMES:
        return audio
    starts = np.linspace(0, len(audio) - EXCERPT_FRAMES, PIECES).astype(int)
    return np.concatenate([audio[start : start + EXCERPT_FRAMES] for start in starts])
