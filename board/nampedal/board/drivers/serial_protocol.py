"""Encodes and decodes the messages between the pedal and a microcontroller with controls on a serial line.

A frame is nine bytes: 0x80 + the message's type, five bytes of content, three bytes of checksum. All bytes except the
first are below 0x80, as in MIDI. The content is the message's fields in order. Each field is split into groups of
7 bits, highest bits first, and negative numbers are in two's complement. Unused bytes are zero. The checksum is
CRC-16/IBM-3740 (polynomial 0x1021, initial value 0xFFFF, not reflected, not inverted) of the first six bytes, also in
groups of 7 bits. docs/reference/serial-controls.md has the full specification.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from dataclasses import dataclass
from typing import Any, ClassVar

from nampedal.board.errors import ControlsError

VERSION = 1
FRAME_BYTES = 9
_CONTENT_BITS = 35
_CRC_START = 0xFFFF
_FRAME = re.compile(rb"[\x80-\xff][\x00-\x7f]{8}")
_BEGUN = re.compile(rb"[\x80-\xff][\x00-\x7f]{0,7}\Z")
_LOW = bytes(range(0x80))


@dataclass(frozen=True, slots=True)
class Hello:
    """The answer to Who. The states of all switches and knobs follow it.

    version: of the protocol.  switches, knobs, encoders, lights: how many the microcontroller has.
    """

    version: int
    switches: int
    knobs: int
    encoders: int
    lights: int


@dataclass(frozen=True, slots=True)
class SwitchEdge:
    """A footswitch was pressed or released.

    age_us: time in microseconds from the edge to the sending of the frame, at most MAX_AGE_US.
    """

    MAX_AGE_US: ClassVar[int] = (1 << 21) - 1

    number: int
    down: bool
    age_us: int


@dataclass(frozen=True, slots=True)
class KnobPosition:
    """The position of a knob: 0 to MAX."""

    MAX: ClassVar[int] = 65535

    number: int
    position: int


@dataclass(frozen=True, slots=True)
class EncoderClicks:
    """An encoder was turned by some clicks; clockwise is positive."""

    number: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Started:
    """The microcontroller has started and has not received Who since; its lights are off."""


@dataclass(frozen=True, slots=True)
class Who:
    """A request from the pedal for Hello and the states of all controls."""


@dataclass(frozen=True, slots=True)
class LightLevel:
    """A command from the pedal to set a light. level, red, green, blue: 0 to MAX."""

    MAX: ClassVar[int] = 127

    number: int
    level: int
    red: int
    green: int
    blue: int


Message = Hello | SwitchEdge | KnobPosition | EncoderClicks | Started | Who | LightLevel


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message. low, high: allowed range, both ends included.  sevens: its size in bytes of 7 bits."""

    name: str
    low: int = 0
    high: int = 127
    sevens: int = 1
    kind: type[int] = int


class _Layout:
    """The layout of a message's content as one number of 35 bits; the first byte has the highest bits."""

    def __init__(self, kind: type[Message], *fields: _Field) -> None:
        self.kind = kind
        self._fields: list[tuple[_Field, int, int]] = []
        shift = _CONTENT_BITS
        for field in fields:
            shift -= 7 * field.sevens
            self._fields.append((field, shift, (1 << 7 * field.sevens) - 1))
        self._left = (1 << shift) - 1

    def pack(self, message: Message) -> int:
        """Convert a message to a content number. Raises ControlsError if a field is out of range."""
        return sum((_checked(message, field) & mask) << shift for field, shift, mask in self._fields)

    def unpack(self, content: int) -> Message | None:
        """Convert a content number to a message; None if it is not valid."""
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
        SwitchEdge, _NUMBER, _Field("down", high=1, kind=bool), _Field("age_us", high=SwitchEdge.MAX_AGE_US, sevens=3)
    ),
    0x83: _Layout(KnobPosition, _NUMBER, _Field("position", high=KnobPosition.MAX, sevens=3)),
    0x84: _Layout(EncoderClicks, _NUMBER, _Field("clicks", -8192, 8191, sevens=2)),
    0x85: _Layout(Started),
    0x91: _Layout(Who),
    0x92: _Layout(LightLevel, _NUMBER, *map(_Field, ("level", "red", "green", "blue"))),
}
_CODES = {layout.kind: code for code, layout in _LAYOUTS.items()}


def encode(message: Message) -> bytes:
    """Encode a message as a frame. Raises ControlsError if a field is out of range."""
    code = _CODES[type(message)]
    content = _LAYOUTS[code].pack(message)
    head = bytes([code, *(content >> shift & 0x7F for shift in (28, 21, 14, 7, 0))])
    crc = crc_hqx(head, _CRC_START)
    return head + bytes([crc >> 14, crc >> 7 & 0x7F, crc & 0x7F])


class Decoder:
    """Decodes a stream of bytes into messages. It buffers at most one incomplete frame.

    good: number of valid frames.  bad: number of frames that were incomplete, damaged or unknown. In bytes that are no
    frames at all, every byte of 0x80 or more counts as the start of a frame.
    """

    def __init__(self) -> None:
        self.good = 0
        self.bad = 0
        self._begun = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take received bytes. Return the messages that are complete now."""
        # Fast path for exactly one whole frame, which is the usual case.
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
    """Decode one frame; None if it is damaged or unknown."""
    code, a, b, c, d, e, x, y, z = frame
    if code not in _LAYOUTS or crc_hqx(frame[:6], _CRC_START) != x << 14 | y << 7 | z:
        return None
    return _LAYOUTS[code].unpack(a << 28 | b << 21 | c << 14 | d << 7 | e)


def _checked(message: Message, field: _Field) -> int:
    value: int = getattr(message, field.name)
    if not field.low <= value <= field.high:
        raise ControlsError(
            f"serial message: {message}: {field.name} is {value}; {field.low} to {field.high} is needed"
        )
    return value
