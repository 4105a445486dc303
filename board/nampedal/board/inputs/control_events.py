"""The interface between drivers and the firmware: events that drivers post, and lights that they show.

Control names are the same for every driver: footswitches are "1", "2", ...; knobs and lights have the names of the
profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Edge:
    """A footswitch was pressed or released. time_s: time of the edge; all events use the clock of time.monotonic()."""

    time_s: float
    switch: str
    down: bool


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a knob or an expression pedal. value: 0 to 1 of the converter's range, without calibration."""

    time_s: float
    knob: str
    value: float


@dataclass(frozen=True, slots=True)
class Clicks:
    """An encoder was turned. clicks: number of clicks; clockwise is positive."""

    time_s: float
    encoder: str
    clicks: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A driver has failed; it has to be closed, and opened again later. driver: its name.  reason: text for the log."""

    time_s: float
    driver: str
    reason: str


Event = Edge | Position | Clicks | Failure
Post = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Light:
    """The state of a light.

    level: brightness, 0 to 1; a light that is only on or off is on above 0.5.
    colour: red, green and blue, 0 to 1 each, for lights that have colours.
    """

    level: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Driver(Protocol):
    """A driver of one piece of hardware, or of several on one line.

    Only one method may run at a time, but in any thread. The driver posts events from its own threads. It posts nothing
    before open() or after close(). While nothing moves, it uses its bus as little as possible, because bus traffic can
    be heard.
    """

    @property
    def name(self) -> str:
        """The name in the profile, for messages, such as 'gpio' or 'serial'."""

    def open(self, post: Post) -> None:
        """Open the hardware and post the current state of the controls. It may take a second. Raises ControlsError."""

    def show(self, lights: Mapping[str, Light]) -> None:
        """Show the changed lights; ignore lights that the driver does not have. Raises ControlsError."""

    def close(self) -> None:
        """Close the hardware and turn its lights off. It may be called after a failure and more than once."""
