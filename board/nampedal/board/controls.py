"""What is under the foot and the hand: events that drivers tell, lights that they show.

Controls have names, the same for every driver: footswitches "1", "2", ..., knobs and lights as the profile calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Edge:
    """A footswitch goes down or up. time: of the edge, on time.monotonic()'s clock, as of all events."""

    time_s: float
    switch: str
    down: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a knob or an expression pedal stands: 0 to 1 of what its converter can tell, nothing else done to it."""

    time_s: float
    knob: str
    value: float


@dataclass(frozen=True, slots=True)
class Clicks:
    """How far an encoder was turned: so many of its clicks, clockwise if positive."""

    time_s: float
    encoder: str
    clicks: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A driver can't go on: it wants to be closed, and opened again later. driver: its name.  reason: for the log."""

    time_s: float
    driver: str
    reason: str


Event = Edge | Position | Clicks | Failure
Post = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Light:
    """level: 0 to 1; a lamp that is on or off is on from a half on.  colour: red, green, blue, 0 to 1, if any."""

    level: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Driver(Protocol):
    """One piece of hardware, or several behind one wire.

    One call at a time, from any thread; what the driver finds out by itself it posts from threads of its own. Nothing
    is posted before open() or after close(). As little as can be goes over a bus while nothing moves: it is heard.
    """

    @property
    def name(self) -> str:
        """As the profile has it, for messages: 'gpio', 'serial'."""

    def open(self, post: Post) -> None:
        """Begins to listen; may take a second. Where the controls stand now is posted. Raises ControlsError."""

    def show(self, lights: Mapping[str, Light]) -> None:
        """Those that have changed, of those that the driver has. Raises ControlsError."""

    def close(self) -> None:
        """Also after a failure, and more than once. Lights go out."""
