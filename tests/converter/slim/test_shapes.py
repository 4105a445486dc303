from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from nampedal.converter.slim.fusable import shape_of
from nampedal.converter.slim.shapes import shapes, untrained
from nampedal.firmware.engine.network import WaveNet, macs_per_frame, receptive_field


def test_every_shape_fits_and_no_part_of_it_could_be_wider(network: WaveNet) -> None:
    limit = 0.4 * macs_per_frame(network)
    found = shapes(network, lambda smaller: macs_per_frame(smaller) <= limit)
    assert len(found) >= 6
    own = {part.array: part.channels for part in shape_of(network)}
    for shape in found:
        assert macs_per_frame(untrained(network, shape)) <= limit
        for index, part in enumerate(shape):
            if part.channels < own[part.array]:
                wider = (*shape[:index], replace(part, channels=part.channels + 1), *shape[index + 1 :])
                assert macs_per_frame(untrained(network, wider)) > limit


def test_of_two_widths_in_one_array_the_wider_has_all_the_layers_that_fit(network: WaveNet) -> None:
    limit = 0.4 * macs_per_frame(network)
    divided = 0
    for shape in shapes(network, lambda smaller: macs_per_frame(smaller) <= limit):
        for index, (part, after) in enumerate(pairwise(shape)):
            if part.array != after.array:
                continue
            divided += 1
            assert part.channels != after.channels
            border = part.last + (1 if part.channels > after.channels else -1)
            moved = replace(part, last=border), replace(after, first=border + 1)
            if min(one.layers for one in moved) > 0:
                assert macs_per_frame(untrained(network, (*shape[:index], *moved, *shape[index + 2 :]))) > limit
    assert divided > 0


def test_the_shapes_differ(network: WaveNet) -> None:
    limit = 0.4 * macs_per_frame(network)
    found = shapes(network, lambda smaller: macs_per_frame(smaller) <= limit)
    assert len(set(found)) == len(found)
    assert {len(shape) for shape in found} == {2, 3}


def test_nothing_fits_where_even_two_channels_are_too_many(network: WaveNet) -> None:
    assert shapes(network, lambda smaller: False) == []


def test_all_of_it_fits_where_anything_does(network: WaveNet) -> None:
    assert shape_of(network) in shapes(network, lambda smaller: True)


def test_a_blank_looks_back_as_far_as_the_original(network: WaveNet) -> None:
    for shape in shapes(network, lambda smaller: macs_per_frame(smaller) < 0.5 * macs_per_frame(network)):
        assert receptive_field(untrained(network, shape)) == receptive_field(network)
