"""Footswitches, encoders and lamps on the Pi's own pins, through rpi-lgpio, which any Pi has.

A switch joins its pin to ground; the pin is pulled up. Both edges are told as they come: debouncing is the footswitch
machine's affair, for the library would wait until the level is stable.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from nampedal.board.controls import Clicks, Edge, Light, Post
from nampedal.board.errors import ControlsError, GpioBusyError, GpioMissingError
from nampedal.board.quadrature import Quadrature

# Above what an eye sees as flicker.
PWM_HERTZ = 200


class GpioDriver:
    """switches, lights: BCM pin numbers by name.  encoders: pins of both contacts."""

    def __init__(
        self,
        switches: Mapping[str, int],
        lights: Mapping[str, int],
        encoders: Mapping[str, tuple[int, int]],
    ) -> None:
        self.name = "gpio"
        self._switches, self._lights, self._encoders = dict(switches), dict(lights), dict(encoders)
        self._gpio: Any = None
        # What it raises: rpi-lgpio lets errors of the library below it through, and that one's is of no kin.
        self._errors: tuple[type[Exception], ...] = ()
        self._ours: list[int] = []
        self._pwms: dict[str, Any] = {}
        self._shown: dict[str, float] = {}
        # Held while a callback reads and posts: the last that is posted is what is so, and after close() nothing.
        self._posting = threading.Lock()
        self._open = False

    def open(self, post: Post) -> None:
        """Raises GpioMissingError or GpioBusyError."""
        try:
            self._gpio, lgpio = import_module("RPi.GPIO"), import_module("lgpio")
        # RuntimeError: without a Raspberry Pi.  OSError: lgpio makes a pipe in the folder that it is started in.
        except (ImportError, RuntimeError, OSError) as error:
            raise GpioMissingError(
                f"gpio: the pins can't be reached: {_line(error)}; install rpi-lgpio, on a Raspberry Pi, and start in "
                "a folder that can be written to"
            ) from error
        self._errors = (lgpio.error, RuntimeError, ValueError, OSError)
        self._open = True
        try:
            self._set_up(post)
        except self._errors as error:
            self.close()
            raise GpioBusyError(
                f"gpio: a pin can't be used: {_line(error)}; end what else uses it, and add whoever runs nampedal to "
                "the group gpio"
            ) from error

    def show(self, lights: Mapping[str, Light]) -> None:
        """Raises GpioBusyError."""
        if not self._open:
            raise GpioBusyError("gpio: is not open")
        for name, light in lights.items():
            if name in self._lights and self._shown.get(name) != light.level:
                self._shine(name, light.level)

    def close(self) -> None:
        if not self._open:
            return
        with contextlib.suppress(ControlsError):
            self.show({name: Light(0.0) for name in self._shown})
        with self._posting:
            self._open = False
        self._pwms.clear()
        self._shown.clear()
        # Pin by pin: a failure would keep the others.
        for pin in self._ours:
            with contextlib.suppress(*self._errors):
                self._gpio.cleanup([pin])
        self._ours.clear()

    def _set_up(self, post: Post) -> None:
        gpio = self._gpio
        # Of a second pull-up on pins 2 and 3, which is no harm.
        gpio.setwarnings(False)
        gpio.setmode(gpio.BCM)
        for name, pin in self._lights.items():
            self._claim(pin, gpio.OUT, initial=gpio.LOW)
            self._shown[name] = 0.0
        for pin in [*self._switches.values(), *(pin for pins in self._encoders.values() for pin in pins)]:
            self._claim(pin, gpio.IN, pull_up_down=gpio.PUD_UP)
        for name, pin in self._switches.items():
            self._watch(pin, partial(self._edge, post, name, pin))
        for name, pins in self._encoders.items():
            turned = partial(self._turned, post, name, Quadrature(), pins)
            for pin in pins:
                self._watch(pin, turned)

    def _claim(self, pin: int, direction: int, **how: int) -> None:
        self._gpio.setup(pin, direction, **how)
        self._ours.append(pin)

    def _watch(self, pin: int, changed: Any) -> None:
        self._gpio.add_event_detect(pin, self._gpio.BOTH, callback=changed)
        changed(pin)

    def _edge(self, post: Post, name: str, pin: int, channel: int) -> None:
        with self._posting:
            if self._open:
                post(Edge(time.monotonic(), name, not self._gpio.input(pin)))

    def _turned(self, post: Post, name: str, decoder: Quadrature, pins: tuple[int, int], channel: int) -> None:
        with self._posting:
            if not self._open:
                return
            now_s = time.monotonic()
            clicks = decoder.feed(now_s, *(not self._gpio.input(pin) for pin in pins))
            if clicks:
                post(Clicks(now_s, name, clicks))

    def _shine(self, name: str, level: float) -> None:
        try:
            if not 0.0 < level < 1.0:
                self._switch(name, level > 0.5)
            elif name in self._pwms:
                self._pwms[name].ChangeDutyCycle(100.0 * level)
            else:
                self._pwms[name] = self._gpio.PWM(self._lights[name], PWM_HERTZ)
                self._pwms[name].start(100.0 * level)
        except self._errors as error:
            raise GpioBusyError(f"gpio: light {name!r} can't be set: {_line(error)}; open it again") from error
        self._shown[name] = level

    def _switch(self, name: str, on: bool) -> None:
        """A lamp that is only on or off needs no clock that could be heard."""
        # A PWM puts its pin out when it is collected, even a pin that others have by then: nobody else may hold it.
        if name in self._pwms:
            self._pwms.pop(name).stop()
        self._gpio.output(self._lights[name], self._gpio.HIGH if on else self._gpio.LOW)


def _line(error: Exception) -> str:
    # Lgpio's own puts its text into quotes.
    return " ".join(str(getattr(error, "value", error)).split())
