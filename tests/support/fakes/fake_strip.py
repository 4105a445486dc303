"""A fake strip of RGB LEDs and its bus: a replacement of spidev."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest
from nampedal.board.drivers.strip import HERTZ, Colour


def highs_and_lows(sent: bytes, hertz: float) -> list[tuple[float, float]]:
    """Return for every pulse on the line how long it is high, and then low, in nanoseconds."""
    line = "".join(f"{byte:08b}" for byte in sent)
    found = re.findall("(1+)(0+)", line)
    return [(len(high) * 1e9 / hertz, len(low) * 1e9 / hertz) for high, low in found]


def seen(sent: bytes) -> list[Colour]:
    """Return the colours that the LEDs decode, which measure how long the line is high."""
    bits = [high > 500.0 for high, _ in highs_and_lows(sent, HERTZ)]
    assert len(bits) % 24 == 0
    values = [int("".join(str(int(bit)) for bit in bits[at : at + 8]), 2) for at in range(0, len(bits), 8)]
    return [(values[at + 1], values[at], values[at + 2]) for at in range(0, len(values), 3)]


class Line:
    """A strip and the spidev that writes to it. It records what is sent."""

    def __init__(self) -> None:
        self.sent: list[list[Colour]] = []
        self.opened: list[tuple[int, int]] = []
        self.is_open = False
        self.mode, self.max_speed_hz = 3, 500_000
        self.refusal: OSError | None = None
        self.write_refusal: OSError | None = None

    def open(self, bus: int, device: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.opened.append((bus, device))
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def xfer2(self, sent: list[int]) -> list[int]:
        assert self.is_open
        assert (self.mode, self.max_speed_hz) == (0, HERTZ)
        if self.write_refusal is not None:
            raise self.write_refusal
        self.sent.append(seen(bytes(sent)))
        return [0] * len(sent)


def install(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    module = ModuleType("spidev")
    vars(module)["SpiDev"] = lambda: line
    monkeypatch.setitem(sys.modules, "spidev", module)
    return line
