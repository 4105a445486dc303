from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.actions.midi import (
    MAX_VALUE,
    REARM_THRESHOLD,
    BankSelect,
    ControlChange,
    MidiDecoder,
    MidiEvent,
    NoteMessage,
    PressDetector,
    ProgramChange,
)


def heard(midi: MidiDecoder, *messages: str) -> list[MidiEvent]:
    """What messages mean, given as hexadecimal bytes."""
    found = [midi.decode(bytes.fromhex(message)) for message in messages]
    return [one for one in found if one is not None]


def banks(midi: MidiDecoder, *messages: str) -> list[tuple[int, ...]]:
    """Of each program change, the banks that it may mean."""
    programs = [one for one in heard(midi, *messages) if isinstance(one, ProgramChange)]
    return [one.bank.numbers if one.bank is not None else () for one in programs]


def test_programs_control_changes_and_notes_are_understood() -> None:
    midi = MidiDecoder()
    assert heard(midi, "c0 05", "bf 07 64") == [ProgramChange(1, 5, None), ControlChange(16, 7, 100)]
    # A note of velocity 0 is one that is let go.
    assert heard(midi, "91 3c 40", "91 3c 00", "81 3c 40") == [
        NoteMessage(2, 60, 64),
        NoteMessage(2, 60, 0),
        NoteMessage(2, 60, 0),
    ]


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        (["c0 00"], [()]),
        # Either half alone, and then programs without one.
        (["b0 00 01", "c0 00", "c0 01"], [(1,), (1,)]),
        (["b0 20 01", "c0 00", "c0 01"], [(1,), (1,)]),
        # Both halves are one number, whichever comes first.
        (["b0 00 01", "b0 20 03", "c0 00"], [(131,)]),
        (["b0 20 03", "b0 00 01", "c0 00"], [(131,)]),
        (["b0 00 00", "b0 20 03", "c0 00"], [(3,)]),
        # A controller that counts in the coarse half and sends 0 in the fine one.
        (["b0 00 02", "b0 20 00", "c0 00", "c0 01"], [(256, 2), (256, 2)]),
        (["b0 00 00", "b0 20 00", "c0 00"], [(0,)]),
        # The half that stays belongs to the number, unless there is no bank of that number.
        (["b0 00 01", "b0 20 03", "c0 00", "b0 20 04", "c0 00"], [(131,), (132, 4)]),
        (["b0 20 03", "c0 00", "b0 00 01", "c0 00"], [(3,), (131, 1)]),
        # Another channel's.
        (["b1 00 01", "c0 00", "c1 00"], [(), (1,)]),
    ],
)
def test_a_bank_is_selected_for_its_channel_by_either_half(messages: list[str], wanted: list[tuple[int, ...]]) -> None:
    assert banks(MidiDecoder(), *messages) == wanted


def test_a_bank_says_what_it_was_counted_from() -> None:
    assert str(BankSelect(1)) == "CC 0 = 1: bank 2"
    assert str(BankSelect(None, 5)) == "CC 32 = 5: bank 6"
    assert str(BankSelect(1, 0)) == "CC 0 = 1 and CC 32 = 0: bank 129 or 2"


def presses(*values: int, presses: PressDetector | None = None) -> list[int]:
    """Those of the values of one control change that are presses."""
    found = presses or PressDetector()
    return [value for value in values if found.feed(ControlChange(1, 64, value))]


def test_a_press_is_where_a_value_goes_up_through_the_middle() -> None:
    assert presses(*range(128)) == [64]
    assert presses(*range(128), *range(127, -1, -1), *range(128)) == [64, 64]
    assert presses(127, 0, 127, 0) == [127, 127]
    assert presses(0, 63, 64) == [64]
    # The first value of all counts.
    assert presses(64) == [64]
    assert presses(63) == []


def test_a_switch_that_sends_nothing_but_one_value_is_heard_each_time() -> None:
    assert presses(127, 127, 127) == [127, 127, 127]
    assert presses(0, 100, 100) == [100, 100]


def test_a_value_that_trembles_round_the_middle_is_one_press() -> None:
    assert presses(*[63, 64] * 50) == [64]
    assert presses(*[64, 64, 63, 64, 64] * 50)[:3] == [64, 64]
    assert len(presses(*[64, 64, 63, 64, 64] * 50)) == 2
    # It is armed again where a foot has clearly left.
    assert presses(64, 48, 64) == [64]
    assert presses(64, 47, 64) == [64, 64]


def test_each_control_change_of_each_channel_has_a_press_of_its_own() -> None:
    found = PressDetector()
    fed = [
        ControlChange(1, 64, 127),
        ControlChange(2, 64, 127),
        ControlChange(1, 65, 127),
        ControlChange(1, 64, 100),
        ControlChange(2, 64, 127),
    ]
    assert [found.feed(one) for one in fed] == [True, True, True, False, True]


@given(st.lists(st.integers(REARM_THRESHOLD, MAX_VALUE), min_size=1), st.integers(0, REARM_THRESHOLD - 1))
def test_between_two_presses_that_differ_lies_a_value_below_the_band(above: list[int], low: int) -> None:
    found = PressDetector()
    pressed = presses(*above, presses=found)
    assert len(set(pressed)) <= 1
    assert presses(low, MAX_VALUE, presses=found) == [MAX_VALUE]


@pytest.mark.parametrize("channel", [1, 7, 16])
def test_one_channel_alone_can_be_heard(channel: int) -> None:
    midi = MidiDecoder(channel)
    heard = [midi.decode(bytes([0xB0 | other, 20, 1])) for other in range(16)]
    assert [one is not None for one in heard] == [other + 1 == channel for other in range(16)]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc0",
        b"\xb0\x07",
        b"\xc0\x80",
        b"\xb0\x07\xff",
        b"\x90\x40",
        b"\xe0\x40\x7f",
        b"\xf8",
        b"\xf0\x01\x02\xf7",
    ],
)
def test_what_is_not_for_us_or_no_message_is_left_alone(message: bytes) -> None:
    assert MidiDecoder().decode(message) is None


def test_any_bytes_are_taken() -> None:
    rng = np.random.default_rng(0)
    midi = MidiDecoder()
    data = rng.bytes(1_000_000)
    at = heard = 0
    while at < len(data):
        length = int(rng.integers(0, 5))
        found = midi.decode(data[at : at + length])
        heard += found is not None
        if isinstance(found, ProgramChange):
            assert 0 <= found.number <= 127
            assert found.bank is None or all(0 <= number < 1 << 14 for number in found.bank.numbers)
        at += max(1, length)
    assert heard > 1000
