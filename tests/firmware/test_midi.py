from __future__ import annotations

import numpy as np
import pytest
from nampedal.firmware.midi import Control, Midi, Program


def test_program_and_control_changes_are_understood() -> None:
    midi = Midi()
    assert midi.hear(bytes([0xC0, 5])) == Program(1, 5, None)
    assert midi.hear(bytes([0xBF, 7, 100])) == Control(16, 7, 100)


def test_a_bank_is_selected_for_its_channel_by_either_half() -> None:
    midi = Midi()
    assert midi.hear(bytes([0xB2, 0, 1])) is None
    assert midi.hear(bytes([0xC2, 9])) == Program(3, 9, 128)
    assert midi.hear(bytes([0xB2, 32, 3])) is None
    assert midi.hear(bytes([0xC2, 9])) == Program(3, 9, 131)
    assert midi.hear(bytes([0xC0, 9])) == Program(1, 9, None)


@pytest.mark.parametrize("channel", [1, 7, 16])
def test_one_channel_alone_can_be_heard(channel: int) -> None:
    midi = Midi(channel)
    heard = [midi.hear(bytes([0xB0 | other, 20, 1])) for other in range(16)]
    assert [one is not None for one in heard] == [other + 1 == channel for other in range(16)]


@pytest.mark.parametrize(
    "message", [b"", b"\xc0", b"\xb0\x07", b"\xc0\x80", b"\xb0\x07\xff", b"\x90\x40\x7f", b"\xf8", b"\xf0\x01\x02\xf7"]
)
def test_what_is_not_for_us_or_no_message_is_left_alone(message: bytes) -> None:
    assert Midi().hear(message) is None


def test_any_bytes_are_taken() -> None:
    rng = np.random.default_rng(0)
    midi = Midi()
    data = rng.bytes(1_000_000)
    at = heard = 0
    while at < len(data):
        length = int(rng.integers(0, 5))
        found = midi.hear(data[at : at + length])
        heard += found is not None
        if isinstance(found, Program):
            assert 0 <= found.number <= 127
            assert found.bank is None or 0 <= found.bank < 1 << 14
        at += max(1, length)
    assert heard > 1000
