"""Frames over a bad line: what is sent is heard, and nothing else ever is."""

from __future__ import annotations

import re
from binascii import crc_hqx
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.drivers.serial_protocol import (
    FRAME_BYTES,
    Decoder,
    EncoderClicks,
    Hello,
    KnobPosition,
    LightLevel,
    Message,
    Started,
    SwitchEdge,
    Who,
    encode,
)
from nampedal.board.errors import ControlsError

sevens = st.integers(0, 127)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, sevens, sevens, sevens, sevens, sevens),
    st.builds(SwitchEdge, sevens, st.booleans(), st.integers(0, SwitchEdge.MAX_AGE_US)),
    st.builds(KnobPosition, sevens, st.integers(0, KnobPosition.MAX)),
    st.builds(EncoderClicks, sevens, st.integers(-8192, 8191)),
    st.just(Started()),
    st.just(Who()),
    st.builds(LightLevel, sevens, sevens, sevens, sevens, sevens),
)
# Of every type, with many and with few bits set.
SAMPLES = (
    Hello(1, 4, 4, 1, 4),
    SwitchEdge(0, True, 250),
    SwitchEdge(127, False, SwitchEdge.MAX_AGE_US),
    KnobPosition(2, 40000),
    KnobPosition(127, KnobPosition.MAX),
    EncoderClicks(0, -3),
    EncoderClicks(5, 8191),
    Started(),
    Who(),
    LightLevel(1, 127, 127, 64, 0),
)
BEFORE, AFTER = KnobPosition(0, 1), SwitchEdge(3, True, 7)


@given(st.lists(messages), st.lists(st.integers(1, 30)))
def test_what_is_sent_is_heard_however_the_bytes_are_cut(sent: list[Message], cuts: list[int]) -> None:
    data = b"".join(map(encode, sent))
    decoder = Decoder()
    heard: list[Message] = []
    for cut in cuts:
        heard += decoder.feed(data[:cut])
        data = data[cut:]
    heard += decoder.feed(data)
    assert heard == sent
    assert (decoder.good, decoder.bad) == (len(sent), 0)


@given(messages)
def test_a_frame_is_nine_bytes_and_only_its_first_has_the_highest_bit(message: Message) -> None:
    frame = encode(message)
    assert len(frame) == FRAME_BYTES == 9
    assert [byte >= 0x80 for byte in frame] == [True] + 8 * [False]


@given(st.binary(max_size=200), messages, st.binary(max_size=20))
def test_a_frame_that_arrives_whole_is_heard_whatever_comes_around_it(
    before: bytes, message: Message, after: bytes
) -> None:
    decoder = Decoder()
    assert message in decoder.feed(before + encode(message) + after)


@given(messages, st.binary(max_size=50))
def test_whatever_is_heard_was_sent_as_exactly_these_bytes(message: Message, noise: bytes) -> None:
    data = noise + encode(message)
    for heard in Decoder().feed(data):
        assert encode(heard) in data


@pytest.mark.parametrize("message", SAMPLES, ids=str)
def test_a_flipped_bit_loses_that_frame_and_no_other(message: Message) -> None:
    frame = encode(message)
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        decoder = Decoder()
        assert decoder.feed(encode(BEFORE) + flipped + encode(AFTER)) == [BEFORE, AFTER], bit
        assert decoder.good == 2
        # Without its first byte's highest bit a frame never began; with that bit in another byte two did.
        assert decoder.bad == (0 if bit == 7 else 2 if bit % 8 == 7 else 1), bit


@given(messages, st.integers(0, 8 * FRAME_BYTES - 1))
def test_no_flipped_bit_makes_another_message(message: Message, bit: int) -> None:
    flipped = bytearray(encode(message))
    flipped[bit // 8] ^= 1 << bit % 8
    assert Decoder().feed(bytes(flipped)) == []


@pytest.mark.parametrize("message", SAMPLES, ids=str)
def test_half_a_frame_loses_no_other(message: Message) -> None:
    frame = encode(message)
    for start in range(len(frame)):
        for end in range(start, len(frame) + 1):
            part = frame[start:end]
            decoder = Decoder()
            heard = decoder.feed(encode(BEFORE) + part + encode(AFTER))
            assert heard == ([BEFORE, message, AFTER] if part == frame else [BEFORE, AFTER])


def noisy(frames: list[bytes], size: int, rng: np.random.Generator) -> bytes:
    """Frames with garbage between them, so many bytes of that in all."""
    sizes = np.diff(np.sort(rng.integers(0, size, len(frames) - 1)), prepend=0, append=size)
    return b"".join(rng.integers(0, 256, n, np.uint8).tobytes() + frame for n, frame in zip(sizes, frames, strict=True))


def test_in_a_megabyte_of_garbage_every_whole_frame_is_heard_and_nothing_else() -> None:
    rng = np.random.default_rng(7)
    sent = [KnobPosition(int(rng.integers(128)), int(rng.integers(65536))) for _ in range(2000)]
    data = noisy([encode(message) for message in sent], 1 << 20, rng)
    decoder = Decoder()
    heard: list[Message] = []
    while data:
        size = int(rng.integers(1, 5000))
        heard += decoder.feed(data[:size])
        data = data[size:]
        assert len(decoder._begun) < FRAME_BYTES
    assert heard == sent
    assert decoder.good == len(sent)
    assert decoder.bad > 400_000


def test_frames_that_say_nothing_known_are_bad() -> None:
    decoder = Decoder()
    for head in (
        b"\x86\0\0\0\0\0",  # no such type
        b"\x82\0\x02\0\0\0",  # neither down nor up
        b"\x83\0\x04\0\0\0",  # a position of 65536
        b"\x85\0\0\0\0\x01",  # more than there is to say
    ):
        crc = crc_hqx(head, 0xFFFF)
        assert decoder.feed(head + bytes([crc >> 14, crc >> 7 & 0x7F, crc & 0x7F])) == []
    assert (decoder.good, decoder.bad) == (0, 4)


def test_a_frame_that_is_under_way_is_not_bad_yet() -> None:
    decoder = Decoder()
    decoder.feed(encode(BEFORE)[:5])
    assert (decoder.good, decoder.bad) == (0, 0)
    assert decoder.feed(encode(BEFORE)[5:]) == [BEFORE]
    assert (decoder.good, decoder.bad) == (1, 0)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (KnobPosition(0, 65536), "position is 65536; 0 to 65535 is needed"),
        (SwitchEdge(128, True, 0), "number is 128; 0 to 127 is needed"),
        (SwitchEdge(0, True, -1), "age_us is -1; 0 to 2097151 is needed"),
        (EncoderClicks(0, -8193), "clicks is -8193; -8192 to 8191 is needed"),
        (LightLevel(0, 0, 0, 128, 0), "green is 128; 0 to 127 is needed"),
    ],
)
def test_what_can_not_be_sent_is_said(message: Message, text: str) -> None:
    with pytest.raises(ControlsError, match=re.escape(f"serial message: {message}: {text}")):
        encode(message)


def test_the_checksum_is_crc_16_ibm_3740() -> None:
    assert crc_hqx(b"123456789", 0xFFFF) == 0x29B1


def test_the_frames_in_the_docs_are_these(root: Path) -> None:
    text = (root / "docs" / "reference" / "serial-controls.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `((?:[0-9a-f]{2} ){8}[0-9a-f]{2})` \| `(.+?)` \|", text, re.MULTILINE)
    assert {kind.split("(")[0] for _, kind in shown} == {type(message).__name__ for message in SAMPLES}
    for frame, message in shown:
        (heard,) = Decoder().feed(bytes.fromhex(frame))
        assert str(heard) == message
