"""Slimming: which shape, how long, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
from nampedal.converter import metrics
from nampedal.converter.play import play
from nampedal.converter.slim.lessons import Lesson, Material, lesson
from nampedal.converter.slim.plain import Shape, is_plain, name_of
from nampedal.converter.slim.prune import prune
from nampedal.converter.slim.shapes import Fits, shapes
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Audio
from nampedal.firmware.network import WaveNet

# Seconds of material that pruning is fitted on, in so many excerpts.
FITTED_S = 2.0
EXCERPTS = 8
# Seconds that a step takes on two cores with AVX-512 (measured: 16 ms for an A1 at 8/8 channels, 24 ms for an A2 at 6).
STEP_S, LAYER_S, TAP_S, MAC_S = 0.0005, 0.00033, 0.00002, 2.1e-6

# What a shape takes to be pruned; of the minutes, all of them take no more than this part.
PRUNE_S, PRUNING = 1.5, 0.2

# done: a share of the whole.  text: what is being done, and the ESR so far.
Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Slimmed:
    """network: float32.  shape: its name.  esr: on the material kept back.  steps: 0: pruned, not trained."""

    network: WaveNet
    shape: str
    esr: float
    steps: int


def slim(
    capture: Capture,
    fits: Fits,
    material: Material,
    minutes: float,
    seed: int,
    device: str = "cpu",
    tell: Tell = lambda done, text: None,
) -> Slimmed | None:
    """The best of the full tier in a smaller shape; None where no shape fits or the network is not plain.

    minutes: on two cores like those that STEP_S was measured on; 0: no training.
    Ctrl-C ends the training, and what it has come to is returned.
    """
    network = capture.tiers[0].network
    if not is_plain(network):
        return None
    found = shapes(network, fits)
    if not found:
        return None
    exam = lesson(capture, material.kept_back)
    excerpt = _excerpt(material.audio, capture.sample_rate)
    pruned: list[Slimmed] = []
    for number, shape in enumerate(found):
        tell(0.0, f"trying shape {number + 1} of {len(found)}")
        pruned.append(_judged(capture, prune(network, shape, excerpt), shape, exam))
    pruned.sort(key=lambda one: one.esr)
    if minutes <= 0.0:
        return pruned[0]
    # PyTorch is loaded where it is needed.
    course = import_module("nampedal.converter.slim.course")
    answers = course.Course(lesson(capture, material.audio), exam, seed, device, tell)
    seconds = 60.0 * minutes - min(PRUNE_S * len(found), PRUNING * 60.0 * minutes)
    best: Slimmed = answers.best(pruned, seconds)
    return best


def step_seconds(network: WaveNet) -> float:
    """What a step of training takes on the machine that minutes are counted on."""
    layers = [layer for array in network.arrays for layer in array.layers]
    taps = sum(layer.conv.kernel_size for layer in layers)
    macs = sum(layer.conv.macs for layer in layers)
    return STEP_S + LAYER_S * len(layers) + TAP_S * taps + MAC_S * macs


def _excerpt(audio: Audio, sample_rate: float) -> Audio:
    length = min(len(audio), round(FITTED_S * sample_rate)) // EXCERPTS
    starts = np.linspace(0, len(audio) - length, EXCERPTS).astype(int)
    return np.concatenate([audio[start : start + length] for start in starts])


def _judged(capture: Capture, network: WaveNet, shape: Shape, exam: Lesson) -> Slimmed:
    answer = play(replace(capture, tiers=(replace(capture.tiers[0], network=network),)), exam.audio)[:, 0]
    return Slimmed(network, name_of(shape), metrics.esr(exam.answer, answer), 0)
