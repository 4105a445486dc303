"""A fake MCP3008 and bus: a replacement of spidev."""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import Any

import pytest

# Timeout for an event that must come: long enough for any machine.
PATIENCE_S = 60.0


class Chip:
    """An MCP3008 and the spidev that reads it. Like the real one, bit by bit: the bits before the null bit are
    undefined.
    """

    def __init__(self) -> None:
        self.codes = [100, 200, 300, 400, 500, 600, 700, 1023]
        self.reads = [0] * 8
        self.opened: list[tuple[int, int]] = []
        self.is_open = False
        self.mode, self.max_speed_hz = 3, 500_000
        self.refusal: OSError | None = None
        self.set_up_refusal: OSError | None = None
        self.line: int | None = None
        self.changed = threading.Condition()

    def open(self, bus: int, device: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.opened.append((bus, device))
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def __setattr__(self, name: str, value: Any) -> None:
        refusal: OSError | None = getattr(self, "set_up_refusal", None)
        if name == "max_speed_hz" and refusal is not None:
            raise refusal
        super().__setattr__(name, value)

    def xfer2(self, sent: list[int]) -> list[int]:
        assert self.is_open
        assert (self.mode, self.max_speed_hz) == (0, 240_000)
        with self.changed:
            if self.refusal is not None:
                raise self.refusal
            start, control, _ = sent
            assert start == 1
            assert control >> 7 == 1, "single-ended"
            channel = control >> 4 & 7
            self.reads[channel] += 1
            self.changed.notify_all()
            if self.line is not None:
                return [self.line] * 3
            return [0xFF, 0b1111_1000 | self.codes[channel] >> 8, self.codes[channel] & 0xFF]

    def wait_for_reads(self, channel: int, more: int = 3) -> None:
        with self.changed:
            wanted = self.reads[channel] + more
            assert self.changed.wait_for(lambda: self.reads[channel] >= wanted, PATIENCE_S)


def install(monkeypatch: pytest.MonkeyPatch) -> Chip:
    """Install the fake in place of spidev, and return it."""
    chip = Chip()
    module = ModuleType("spidev")
    vars(module)["SpiDev"] = lambda: chip
    monkeypatch.setitem(sys.modules, "spidev", module)
    return chip
