"""Setting up a pedal by asking: from a profile, what is pressed and turned, and what is typed, to a better profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nampedal.board.controls import Event, Light, Position
from nampedal.board.pedal_file import renamed, with_knob
from nampedal.board.pedals import KnobUse, Pedal
from nampedal.board.settings import Values
from nampedal.board.setup_steps import Found, KnobStep, LightsStep, NoiseStep, Step, SwitchesStep
from nampedal.board.watch import Watch


class Setup:
    """values: the profile's, as `read_values` gives them.  other_lights: names of lights beside no footswitch.

    notes: what is to be told, taken away by who tells it.  quit: the player wants no more of it.
    """

    def __init__(self, values: Values, pedal: Pedal, other_lights: Sequence[str]) -> None:
        wiring = pedal.wiring
        knobs = wiring.names("knobs")
        self.notes: list[str] = []
        self.quit = False
        self.watch = Watch(wiring, pedal.times.debounce_s)
        self._values = values
        self._lights = wiring.names("lights")
        self._before = {name: pedal.knobs.get(name, KnobUse()) for name in knobs}
        self._found = Found(dict(self._before))
        self._steps = _steps(self._found, wiring.names("switches"), self._lights, other_lights)
        self._positions: dict[str, Position] = {}
        self._begin()

    @property
    def done(self) -> bool:
        return self.quit or not self._steps

    @property
    def question(self) -> str:
        """What the player is to do now. Enter alone goes on, 'q' ends it."""
        return self._steps[0].question if self._steps else ""

    @property
    def lights(self) -> dict[str, Light]:
        """By the names that drivers know."""
        lit = self._steps[0].lit if self._steps else ""
        return {name: Light(float(name == lit)) for name in self._lights}

    @property
    def values(self) -> dict[str, Any]:
        """The profile with all that was found out by now."""
        values = renamed(self._values, "switches", self._found.switches)
        values = renamed(values, "lights", self._found.lights)
        for name, before in self._before.items():
            values = with_knob(values, name, before.spec, self._found.uses[name].spec)
        return values

    def lines(self) -> list[str]:
        """Where every control stands."""
        lights = sorted((self._found.lights.get(old, old), light) for old, light in self.lights.items())
        lit = [f"light      {name:10} {'lit' if light.level else 'dark'}" for name, light in lights]
        return self.watch.lines(self._found.switches) + lit

    def hear(self, event: Event) -> None:
        """Drivers' events, under the names of the profile that it began with."""
        pressed = self.watch.hear(event)
        if isinstance(event, Position) and event.knob in self._before:
            self._positions[event.knob] = event
        if pressed is not None:
            self._press(pressed)
        elif self._steps and isinstance(event, Position):
            self._note(self._steps[0].hear(event))

    def tick(self, now_s: float) -> None:
        """Time goes by: seconds that only grow."""
        for switch in self.watch.tick(now_s):
            self._press(switch)
        if self._steps:
            self._note(self._steps[0].tick(now_s))

    def answer(self, line: str) -> None:
        """A line that was typed."""
        text = line.strip().lower()
        if text == "q":
            self.quit = True
        elif self._steps:
            self._note(self._steps[0].answer(text))

    def _press(self, switch: str) -> None:
        if self._steps:
            self._note(self._steps[0].press(switch))

    def _note(self, text: str) -> None:
        if text:
            self.notes.append(text)
        if self._steps and self._steps[0].done:
            self._steps.pop(0)
            self._begin()

    def _begin(self) -> None:
        # A knob that stands still is heard no more.
        if self._steps:
            for position in self._positions.values():
                self._steps[0].hear(position)


def _steps(found: Found, switches: Sequence[str], lights: Sequence[str], others: Sequence[str]) -> list[Step]:
    steps: list[Step] = []
    # A single footswitch has its name.
    if len(switches) > 1:
        steps.append(SwitchesStep(found, switches))
    steps += [KnobStep(found, name) for name, use in found.uses.items()]
    if lights:
        steps.append(LightsStep(found, lights, switches, others))
    still = [name for name, use in found.uses.items() if not use.expression]
    if still:
        steps.append(NoiseStep(found, still))
    return steps
