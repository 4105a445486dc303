"""Where every control stands, as a line of text each, for who wants to see that it is wired as it should be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nampedal.board.controls import Clicks, Edge, Event, Position
from nampedal.board.wiring import Wiring

BAR = 30
_WAITING = "nothing heard yet"


@dataclass(slots=True)
class _Switch:
    # How it stands, bounces included, and how it is taken to stand. None: not heard yet.
    down: bool | None = None
    taken: bool | None = None
    presses: int = 0
    bounces: int = 0
    counted_s: float = -math.inf

    def hear(self, edge: Edge, debounce_s: float) -> bool:
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
        """Whether it counts by now as pressed, and did not before."""
        if self.down == self.taken or now_s - self.counted_s < debounce_s:
            return False
        self.taken, self.counted_s = self.down, now_s
        self.presses += bool(self.down)
        return bool(self.down)

    def __str__(self) -> str:
        if self.down is None:
            return _WAITING
        return f"{'down' if self.down else 'up':4}  pressed {self.presses}, bounced {self.bounces}"


class Watch:
    """debounce_s: for so long after an edge that counts, others of the same footswitch are its bounces.

    If it stands otherwise then, that counts too, as for `footswitch.Footswitches`.
    Where a switch stands when it is heard first, or again after its driver was opened anew, is no press.
    """

    def __init__(self, wiring: Wiring, debounce_s: float) -> None:
        self._debounce_s = debounce_s
        self._switches = {name: _Switch() for name in wiring.names("switches")}
        self._knobs: dict[str, float | None] = dict.fromkeys(wiring.names("knobs"))
        self._encoders = dict.fromkeys(wiring.names("encoders"), 0)

    @property
    def heard_all(self) -> bool:
        """Of everything that tells where it stands when it is opened."""
        return all(one.down is not None for one in self._switches.values()) and None not in self._knobs.values()

    def hear(self, event: Event) -> str | None:
        """The footswitch that it presses, if it does."""
        match event:
            case Edge(switch=name) if name in self._switches:
                return name if self._switches[name].hear(event, self._debounce_s) else None
            case Position(knob=name) if name in self._knobs:
                self._knobs[name] = event.value
            case Clicks(encoder=name) if name in self._encoders:
                self._encoders[name] += event.clicks
        return None

    def tick(self, now_s: float) -> list[str]:
        """Footswitches that count as pressed, now that they do not bounce any more."""
        return [name for name, switch in self._switches.items() if switch.settle(now_s, self._debounce_s)]

    def lines(self, names: Mapping[str, str]) -> list[str]:
        """One for each control. names: of footswitches that are called otherwise by now."""
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
