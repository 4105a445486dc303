"""Footswitches, encoders and lamps on the Pi's own pins, through the RPi.GPIO API (rpi-lgpio's, on any Pi).

A switch joins its pin to ground; the pin is pulled up. Both edges are told as they come: debouncing is the footswitch
machine's affair, for the library would wait until the level is stable.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from nampedal.board.controls import Clicks, Edge, Light, Post
from nampedal.board.errors import GpioBusyError, GpioMissingError
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
        self._pwms: dict[str, Any] = {}
        self._open = False

    def open(self, post: Post) -> None:
        try:
            self._gpio = import_module("RPi.GPIO")
        # Without a Raspberry Pi below it the library raises RuntimeError.
        except (ImportError, RuntimeError) as error:
            raise GpioMissingError(f"gpio: the pins can't be reached: {_line(error)}; install rpi-lgpio") from error
        self._open = True
        try:
            self._set_up(post)
        except (RuntimeError, ValueError, OSError) as error:
            self.close()
            raise GpioBusyError(f"gpio: a pin can't be used: {_line(error)}; end what else uses it") from error

    def show(self, lights: Mapping[str, Light]) -> None:
        for name, light in lights.items():
            if name in self._lights:
                self._shine(name, light.level)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        for pwm in self._pwms.values():
            pwm.stop()
        self._pwms.clear()
        self._gpio.cleanup([*self._switches.values(), *self._lights.values(), *sum(self._encoders.values(), ())])

    def _set_up(self, post: Post) -> None:
        gpio = self._gpio
        gpio.setmode(gpio.BCM)
        for pin in self._lights.values():
            gpio.setup(pin, gpio.OUT, initial=gpio.LOW)
        for name, pin in self._switches.items():
            gpio.setup(pin, gpio.IN, pull_up_down=gpio.PUD_UP)
            gpio.add_event_detect(pin, gpio.BOTH, callback=partial(self._edge, post, name, pin))
            self._edge(post, name, pin, pin)
        for name, pins in self._encoders.items():
            decoder = Quadrature()
            for pin in pins:
                gpio.setup(pin, gpio.IN, pull_up_down=gpio.PUD_UP)
            for pin in pins:
                gpio.add_event_detect(pin, gpio.BOTH, callback=partial(self._turned, post, name, decoder, pins))

    def _edge(self, post: Post, name: str, pin: int, channel: int) -> None:
        if self._open:
            post(Edge(time.monotonic(), name, not self._gpio.input(pin)))

    def _turned(self, post: Post, name: str, decoder: Quadrature, pins: tuple[int, int], channel: int) -> None:
        if not self._open:
            return
        now_s = time.monotonic()
        clicks = decoder.feed(now_s, *(bool(self._gpio.input(pin)) for pin in pins))
        if clicks:
            post(Clicks(now_s, name, clicks))

    def _shine(self, name: str, level: float) -> None:
        pin, pwm = self._lights[name], self._pwms.get(name)
        if 0.0 < level < 1.0:
            if pwm is None:
                pwm = self._pwms[name] = self._gpio.PWM(pin, PWM_HERTZ)
                pwm.start(100.0 * level)
            pwm.ChangeDutyCycle(100.0 * level)
            return
        # A lamp that is only on or off needs no clock that could be heard.
        if pwm is not None:
            pwm.stop()
            del self._pwms[name]
        self._gpio.output(pin, self._gpio.HIGH if level > 0.5 else self._gpio.LOW)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
