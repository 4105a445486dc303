"""Fake GPIO pins below the real rpi-lgpio library: a replacement of lgpio 0.2.2.

It copies the behaviour of lgpio (lgpio.py and lgGpio.c of joan2937/lg): errors are of a class that is not related to
rpi-lgpio's, alerts come from one thread, writing or PWM claims an unclaimed pin, and claiming an output again leaves
its level as it is.
"""

from __future__ import annotations

import importlib.util
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import pytest

INPUT, OUTPUT, ALERT = 0x100, 0x200, 0x400
KERNEL_OUTPUT, PULL_UP, PULL_DOWN, PULL_NONE = 0x2, 0x20, 0x40, 0x80
EDGES_BIT = 17
ERRORS = {-73: "bad GPIO number", -78: "can not open gpiochip", -79: "GPIO busy", -80: "GPIO not allocated"}
PINS = 54
# The revision code of a Raspberry Pi Zero 2 W.
REVISION = "902120"

Alert = Callable[[int, int, int, int], None]


class LgpioError(Exception):
    def __init__(self, value: str) -> None:
        self.value = value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass
class Line:
    mode: int = 0
    pull: int = PULL_NONE
    edges: int = 0
    # The level that is applied from outside; None: nothing is connected, so the pull resistor decides.
    outside: int | None = None
    level: int = 0
    duty: float | None = None
    taken: bool = False
    # Every level and duty cycle (0 to 1) that was set.
    sent: list[float] | None = None

    @property
    def now(self) -> int:
        if self.mode & OUTPUT:
            return self.level
        return self.outside if self.outside is not None else int(bool(self.pull & PULL_UP))

    @property
    def shines(self) -> float:
        """Return the brightness of an LED from the pin to ground, 0 to 1."""
        if not self.mode & OUTPUT:
            return 0.0
        return self.duty if self.duty is not None else float(self.level)


class Callback:
    def __init__(self, all_of_them: list[Callback], gpio: int, func: Alert) -> None:
        self._all, self.gpio, self.func = all_of_them, gpio, func
        self._all.append(self)

    def cancel(self) -> None:
        if self in self._all:
            self._all.remove(self)


class Pins:
    """The header's pins. gone: there is no GPIO chip."""

    def __init__(self) -> None:
        self.lines = [Line() for _ in range(PINS)]
        self.gone = False
        self._callbacks: list[Callback] = []
        self._alerts: queue.Queue[tuple[int, int] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._alerts.put(None)
        self._thread.join()

    def pull(self, gpio: int, level: int) -> None:
        """Apply a level from outside."""
        line = self.lines[gpio]
        was, line.outside = line.now, level
        if line.mode & ALERT and line.edges and line.now != was:
            self._alerts.put((gpio, line.now))

    def settle(self) -> None:
        """Wait until all alerts have been delivered."""
        self._alerts.join()

    @property
    def claimed(self) -> set[int]:
        return {gpio for gpio, line in enumerate(self.lines) if line.mode}

    def module(self) -> ModuleType:
        made = ModuleType("lgpio")
        names = [name for name in dir(self) if name.startswith(("gpio_", "gpiochip_"))]
        vars(made).update({name: getattr(self, name) for name in [*names, "tx_pwm", "callback"]})
        vars(made).update(
            error=LgpioError, error_text=lambda number: ERRORS[number], GPIO_BUSY=-79,
            SET_PULL_NONE=PULL_NONE, SET_PULL_UP=PULL_UP, SET_PULL_DOWN=PULL_DOWN,
            RISING_EDGE=1, FALLING_EDGE=2, BOTH_EDGES=3,
        )  # fmt: skip
        return made

    def gpiochip_open(self, chip: int) -> int:
        if self.gone:
            raise LgpioError(ERRORS[-78])
        return 0

    def gpiochip_close(self, handle: int) -> int:
        return 0

    def gpio_get_mode(self, handle: int, gpio: int) -> int:
        line = self._line(handle, gpio)
        kernel = KERNEL_OUTPUT if line.mode & OUTPUT else 0
        return line.mode | line.pull | kernel | line.edges << EDGES_BIT

    def gpio_claim_input(self, handle: int, gpio: int, flags: int = 0) -> int:
        # A pin that is an input already stays as it is.
        if not self._line(handle, gpio).mode & INPUT:
            self._claim(handle, gpio, INPUT, flags)
        return 0

    def gpio_claim_output(self, handle: int, gpio: int, level: int = 0, flags: int = 0) -> int:
        if not self._line(handle, gpio).mode & OUTPUT:
            line = self._claim(handle, gpio, OUTPUT, flags)
            line.level, line.sent = int(level), []
        return 0

    def gpio_claim_alert(self, handle: int, gpio: int, edges: int, flags: int = 0) -> int:
        self._claim(handle, gpio, INPUT | ALERT, flags).edges = edges
        return 0

    def gpio_free(self, handle: int, gpio: int) -> int:
        line = self._line(handle, gpio)
        if not line.mode:
            raise LgpioError(ERRORS[-80])
        line.mode, line.pull, line.edges, line.duty = 0, PULL_NONE, 0, None
        return 0

    def gpio_read(self, handle: int, gpio: int) -> int:
        if not self._line(handle, gpio).mode:
            self.gpio_claim_input(handle, gpio)
        return self._line(handle, gpio).now

    def gpio_write(self, handle: int, gpio: int, level: int) -> int:
        line = self._line(handle, gpio)
        self.gpio_claim_output(handle, gpio, level)
        line.level = int(level)
        self._note(line, float(level))
        return 0

    def tx_pwm(self, handle: int, gpio: int, hertz: float, percent: float) -> int:
        line = self._line(handle, gpio)
        self.gpio_claim_output(handle, gpio)
        if not hertz:
            if line.duty is None:
                raise LgpioError("bad PWM micros")
            line.duty = None
        else:
            line.duty = percent / 100.0
            self._note(line, line.duty)
        return 0

    def callback(self, handle: int, gpio: int, edge: int = 1, func: Alert | None = None) -> Callback:
        assert func is not None
        return Callback(self._callbacks, gpio, func)

    def _line(self, handle: int, gpio: int) -> Line:
        assert handle == 0
        if gpio >= PINS:
            raise LgpioError(ERRORS[-73])
        return self.lines[gpio]

    def _claim(self, handle: int, gpio: int, mode: int, flags: int) -> Line:
        line = self._line(handle, gpio)
        if line.taken:
            raise LgpioError(ERRORS[-79])
        line.mode, line.pull, line.edges = mode, flags & (PULL_UP | PULL_DOWN | PULL_NONE), 0
        return line

    def _note(self, line: Line, sent: float) -> None:
        assert line.sent is not None
        line.sent.append(sent)

    def _run(self) -> None:
        while (alert := self._alerts.get()) is not None:
            gpio, level = alert
            for one in list(self._callbacks):
                if one.gpio == gpio:
                    one.func(0, gpio, level, 0)
            self._alerts.task_done()


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pins]:
    """Yield fake pins below a freshly imported rpi-lgpio. Skips the test if rpi-lgpio is not installed."""
    if importlib.util.find_spec("RPi") is None:
        pytest.skip("rpi-lgpio is not here: pip install rpi-lgpio")
    pins = Pins()
    monkeypatch.setitem(sys.modules, "lgpio", pins.module())
    monkeypatch.delitem(sys.modules, "RPi.GPIO", raising=False)
    monkeypatch.setenv("RPI_LGPIO_REVISION", REVISION)
    monkeypatch.setenv("RPI_LGPIO_CHIP", "0")
    try:
        yield pins
    finally:
        sys.modules.pop("RPi.GPIO", None)
        pins.close()
