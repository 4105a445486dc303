"""Finds the control of a MIDI controller that the player moved. It has no clock and no socket of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from nampedal.firmware.actions.midi import (
    MAX_VALUE,
    ON_THRESHOLD,
    REARM_THRESHOLD,
    ControlChange,
    MidiEvent,
    NoteMessage,
    ProgramChange,
)

# The kinds of messages, by priority, for a switch that sends several at once.
KINDS = ("control change", "note", "program")
# The time from the first movement to the choice of the largest one.
WINDOW_S = 1.0
# A pedal that nobody touches moves less than this.
MOVED = ON_THRESHOLD - REARM_THRESHOLD
# A switch is not pressed more often within WINDOW_S. A source that repeats a value more often is not a switch.
MAX_PRESSES = 8
# The control change n + COARSE is the fine half of the control change n, for n below COARSE.
COARSE = 32
# Not controls: data entry of (N)RPN, parameter numbers, and channel mode messages.
DATA = frozenset((6, 38))
STEPS = frozenset((96, 97))
PARAMETERS = frozenset(range(98, 102))
MODES = frozenset(range(120, MAX_VALUE + 1))


def as_json(heard: MidiEvent) -> list[Any]:
    """Return kind, channel, number and value. The number of a program counts from 1, and its value is 0."""
    match heard:
        case ProgramChange():
            return ["program", heard.channel, heard.number + 1, 0]
        case NoteMessage():
            return ["note", heard.channel, heard.number, heard.velocity]
        case ControlChange():
            return ["control change", heard.channel, heard.number, heard.value]


@dataclass(frozen=True, slots=True)
class LearnedControl:
    """The control that was found.

    kind: 'control change', 'note' or 'program'.
    number: as in the bindings.
    how: its movement, as text for the user.
    """

    kind: str
    channel: int
    number: int
    how: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.number} on channel {self.channel}{self.how and f', {self.how}'}"


@dataclass(slots=True)
class _Track:
    """The history of one control change.

    before: its value before `values`; None: unknown.
    values: times in seconds, and values.
    count: the number of all messages.
    fine: the number of messages directly before or after one of the control whose fine half this would be.
    repeats: True if it ever sent more messages than a foot can cause.
    """

    before: int | None = None
    values: deque[tuple[float, int]] = field(default_factory=deque)
    count: int = 0
    fine: int = 0
    repeats: bool = False

    def put(self, now_s: float, value: int) -> None:
        self.values.append((now_s, value))
        self.count += 1
        self.repeats |= len(self.values) > MAX_PRESSES

    def forget(self, until_s: float) -> None:
        while self.values and self.values[0][0] < until_s:
            self.before = self.values.popleft()[1]

    @property
    def ends(self) -> tuple[int, int]:
        known = [value for _, value in self.values] + ([] if self.before is None else [self.before])
        return min(known), max(known)

    @property
    def travel(self) -> float:
        """Return the distance of the movement; 0: none. Between 0 and MOVED: a switch that sends one value."""
        if not self.values:
            return 0.0
        low, high = self.ends
        if high - low >= MOVED:
            return high - low
        return high / MAX_VALUE if low == high >= ON_THRESHOLD and not self.repeats else 0.0

    @property
    def how(self) -> str:
        low, high = self.ends
        return f"from {low} to {high}" if high > low else f"{high} each time"


class MidiLearner:
    """Finds the moved control. Feed it with all messages until `found` has an answer.

    kinds: the kinds of messages to accept, of `KINDS`.
    """

    def __init__(self, kinds: Collection[str] = KINDS) -> None:
        self._kinds = kinds
        self._tracks: dict[tuple[int, int], _Track] = {}
        self._last: dict[int, int] = {}
        self._others: dict[LearnedControl, None] = {}
        self._parameters: set[int] = set()
        self._opened_s: float | None = None

    def set_initial_values(self, messages: Iterable[list[Any]]) -> None:
        """Store the values of controls from messages that came before the player was asked to move one."""
        for kind, channel, number, value in messages:
            if kind == "control change":
                self._tracks.setdefault((channel, number), _Track()).before = value

    def feed(self, now_s: float, messages: Iterable[list[Any]]) -> None:
        """Process messages in the format of `as_json`, in their order.

        now_s: seconds of any monotonic clock.
        """
        for kind, channel, number, value in messages:
            if kind == "control change":
                self._control(now_s, channel, number, value)
            elif kind == "program" or value:
                self._others[LearnedControl(kind, channel, number)] = None
        # The start of the movement that opened the window.
        begin_s = (now_s if self._opened_s is None else self._opened_s) - WINDOW_S
        for track in self._tracks.values():
            track.forget(begin_s)
        if self._opened_s is None and self._candidates():
            self._opened_s = now_s

    def found(self, now_s: float) -> LearnedControl | None:
        """Return the control with the largest movement, WINDOW_S after the first movement; until then None."""
        if self._opened_s is None or now_s - self._opened_s < WINDOW_S:
            return None
        candidates = self._candidates()
        if candidates:
            return candidates[0]
        # The only candidate turned out to be jitter.
        self._opened_s = None
        return None

    def rejected(self, found: LearnedControl | None) -> list[str]:
        """Return the other controls that sent messages, each once, as text for the user."""
        texts = [str(one) for one in self._others if one != found]
        for (channel, number), track in self._tracks.items():
            one = LearnedControl("control change", channel, number)
            if track.count and (found is None or (channel, number) != (found.channel, found.number)):
                texts.append(f"{one}{self._why_not(channel, number)}")
        return texts

    def _control(self, now_s: float, channel: int, number: int, value: int) -> None:
        track = self._tracks.setdefault((channel, number), _Track())
        track.put(now_s, value)
        last = self._last.get(channel)
        if last == number - COARSE:
            track.fine += 1
        elif last == number + COARSE:
            self._tracks[channel, last].fine += 1
        self._last[channel] = number
        if number in PARAMETERS:
            self._parameters.add(channel)

    def _candidates(self) -> list[LearnedControl]:
        """Return the candidates, the best one first."""
        moved = [
            (track.travel, LearnedControl("control change", channel, number, track.how))
            for (channel, number), track in self._tracks.items()
            if track.travel and not self._why_not(channel, number)
        ]
        moved.sort(key=lambda one: -one[0])
        # For a switch that sends several kinds at once, the control change has priority.
        others = [one for kind in KINDS for one in self._others if one.kind == kind and kind in self._kinds]
        return [found for _, found in moved] + others

    def _why_not(self, channel: int, number: int) -> str:
        track = self._tracks[channel, number]
        if COARSE <= number < 2 * COARSE and 2 * track.fine >= track.count > 0:
            return f", the fine half of {number - COARSE}"
        if number in DATA | PARAMETERS or (number in STEPS and channel in self._parameters):
            return ", a part of an RPN or NRPN"
        return ", a channel mode message" if number in MODES else ""
