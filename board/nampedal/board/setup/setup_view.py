"""Shows the state of every control as one line of text each, so that the player can check the wiring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nampedal.board.inputs.control_events import Clicks, Edge, Event, Position
from nampedal.board.profiles.wiring import Wiring

BAR = 30
_WAITING = "nothing heard yet"


@dataclass(slots=True)
class _SwitchRow:
    # The level with bounces, and the debounced level. None: no event yet.
    down: bool | None = None
    taken: bool | None = None
    presses: int = 0
    bounces: int = 0
    counted_s: float = -math.inf

    def update(self, edge: Edge, debounce_s: float) -> bool:
        if self.down is None:
            self.taken = edge.down
        if self.down in (None, edge.down):
            self.down = edge.down
            return False
        pressed = self.settle(edge.time_s, debounce_s)
        self.bounces += edge.time_s - self.counted_s < debounce_s
        self.down = edge.down
        return self.settle(edge.time_s, debounce_s) or pressed

    def settle(self, now_s: float, debounce_s: float) -> bool:
        """Update the debounced level. Return True if the switch counts as pressed now and did not before."""
        if self.down == self.taken or now_s - self.counted_s < debounce_s:
            return False
        self.taken, self.counted_s = self.down, now_s
        self.presses += bool(self.down)
        return bool(self.down)

    def __str__(self) -> str:
        if self.down is None:
            return _WAITING
        return f"{'down' if self.down else 'up':4}  pressed {self.presses}, bounced {self.bounces}"


class SetupView:
    """Tracks and shows the state of all controls of a pedal.

    debounce_s: for this time after an edge that counts, other edges of the same footswitch count as bounces. If the
    switch is in the other state at the end of that time, this change counts, as in `footswitch.Footswitches`.
    The first event of a switch is no press, and neither is an unchanged state after its driver was opened again.
    """

    def __init__(self, wiring: Wiring, debounce_s: float) -> None:
        self._debounce_s = debounce_s
        self._switches = {name: _SwitchRow() for name in wiring.names("switches")}
        self._knobs: dict[str, float | None] = dict.fromkeys(wiring.names("knobs"))
        self._encoders = dict.fromkeys(wiring.names("encoders"), 0)

    @property
    def is_complete(self) -> bool:
        """True if all footswitches and knobs have posted a state. Encoders post none when they are opened."""
        return all(one.down is not None for one in self._switches.values()) and None not in self._knobs.values()

    def update(self, event: Event) -> str | None:
        """Take an event. Return the name of the footswitch that it presses, or None."""
        match event:
            case Edge(switch=name) if name in self._switches:
                return name if self._switches[name].update(event, self._debounce_s) else None
            case Position(knob=name) if name in self._knobs:
                self._knobs[name] = event.value
            case Clicks(encoder=name) if name in self._encoders:
                self._encoders[name] += event.clicks
        return None

    def tick(self, now_s: float) -> list[str]:
        """Return the footswitches that count as pressed now, after their debounce time."""
        return [name for name, switch in self._switches.items() if switch.settle(now_s, self._debounce_s)]

    def lines(self, names: Mapping[str, str]) -> list[str]:
        """Return one line for each control. names: new names of footswitches by old names."""
        switches = sorted((names.get(old, old), str(switch)) for old, switch in self._switches.items())
        return [
            *(f"footswitch {name:10} {text}" for name, text in switches),
            *(f"knob       {name:10} {_bar(at)}" for name, at in self._knobs.items()),
            *(f"encoder    {name:10} {clicks:+d} clicks" for name, clicks in self._encoders.items()),
        ]


def _bar(at: float | None) -> str:
    if at is None:
        return _WAITING
    full = round(BAR * at)
    return f"{at:.3f} {'#' * full}{'.' * (BAR - full)}"
