from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.fusable import Part, is_plain, shape_name, shape_of, split_arrays
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import Network, WaveNet
from support.makers import nam_maker


def of(capture: Capture, network: Network) -> Capture:
    return replace(capture, tiers=(replace(capture.tiers[0], network=network),))


def test_a_shape_is_named_by_channels_and_layers(network: WaveNet) -> None:
    assert shape_name(shape_of(network)) == "8x6/4x6"
    assert shape_name((Part(0, 0, 1, 3), Part(0, 2, 5, 6), Part(1, 0, 5, 4))) == "3x2/6x4/4x6"


def test_a_divided_network_sounds_the_same(small: Capture, network: WaveNet) -> None:
    parts = split_arrays(network, (Part(0, 0, 1, 8), Part(0, 2, 5, 8), Part(1, 0, 3, 4), Part(1, 4, 5, 4)))
    assert len(parts.arrays) == 4
    audio = np.random.default_rng(1).normal(0.0, 0.3, 2000).astype(np.float32)
    whole = play(small, audio, exact=True)
    np.testing.assert_allclose(play(of(small, parts), audio, exact=True), whole, atol=1e-5 * np.max(np.abs(whole)))


@pytest.mark.parametrize(
    ("changed", "plain"),
    [
        ({}, True),
        ({"activation": "ReLU"}, True),
        ({"gated": True}, True),
        ({"condition_size": 1, "layer1x1": {"active": False, "groups": 1}}, False),
        ({"head1x1": {"active": True, "out_channels": 4, "groups": 1}}, False),
        ({"groups_input": 2}, False),
        ({"bottleneck": 2}, False),
    ],
)
def test_only_layers_that_differ_in_numbers_are_plain(tmp_path: Path, changed: dict[str, object], plain: bool) -> None:
    nam = nam_maker.wavenet([{**nam_maker.ARRAY, **changed}])
    capture = nam_file.read(nam_maker.write(tmp_path / "one.nam", nam))
    assert is_plain(capture.tiers[0].network) is plain


def test_a_network_that_is_no_wavenet_is_not_plain(tmp_path: Path) -> None:
    for nam in (nam_maker.lstm(), nam_maker.linear(), nam_maker.convnet()):
        capture = nam_file.read(nam_maker.write(tmp_path / "one.nam", nam))
        assert not is_plain(capture.tiers[0].network)
