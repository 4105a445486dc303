"""What a reader of JACK's output buffers sees while a block is played: JACK2 lets it read them before the end."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio

RATE = 48_000.0
FRAMES = 8192
BLOCKS = 40
PORT_GET_BUFFER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
PROCESS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)


def loud_chain(channels: int) -> _engine.Chain:
    """1,000 times too loud, until the ceiling; a cabinet between the two takes its time."""
    chain = _engine.Chain(RATE, FRAMES, "", channels)
    chain.add_gain(1000.0)
    taps = np.zeros(8192, np.float32)
    taps[0] = 1.0
    chain.add_cabinet(taps)
    chain.add_ceiling()
    chain.reset()
    return chain


@pytest.mark.parametrize("channels", [1, 2])
def test_nobody_sees_a_block_that_is_not_finished(channels: int) -> None:
    stage = _engine.Stage(RATE, FRAMES, channels)
    stage.go_to(loud_chain(channels), False, 0.001)
    rng = np.random.default_rng(0)
    heard = [np.asarray(rng.normal(0.0, 0.2, FRAMES), np.float32) for _ in range(channels)]
    given = [np.zeros(FRAMES, np.float32) for _ in range(2)]
    # A port is the address of its buffer.
    get_buffer = PORT_GET_BUFFER(lambda port, frames: port)
    address = ctypes.cast(get_buffer, ctypes.c_void_p).value
    assert address is not None
    callback = _engine.JackCallback(
        stage, address, [one.ctypes.data for one in heard], [one.ctypes.data for one in given]
    )
    function, argument = callback.addresses
    process = PROCESS(function)
    # The stage fades in over the first one.
    process(FRAMES, argument)

    def play() -> None:
        for _ in range(BLOCKS):
            process(FRAMES, argument)

    thread = threading.Thread(target=play)
    thread.start()
    seen: list[float] = []
    while thread.is_alive():
        seen += [float(np.max(np.abs(one.copy()))) for one in given]
    thread.join()
    assert max(seen) <= 1.0
    # It did play, and both outputs got it.
    assert min(float(np.max(np.abs(one))) for one in given) == 1.0
    assert channels == 2 or np.array_equal(given[0], given[1])


def test_periods_longer_than_the_stage_was_made_for_are_played_in_pieces() -> None:
    stage, long = _engine.Stage(RATE, 64), 200
    chain = _engine.Chain(RATE, 64, "")
    chain.add_gain(0.5)
    chain.reset()
    stage.go_to(chain, False, 0.0)
    audio: Audio = np.asarray(np.random.default_rng(1).normal(0.0, 0.2, long), np.float32)
    given = [np.zeros(long, np.float32) for _ in range(2)]
    get_buffer = PORT_GET_BUFFER(lambda port, frames: port)
    address = ctypes.cast(get_buffer, ctypes.c_void_p).value
    assert address is not None
    callback = _engine.JackCallback(stage, address, [audio.ctypes.data], [one.ctypes.data for one in given])
    function, argument = callback.addresses
    for _ in range(3):
        PROCESS(function)(long, argument)
    assert np.array_equal(given[0], np.float32(0.5) * audio)
    assert np.array_equal(given[1], given[0])
