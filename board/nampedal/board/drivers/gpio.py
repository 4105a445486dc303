"""Drives footswitches, encoders and LEDs on the Pi's GPIO pins, through rpi-lgpio, which works on every Pi.

A closed switch connects its pin to ground; the pin has a pull-up. Both edges are posted at once. inputs/footswitch.py
debounces them: the library's own debouncing would wait until the level is stable.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Clicks, Edge, Failure, Light, Post
from nampedal.board.inputs.quadrature import Quadrature
from nampedal.firmware.base.faults import describe_failure

# High enough that the eye sees no flicker.
PWM_HERTZ = 200


class GpioDriver:
    """Driver of the GPIO pins. switches, lights: BCM pin numbers by name.  encoders: both contacts' pins by name."""

    def __init__(
        self,
        switches: Mapping[str, int],
        lights: Mapping[str, int],
        encoders: Mapping[str, tuple[int, int]],
    ) -> None:
        self.name = "gpio"
        self._switches, self._lights, self._encoders = dict(switches), dict(lights), dict(encoders)
        self._gpio: Any = None
        # The exceptions of the library. rpi-lgpio leaks lgpio.error, which does not derive from its own exceptions.
        self._errors: tuple[type[Exception], ...] = ()
        self._ours: list[int] = []
        self._pwms: dict[str, Any] = {}
        self._shown: dict[str, float] = {}
        # Held while a callback reads a pin and posts. So the last posted event has the current level, and nothing is
        # posted after close().
        self._posting = threading.Lock()
        self._open = False

    def open(self, post: Post) -> None:
        """Claim all pins and post the current state of the switches. Raises ControlsError."""
        try:
            self._gpio, lgpio = import_module("RPi.GPIO"), import_module("lgpio")
        # RuntimeError: this is no Raspberry Pi.  OSError: lgpio can't create its pipe in the working directory.
        except (ImportError, RuntimeError, OSError) as error:
            raise ControlsError(
                f"gpio: the pins can't be reached: {_line(error)}; install rpi-lgpio, on a Raspberry Pi, and start in "
                "a folder that can be written to"
            ) from error
        self._errors = (lgpio.error, RuntimeError, ValueError, OSError)
        self._open = True
        try:
            self._set_up(post)
        except self._errors as error:
            self.close()
            raise ControlsError(
                f"gpio: a pin can't be used: {_line(error)}; end what else uses it, and add whoever runs nampedal to "
                "the group gpio"
            ) from error

    def show(self, lights: Mapping[str, Light]) -> None:
        """Set the LEDs that this driver has. Raises ControlsError."""
        if not self._open:
            raise ControlsError("gpio: is not open")
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
        # Free each pin by itself: in one call, a failure would leave the other pins claimed.
        for pin in self._ours:
            with contextlib.suppress(*self._errors):
                self._gpio.cleanup([pin])
        self._ours.clear()

    def _set_up(self, post: Post) -> None:
        gpio = self._gpio
        # The library would warn of a second pull-up on pins 2 and 3, which is harmless.
        gpio.setwarnings(False)
        gpio.setmode(gpio.BCM)
        for name, pin in self._lights.items():
            self._claim(pin, gpio.OUT, initial=gpio.LOW)
            self._shown[name] = 0.0
        for pin in [*self._switches.values(), *(pin for pins in self._encoders.values() for pin in pins)]:
            self._claim(pin, gpio.IN, pull_up_down=gpio.PUD_UP)
        for name, pin in self._switches.items():
            self._watch(pin, partial(self._edge, post, name, pin), post)
        for name, pins in self._encoders.items():
            turned = partial(self._turned, post, name, Quadrature(), pins)
            for pin in pins:
                self._watch(pin, turned, post)

    def _claim(self, pin: int, direction: int, **how: int) -> None:
        self._gpio.setup(pin, direction, **how)
        self._ours.append(pin)

    def _watch(self, pin: int, changed: Callable[[int], None], post: Post) -> None:
        self._gpio.add_event_detect(pin, self._gpio.BOTH, callback=partial(self._call, changed, post))
        changed(pin)

    def _call(self, changed: Callable[[int], None], post: Post, channel: int) -> None:
        """Run a callback in the library's thread. That thread serves all pins, so no exception may end it."""
        try:
            changed(channel)
        except Exception as error:
            post(Failure(time.monotonic(), self.name, describe_failure(self.name, "a pin can't be read", error)))

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
            raise ControlsError(f"gpio: light {name!r} can't be set: {_line(error)}; open it again") from error
        self._shown[name] = level

    def _switch(self, name: str, on: bool) -> None:
        """Set an LED fully on or off without PWM, because a PWM clock could be heard in the sound."""
        # A PWM object sets its pin low when it is garbage-collected, even if others use the pin by then. So keep no
        # other reference to it.
        if name in self._pwms:
            self._pwms.pop(name).stop()
        self._gpio.output(self._lights[name], self._gpio.HIGH if on else self._gpio.LOW)


def _line(error: Exception) -> str:
    # str() of lgpio.error puts quotes around the text, so take the text from its `value`.
    return " ".join(str(getattr(error, "value", error)).split())
