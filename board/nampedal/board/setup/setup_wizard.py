"""The setup wizard of a pedal: improves a profile by what the player presses, turns and types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nampedal.board.inputs.control_events import Event, Light, Position
from nampedal.board.profiles.pedal_file import with_knob_calibration, with_renamed_controls
from nampedal.board.profiles.pedals import KnobSettings, PedalProfile
from nampedal.board.setup.setup_steps import KnobStep, LightsStep, NoiseStep, SetupResults, SetupStep, SwitchesStep
from nampedal.board.setup.setup_view import SetupView
from nampedal.firmware.base.files.toml_schema import Values


class SetupWizard:
    """Runs all setup steps of a pedal, one after the other.

    values: the profile as `read_raw_values` returns it.
    other_lights: names of lights that are not next to a footswitch.
    notes: messages for the player; the caller shows and removes them.  quit: True after the player has typed q.
    """

    def __init__(self, values: Values, pedal: PedalProfile, other_lights: Sequence[str]) -> None:
        wiring = pedal.wiring
        knobs = wiring.names("knobs")
        self.notes: list[str] = []
        self.quit = False
        self.view = SetupView(wiring, pedal.times.debounce_s)
        self._values = values
        self._lights = wiring.names("lights")
        self._before = {name: pedal.knobs.get(name, KnobSettings()) for name in knobs}
        self._found = SetupResults(dict(self._before))
        self._steps = _steps(self._found, wiring.names("switches"), self._lights, other_lights)
        self._positions: dict[str, Position] = {}
        self._begin()

    @property
    def done(self) -> bool:
        return self.quit or not self._steps

    @property
    def question(self) -> str:
        """The current request to the player. Enter alone goes to the next step, 'q' quits."""
        return self._steps[0].question if self._steps else ""

    @property
    def lights(self) -> dict[str, Light]:
        """The lights to show, by their names in the drivers."""
        lit = self._steps[0].lit if self._steps else ""
        return {name: Light(float(name == lit)) for name in self._lights}

    @property
    def values(self) -> dict[str, Any]:
        """The values of the profile with all results so far."""
        values = with_renamed_controls(self._values, "switches", self._found.switches)
        values = with_renamed_controls(values, "lights", self._found.lights)
        for name, before in self._before.items():
            values = with_knob_calibration(values, name, before.spec, self._found.uses[name].spec)
        return values

    def lines(self) -> list[str]:
        """Return the state of every control, one line each."""
        lights = sorted((self._found.lights.get(old, old), light) for old, light in self.lights.items())
        lit = [f"light      {name:10} {'lit' if light.level else 'dark'}" for name, light in lights]
        return self.view.lines(self._found.switches) + lit

    def handle(self, event: Event) -> None:
        """Take an event of a driver, with the control names of the original profile."""
        pressed = self.view.update(event)
        if isinstance(event, Position) and event.knob in self._before:
            self._positions[event.knob] = event
        if pressed is not None:
            self._press(pressed)
        elif self._steps and isinstance(event, Position):
            self._note(self._steps[0].update(event))

    def tick(self, now_s: float) -> None:
        """Take the current time in seconds of a monotonic clock."""
        for switch in self.view.tick(now_s):
            self._press(switch)
        if self._steps:
            self._note(self._steps[0].tick(now_s))

    def answer(self, line: str) -> None:
        """Take a line that the player has typed."""
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
        # A resting knob posts no events, so give its last position to the new step.
        if self._steps:
            for position in self._positions.values():
                self._steps[0].update(position)


def _steps(
    found: SetupResults, switches: Sequence[str], lights: Sequence[str], others: Sequence[str]
) -> list[SetupStep]:
    steps: list[SetupStep] = []
    # With only one footswitch there is no order to ask for.
    if len(switches) > 1:
        steps.append(SwitchesStep(found, switches))
    steps += [KnobStep(found, name) for name, use in found.uses.items()]
    if lights:
        steps.append(LightsStep(found, lights, switches, others))
    still = [name for name, use in found.uses.items() if not use.expression]
    if still:
        steps.append(NoiseStep(found, still))
    return steps
