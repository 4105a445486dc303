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
_CONTENT_BYTES = 5
_FIRST = 0x80
_FRAME = re.compile(rb"[\x80-\xff][\x00-\x7f]{8}")
_BEGUN = re.compile(rb"[\x80-\xff][\x00-\x7f]{0,7}\Z")
_LOW = bytes(range(_FIRST))


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


_NUMBER = _Field("number")
_TYPES: dict[int, tuple[type[Message], tuple[_Field, ...]]] = {
    0x01: (Hello, tuple(map(_Field, ("version", "switches", "knobs", "encoders", "lights")))),
    0x02: (SwitchEdge, (_NUMBER, _Field("down", high=1), _Field("age_us", high=SwitchEdge.MOST_AGE_US, sevens=3))),
    0x03: (KnobPosition, (_NUMBER, _Field("position", high=KnobPosition.MOST, sevens=3))),
    0x04: (EncoderClicks, (_NUMBER, _Field("clicks", -8192, 8191, sevens=2))),
    0x05: (Started, ()),
    0x11: (Who, ()),
    0x12: (LightLevel, (_NUMBER, *map(_Field, ("level", "red", "green", "blue")))),
}
_CODES = {kind: code for code, (kind, _) in _TYPES.items()}


def encode(message: Message) -> bytes:
    """A frame. Raises SerialMessageError where a field is beyond what it may be."""
    code = _CODES[type(message)]
    content = b"".join(_cut(_value(message, field), field.sevens) for field in _TYPES[code][1])
    head = bytes([_FIRST | code]) + content.ljust(_CONTENT_BYTES, b"\0")
    return head + _checksum(head)


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
    head = frame[: 1 + _CONTENT_BYTES]
    if frame[len(head) :] != _checksum(head) or head[0] - _FIRST not in _TYPES:
        return None
    kind, fields = _TYPES[head[0] - _FIRST]
    values: dict[str, Any] = {}
    at = 1
    for field in fields:
        value = _joined(head[at : at + field.sevens])
        if value > field.high and field.low < 0:
            value -= 1 << 7 * field.sevens
        if not field.low <= value <= field.high:
            return None
        values[field.name] = value == 1 if field.name == "down" else value
        at += field.sevens
    return None if any(head[at:]) else kind(**values)


def _checksum(head: bytes) -> bytes:
    return _cut(crc_hqx(head, 0xFFFF), 3)


def _cut(value: int, sevens: int) -> bytes:
    return bytes(value >> 7 * place & 0x7F for place in reversed(range(sevens)))


def _joined(sevens: bytes) -> int:
    value = 0
    for seven in sevens:
        value = value << 7 | seven
    return value


def _value(message: Message, field: _Field) -> int:
    value: int = getattr(message, field.name)
    if not field.low <= value <= field.high:
        raise SerialMessageError(
            f"serial message: {message}: {field.name} is {value}; {field.low} to {field.high} is needed"
        )
    return value
