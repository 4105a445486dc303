from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.converter.tflite.tflite_graph import SignalRange, TfliteGraph
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.firmware.engine.network import Conv

values = st.floats(-1e6, 1e6, width=32)


@given(values, values)
def test_a_grid_reaches_the_ends_of_its_range_and_has_zero(low: float, high: float) -> None:
    known = SignalRange(min(low, high), max(low, high))
    grid = known.grid
    assert -128 <= grid.zero_point <= 127
    ends = [grid.scale * (end - grid.zero_point) for end in (-128, 127)]
    assert ends[0] <= min(known.low, 0.0) + 0.51 * grid.scale
    assert ends[1] >= max(known.high, 0.0) - 0.51 * grid.scale


def test_a_signal_that_never_moves_has_a_grid() -> None:
    assert SignalRange(0.0, 0.0).grid.scale == 1.0


@pytest.mark.parametrize("name", ["a", "abcdefgh", "abcdefghijklm"])
def test_constants_lie_where_any_processor_can_load_them(name: str) -> None:
    weight = np.arange(8, dtype=np.float32).reshape(8, 1, 1)
    graph = TfliteGraph({}, {})
    graph.output("output", graph.conv(name, graph.input("audio", (1, 1, 4, 1), any_frames=True), Conv(weight)))
    data = graph.pack({"odd": b"x" * len(name)})
    assert data.count(weight.tobytes()) == 1
    assert data.index(weight.tobytes()) % 16 == 0


def test_equal_constants_are_stored_once() -> None:
    graph = TfliteGraph({}, {})
    x = graph.input("audio", (1, 1, 4, 1), any_frames=True)
    for i in range(9):
        x = graph.conv(str(i), x, Conv(np.full((1, 1, 1), 1.25, np.float32)))
    graph.output("output", x)
    data = graph.pack({})
    assert data.count(np.float32(1.25).tobytes()) == 1
    assert TflitePlayer(data).play(np.ones(4, np.float32)) == pytest.approx(np.full(4, 1.25**9))


def test_a_state_begins_idle_and_goes_on_from_block_to_block() -> None:
    graph = TfliteGraph({}, {"past": np.array([7.0], np.float32)})
    x = graph.input("audio", (1, 1, 4, 1), any_frames=True)
    joined = graph.concat("joined", [graph.state("past", (1, 1, 2, 1), None), x], 2)
    graph.keep("past", graph.tail("tail", joined, 2))
    two_frames_ago = Conv(np.array([[[1.0, 0.0, 0.0]]], np.float32))
    graph.output("output", graph.conv("delayed", joined, two_frames_ago))
    player = TflitePlayer(graph.pack({}))
    assert player.play(np.array([1, 2, 3, 4], np.float32)).tolist() == [7, 7, 1, 2]
    assert player.play(np.array([5, 6, 7, 8], np.float32)).tolist() == [3, 4, 5, 6]
    player.reset()
    assert player.play(np.zeros(4, np.float32)).tolist() == [7, 7, 0, 0]
