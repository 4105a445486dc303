"""What a microcontroller with controls and the pedal tell each other over a serial line: bytes from messages, and back.

A frame is nine bytes: 0x80 + the message's type, five bytes of content, three of checksum; all but the first below
0x80, as in MIDI. Contents are the message's fields in order, each cut into sevens of bits, the highest first, negative
numbers in two's complement; zeros fill up what is left. The checksum is CRC-16/IBM-3740 (polynomial 0x1021, beginning
with 0xFFFF, nothing reflected or inverted) of the first six bytes, in sevens, too. docs/serial-controls.md has it all.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from dataclasses import dataclass
from typing import Any, ClassVar

from nampedal.board.errors import SerialMessageError

VERSION = 1
FRAME_BYTES = 9
_CONTENT_BITS = 35
_CRC_START = 0xFFFF
_FRAME = re.compile(rb"[\x80-\xff][\x00-\x7f]{8}")
_BEGUN = re.compile(rb"[\x80-\xff][\x00-\x7f]{0,7}\Z")
_LOW = bytes(range(0x80))


@dataclass(frozen=True, slots=True)
class Hello:
    """The answer to Who; behind it comes where every switch and every knob stands. version: of the protocol."""

    version: int
    switches: int
    knobs: int
    encoders: int
    lights: int


@dataclass(frozen=True, slots=True)
class SwitchEdge:
    """A footswitch went down or up, so long before the frame was sent; no longer ago than MOST_AGE_US is said."""

    MOST_AGE_US: ClassVar[int] = (1 << 21) - 1

    number: int
    down: bool
    age_us: int


@dataclass(frozen=True, slots=True)
class KnobPosition:
    """Where a knob stands: 0 to MOST."""

    MOST: ClassVar[int] = 65535

    number: int
    position: int


@dataclass(frozen=True, slots=True)
class EncoderClicks:
    """How far an encoder was turned, clockwise if positive."""

    number: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Started:
    """The microcontroller was switched on, and nobody has asked Who since; its lights are dark."""


@dataclass(frozen=True, slots=True)
class Who:
    """From the pedal: asks for Hello, and for where everything stands."""


@dataclass(frozen=True, slots=True)
class LightLevel:
    """From the pedal: how a light is to shine. All 0 to MOST."""

    MOST: ClassVar[int] = 127

    number: int
    level: int
    red: int
    green: int
    blue: int


Message = Hello | SwitchEdge | KnobPosition | EncoderClicks | Started | Who | LightLevel


@dataclass(frozen=True, slots=True)
class _Field:
    """low, high: what it may be, ends included.  sevens: how many bytes it takes."""

    name: str
    low: int = 0
    high: int = 127
    sevens: int = 1
    kind: type[int] = int


class _Layout:
    """Of a message's content, as one number of 35 bits, the first byte highest."""

    def __init__(self, kind: type[Message], *fields: _Field) -> None:
        self.kind = kind
        self._fields: list[tuple[_Field, int, int]] = []
        shift = _CONTENT_BITS
        for field in fields:
            shift -= 7 * field.sevens
            self._fields.append((field, shift, (1 << 7 * field.sevens) - 1))
        self._left = (1 << shift) - 1

    def pack(self, message: Message) -> int:
        """Raises SerialMessageError."""
        return sum((_checked(message, field) & mask) << shift for field, shift, mask in self._fields)

    def unpack(self, content: int) -> Message | None:
        """None: it means nothing."""
        values: list[Any] = []
        for field, shift, mask in self._fields:
            value = content >> shift & mask
            if value > field.high and field.low < 0:
                value -= mask + 1
            if not field.low <= value <= field.high:
                return None
            values.append(field.kind(value))
        if content & self._left:
            return None
        return self.kind(*values)


_NUMBER = _Field("number")
_LAYOUTS = {
    0x81: _Layout(Hello, *map(_Field, ("version", "switches", "knobs", "encoders", "lights"))),
    0x82: _Layout(
        SwitchEdge, _NUMBER, _Field("down", high=1, kind=bool), _Field("age_us", high=SwitchEdge.MOST_AGE_US, sevens=3)
    ),
    0x83: _Layout(KnobPosition, _NUMBER, _Field("position", high=KnobPosition.MOST, sevens=3)),
    0x84: _Layout(EncoderClicks, _NUMBER, _Field("clicks", -8192, 8191, sevens=2)),
    0x85: _Layout(Started),
    0x91: _Layout(Who),
    0x92: _Layout(LightLevel, _NUMBER, *map(_Field, ("level", "red", "green", "blue"))),
}
_CODES = {layout.kind: code for code, layout in _LAYOUTS.items()}


def encode(message: Message) -> bytes:
    """A frame. Raises SerialMessageError where a field is beyond what it may be."""
    code = _CODES[type(message)]
    content = _LAYOUTS[code].pack(message)
    head = bytes([code, *(content >> shift & 0x7F for shift in (28, 21, 14, 7, 0))])
    crc = crc_hqx(head, _CRC_START)
    return head + bytes([crc >> 14, crc >> 7 & 0x7F, crc & 0x7F])


class Decoder:
    """Bytes in, as they come; messages out. Keeps no more than what has come of one frame.

    good: frames that said something.  bad: frames that began, and broke off, or came damaged, or said nothing that is
    known; in what is no frame at all, every byte from 0x80 on begins one.
    """

    def __init__(self) -> None:
        self.good = 0
        self.bad = 0
        self._begun = b""

    def feed(self, data: bytes) -> list[Message]:
        # One whole frame, as almost all come: several times as fast as looking for it.
        if len(data) == FRAME_BYTES and not self._begun and data[1:].isascii():
            message = _decode(data)
            if message is not None:
                self.good += 1
                return [message]
        data = self._begun + data
        found = [_decode(frame) for frame in _FRAME.findall(data)]
        messages = [message for message in found if message is not None]
        begun = _BEGUN.search(data, max(0, len(data) - FRAME_BYTES + 1))
        self._begun = begun[0] if begun else b""
        self.good += len(messages)
        self.bad += len(data.translate(None, _LOW)) - len(messages) - bool(begun)
        return messages


def _decode(frame: bytes) -> Message | None:
    """None: damaged, or nothing that is known."""
    code, a, b, c, d, e, x, y, z = frame
    if code not in _LAYOUTS or crc_hqx(frame[:6], _CRC_START) != x << 14 | y << 7 | z:
        return None
    return _LAYOUTS[code].unpack(a << 28 | b << 21 | c << 14 | d << 7 | e)


def _checked(message: Message, field: _Field) -> int:
    value: int = getattr(message, field.name)
    if not field.low <= value <= field.high:
        raise SerialMessageError(
            f"serial message: {message}: {field.name} is {value}; {field.low} to {field.high} is needed"
        )
    return value
