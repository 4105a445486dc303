from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.converter.slim.fusable import Part, shape_of
from nampedal.converter.slim.prune import prune
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Conv, WaveNet


def esr(capture: Capture, network: WaveNet, audio: Audio) -> float:
    smaller = replace(capture, tiers=(replace(capture.tiers[0], network=network),))
    wanted, got = (play(one, audio)[:, 0].astype(np.float64) for one in (capture, smaller))
    return float(np.sum((got - wanted) ** 2) / np.sum(wanted**2))


@pytest.mark.long
def test_nothing_is_lost_where_nothing_is_taken_away(demo: Capture, plucked: TrainingAudio) -> None:
    network = demo.tiers[0].network
    assert isinstance(network, WaveNet)
    assert esr(demo, prune(network, shape_of(network), plucked.audio), plucked.validation) < 1e-3


@pytest.mark.long
def test_the_more_is_taken_away_the_more_is_lost(demo: Capture, plucked: TrainingAudio) -> None:
    network = demo.tiers[0].network
    assert isinstance(network, WaveNet)
    lost = [
        esr(demo, prune(network, (Part(0, 0, 9, a), Part(1, 0, 9, b)), plucked.audio), plucked.validation)
        for a, b in ((14, 7), (8, 4), (3, 2))
    ]
    assert lost == sorted(lost)
    assert lost[0] < 0.1
    assert lost[2] < 1.0


def test_channels_that_say_nothing_are_the_ones_that_go(
    small: Capture, network: WaveNet, plucked: TrainingAudio
) -> None:
    # Two inner channels that nobody hears: the six others are enough.
    arrays = list(network.arrays)
    layers = []
    for layer in arrays[0].layers:
        assert layer.layer1x1 is not None
        weight = np.array(layer.layer1x1.weight)
        weight[:, [2, 5]] = 0.0
        layers.append(replace(layer, layer1x1=replace(layer.layer1x1, weight=weight)))
    head = np.array(arrays[0].head.weight)
    head[:, [2, 5]] = 0.0
    rechannel = np.array(arrays[0].rechannel.weight)
    arrays[0] = replace(arrays[0], layers=tuple(layers), head=replace(arrays[0].head, weight=head))
    # And a stream of rank six: its last two channels stay what they were at the start, nothing.
    rechannel[6:] = 0.0
    arrays[0] = replace(arrays[0], rechannel=replace(arrays[0].rechannel, weight=rechannel))
    arrays[0] = replace(arrays[0], layers=tuple(replace(y, layer1x1=_still(y.layer1x1)) for y in arrays[0].layers))
    idle = replace(network, arrays=tuple(arrays))
    capture = replace(small, tiers=(replace(small.tiers[0], network=idle),))
    narrow = prune(idle, (Part(0, 0, 5, 6), Part(1, 0, 5, 4)), plucked.audio)
    assert narrow.arrays[0].rechannel.out_channels == 6
    assert esr(capture, narrow, plucked.validation) < 1e-3


def _still(conv: Conv | None) -> Conv:
    assert conv is not None
    assert conv.bias is not None
    weight, bias = np.array(conv.weight), np.array(conv.bias)
    weight[6:] = 0.0
    bias[6:] = 0.0
    return replace(conv, weight=weight, bias=bias)


@pytest.mark.parametrize("channels", [2, 5])
def test_a_divided_array_may_have_two_widths(demo: Capture, plucked: TrainingAudio, channels: int) -> None:
    network = demo.tiers[0].network
    assert isinstance(network, WaveNet)
    smaller = prune(network, (Part(0, 0, 2, channels), Part(0, 3, 9, 8), Part(1, 0, 9, 4)), plucked.audio)
    assert [array.rechannel.out_channels for array in smaller.arrays] == [channels, 8, 4]
    assert esr(demo, smaller, plucked.validation) < 1.0
