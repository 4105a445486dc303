"""Rounding that stays inaudible: where int8 would cost too much, the layers that cost most become float16 instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from nampedal.converter.metrics import esr
from nampedal.converter.play import play
from nampedal.converter.quantize import int8_convs, quantize, replace_convs
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Audio
from nampedal.firmware.network import Network, convolutions

# What rounding may cost on the audio that it was calibrated with. Other playing may cost two or three times as much.
MOST_ESR = 3e-5
MOST_ROUNDS = 4
# Frames to rank convolutions with.
RANKING = 96_000


def round_inaudibly(
    capture: Capture, audio: Audio, advance: Callable[[int, int], None] = lambda done, total: None
) -> Network:
    """The full tier's network with int8 weights, but for as many convolutions as have to be spared for MOST_ESR.

    audio: (frames,) to calibrate with. advance(done, total) is told the convolutions, again for each further round.
    """
    network = capture.tiers[0].network
    wanted = play(capture, audio, exact=True)
    rounded = quantize(network, audio, advance)
    found = esr(wanted, play(_with(capture, rounded), audio, exact=True))
    if found <= MOST_ESR or not np.isfinite(found):
        return rounded
    costs = _costs(capture, rounded, audio[:RANKING])
    order = np.argsort(-costs, kind="stable")
    goal = MOST_ESR
    for _ in range(MOST_ROUNDS):
        # Costs add up, roughly: spare from the top until what is left should be within the goal.
        left = 1.0 - np.cumsum(costs[order]) / np.sum(costs)
        spared = order[: 1 + int(np.argmax(left <= goal / found))]
        better = quantize(network, audio, advance, [int8_convs(network)[i] for i in spared])
        if esr(wanted, play(_with(capture, better), audio, exact=True)) <= MOST_ESR:
            return better
        goal /= 2.0
    return better


def _costs(capture: Capture, rounded: Network, audio: Audio) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What each convolution's rounding costs by itself, as ESR."""
    network = capture.tiers[0].network
    became = {id(a): b for a, b in zip(convolutions(network), convolutions(rounded), strict=True)}
    wanted = play(capture, audio, exact=True)
    alone = (replace_convs(network, {id(conv): became[id(conv)]}) for conv in int8_convs(network))
    return np.array([esr(wanted, play(_with(capture, one), audio, exact=True)) for one in alone])


def _with(capture: Capture, network: Network) -> Capture:
    return replace(capture, tiers=(replace(capture.tiers[0], network=network),))
