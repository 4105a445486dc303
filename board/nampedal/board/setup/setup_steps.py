"""The steps of the setup wizard: each asks one question and evaluates what the player presses, turns and types.

They are pure logic without clock, terminal or driver. Their results are in `SetupResults`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nampedal.board.errors import LearnError
from nampedal.board.inputs.control_events import Position
from nampedal.board.inputs.knob import LIMITS, KnobSpec
from nampedal.board.inputs.knob_calibration import KnobCalibrator
from nampedal.board.profiles.pedals import KnobSettings

# Minimum raw movement of a knob since the question; a smaller one counts as not moved.
MOVED = 0.05
# The noise of a knob is measured for STILL_S, while nobody touches it. Its band becomes that noise times MARGIN.
STILL_S = 3.0
MARGIN = 1.25
# Number of decimal places in the profile; finer than the resolution of any converter.
DIGITS = 4


@dataclass(slots=True)
class SetupResults:
    """The results of all steps.

    switches, lights: new names by old names, after their steps are done.  uses: the settings of all knobs.
    """

    uses: dict[str, KnobSettings]
    switches: dict[str, str] = field(default_factory=dict)
    lights: dict[str, str] = field(default_factory=dict)


class SetupStep:
    """One question. Its methods press(), update(), tick() and answer() return a text for the player; '' is none.

    done: the step is finished.  lit: the light to turn on during the step; '': none.
    """

    def __init__(self, found: SetupResults) -> None:
        self.done = False
        self.lit = ""
        self._found = found

    @property
    def question(self) -> str:
        raise NotImplementedError

    def press(self, switch: str) -> str:
        """Take a press of a footswitch. switch: its name in the driver."""
        return ""

    def update(self, position: Position) -> str:
        """Take a position of a knob."""
        return ""

    def tick(self, now_s: float) -> str:
        """Take the current time in seconds of a monotonic clock."""
        return ""

    def answer(self, text: str) -> str:
        """Take a typed line. '': Enter alone, which skips the step."""
        if text:
            return f"{text!r} is no answer here; Enter goes on, q ends it"
        return self._skip()

    def _skip(self) -> str:
        self.done = True
        return ""


class SwitchesStep(SetupStep):
    """Asks for one press of every footswitch from left to right."""

    def __init__(self, found: SetupResults, names: Sequence[str]) -> None:
        super().__init__(found)
        self._names = sorted(names)
        self._order: list[str] = []

    @property
    def question(self) -> str:
        count, now = len(self._names), len(self._order) + 1
        return (
            f"Press the {count} footswitches from left to right: now number {now}. Just Enter: they stay as they are."
        )

    def press(self, switch: str) -> str:
        if switch in self._order:
            return f"that was footswitch {self._names[self._order.index(switch)]}; press the next one to the right"
        self._order.append(switch)
        if len(self._order) == len(self._names):
            self.done = True
            self._found.switches = dict(zip(self._order, self._names, strict=True))
        name = self._names[len(self._order) - 1]
        return f"this is footswitch {name}{'' if switch == name else f', which the profile calls {switch}'}"

    def _skip(self) -> str:
        self.done = True
        return "footswitches: stay as they are"


class LightsStep(SetupStep):
    """Turns on each light in turn and asks for its name.

    others: allowed names of lights that are not next to a footswitch.
    """

    def __init__(
        self, found: SetupResults, lights: Sequence[str], switches: Sequence[str], others: Sequence[str]
    ) -> None:
        super().__init__(found)
        self._lights = list(lights)
        self._switches = sorted(switches)
        self._others = sorted({*others, *(name for name in lights if name not in switches)})
        self._given: dict[str, str] = {}
        self._left = list(lights)
        self.lit = self._left[0]

    @property
    def question(self) -> str:
        return (
            f"One light is lit, number {len(self._lights) - len(self._left) + 1} of {len(self._lights)}: press the "
            "footswitch beside it, or type that one's number or what it is for "
            f"({', '.join(self._others)}). Just Enter: next."
        )

    def press(self, switch: str) -> str:
        return self._assign_name(self._found.switches.get(switch, switch))

    def answer(self, text: str) -> str:
        if not text:
            return self._next("this light: stays as it is, if its name is not given away")
        if text not in (*self._switches, *self._others):
            allowed = ", ".join((*self._switches, *self._others))
            return f"no light can be called {text!r}; {allowed} are allowed"
        return self._assign_name(text)

    def _assign_name(self, name: str) -> str:
        """Give the light that is lit a name. Return the text for the player."""
        if name in self._given.values():
            return f"a light is called {name} already; press another footswitch, or type another name"
        self._given[self.lit] = name
        return self._next(f"this is light {name}")

    def _next(self, text: str) -> str:
        self._left.pop(0)
        self.lit = self._left[0] if self._left else ""
        if not self._left:
            self.done = True
            self._found.lights = self._names()
        return text

    def _names(self) -> dict[str, str]:
        """Return all new names. A light without an answer keeps its name; if that is taken, it gets a free one."""
        names = dict(self._given)
        silent = [light for light in self._lights if light not in names]
        for light in silent:
            if light not in names.values():
                names[light] = light
        free = [light for light in self._lights if light not in names.values()]
        return {**names, **dict(zip((light for light in silent if light not in names), free, strict=False))}


class KnobStep(SetupStep):
    """Learns the ends of a knob or an expression pedal: the player moves it to 0 first, then back and forth."""

    def __init__(self, found: SetupResults, name: str) -> None:
        super().__init__(found)
        self._name = name
        foot = found.uses[name].expression
        self._what = f"{'Expression pedal' if foot else 'Knob'} {name}"
        self._first = "put its heel down" if foot else "turn it fully left"
        self._ways = "toe down and heel down" if foot else "fully right and fully left"
        # Readings since the question, and the last reading.
        self._readings: list[float] = []
        self._last = Position(0.0, name, 0.0)
        self._learner: KnobCalibrator | None = None

    @property
    def question(self) -> str:
        if self._learner is None:
            there = "(if it is there, away and back)"
            return f"{self._what}: {self._first} {there}, then Enter. Just Enter: it stays as it is."
        return f"{self._what}: {self._ways}, three times or more, to the stops; then Enter."

    def update(self, position: Position) -> str:
        if position.knob == self._name:
            self._readings.append(position.value)
            if self._learner is not None:
                self._learner.feed(position.time_s, position.value)
            self._last = position
        return ""

    def _skip(self) -> str:
        if self._learner is not None:
            return self._learn(self._learner)
        if max(self._readings, default=0.0) - min(self._readings, default=0.0) < MOVED:
            self.done = True
            return f"{self._name}: was not moved, and stays as it is"
        self._learner = KnobCalibrator()
        self._learner.feed(self._last.time_s, self._last.value)
        return ""

    def _learn(self, learner: KnobCalibrator) -> str:
        use = self._found.uses[self._name]
        self._learner, self._readings = None, self._readings[-1:]
        try:
            spec = learner.learn(use.spec, heel_first=True)
        except LearnError as error:
            return f"{self._name}: {str(error).removeprefix('knob: ')}"
        spec = replace(spec, low=round(spec.low, DIGITS), high=round(spec.high, DIGITS))
        self._found.uses[self._name] = replace(use, spec=spec)
        self.done = True
        return f"{self._name}: goes from {spec.low:g} to {spec.high:g}{', inverted' * spec.inverted}"


class NoiseStep(SetupStep):
    """Measures the noise of knobs that nobody touches. Expression pedals are left out, because open jacks hum."""

    def __init__(self, found: SetupResults, names: Sequence[str]) -> None:
        super().__init__(found)
        self._names = list(names)
        self._last: dict[str, float] = {}
        self._ends: dict[str, tuple[float, float]] = {}
        self._waits = True
        self._since_s: float | None = None

    @property
    def question(self) -> str:
        if self._waits:
            return f"Noise: let go of all knobs, then y and Enter; it takes {STILL_S:g} s. Just Enter: nothing changes."
        return "Noise: listening; touch nothing."

    def answer(self, text: str) -> str:
        if text == "y":
            self._waits = False
            return ""
        return super().answer(text)

    def update(self, position: Position) -> str:
        self._last[position.knob] = position.value
        if position.knob in self._ends:
            low, high = self._ends[position.knob]
            self._ends[position.knob] = min(low, position.value), max(high, position.value)
        return ""

    def tick(self, now_s: float) -> str:
        if self._waits or self.done:
            return ""
        if self._since_s is None:
            self._since_s = now_s
            self._ends = {name: (self._last[name],) * 2 for name in self._names if name in self._last}
        if now_s - self._since_s < STILL_S:
            return ""
        self.done = True
        return "; ".join(self._set_band(name) for name in self._names)

    def _set_band(self, name: str) -> str:
        """Set a knob's noise band by how far it moved untouched. Return the text for the player."""
        if name not in self._ends:
            return f"{name}: was not heard"
        low, high = self._ends[name]
        band = max(KnobSpec().band, _rounded_up(MARGIN * (high - low)))
        if band > LIMITS["band"][1]:
            return f"{name}: moved by {high - low:.3f}, which is more than noise; look at its wires, or set up again"
        use = self._found.uses[name]
        self._found.uses[name] = replace(use, spec=replace(use.spec, band=band))
        return f"{name}: moved by {high - low:.4f}, its band is {band:g}"


def _rounded_up(value: float) -> float:
    # Round first, so that a floating-point error is not rounded up.
    return math.ceil(round(value * 10.0**DIGITS, 6)) / 10.0**DIGITS
