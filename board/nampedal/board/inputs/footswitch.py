"""Converts edges of footswitches to gestures. It is pure logic: the caller supplies the edges and the time.

Debouncing. A switch's first edge counts at once. For debounce_s after it, further edges of that switch do not count. If
the switch is in the other state at the end of that time, this change counts then. So no stroke is lost, and only
changes that came while the contacts were still bouncing are late.

Gestures. A stroke is one press and release of a switch. A gesture that is not bound is never reported and causes no
delay: a gesture waits only for slower gestures that are bound to the same switch.

    gesture     is reported
    press       at the down edge, if nothing below is bound;
      + chord   when chord_s has passed, or at the up edge if that is earlier;
      + long    at the up edge, if that comes before long_s has passed;
      + double  double_s after the up edge; when long_s has passed, if the switch is still down;
      + repeat  no later than without it.
    long        when long_s has passed since the down edge, the switch still down.
    double      at the second down edge, if that comes within double_s of the up edge of a stroke shorter than long_s.
    chord       at the second switch's down edge, if that comes within chord_s of the first one's, still down.
    repeat      when long_s has passed since the down edge, then every repeat_s, until the up edge; if a long or a late
                press is reported at that first moment, repeat_s later. The second stroke of a double never repeats.
    release     at the up edge, after the stroke's other gesture; so with double bound, together with the press.

A stroke is only one of these: a press, a long, a part of a double, a part of a chord. The first stroke of a double and
both strokes of a chord have no release. A chord has priority: a switch that was tapped and is pressed again together
with a partner gives a press and a chord, no double. Among several partners, the one that was pressed first counts.
Several waits of one switch come one after the other: for the chord, then for the up edge, then for the double.

The end of a wait does not belong to it: a press of exactly long_s is a long, and a second switch exactly chord_s later
is too late for a chord.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from nampedal.board.inputs.control_events import Edge
from nampedal.firmware.base.errors import ControlMapError, SettingValueError

Kind = Literal["press", "release", "long", "double", "chord", "repeat"]
_WORDS: tuple[Kind, ...] = ("long", "double", "repeat", "release")
_FORMS = "'1' for a press, '1 long', '1 double', '1 repeat', '1 release', or '1+2' for a chord"

# Allowed range of each time. In every combination, debounce_s is shorter than double_s, and chord_s than long_s.
LIMITS_S = {
    "debounce_s": (0.0, 0.1),
    "chord_s": (0.01, 0.25),
    "long_s": (0.3, 5.0),
    "double_s": (0.15, 1.0),
    "repeat_s": (0.02, 2.0),
}
# A larger jump between two times means that a clock is wrong, not late. Repeats later than this are dropped.
APART_S = 1.0
# Maximum time of a monotonic clock in seconds (thirty years).
_MAX_S = 1e9
_NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class GestureTimes:
    """The timing of gestures, in seconds. Raises SettingValueError outside LIMITS_S.

    debounce_s: longer than contacts bounce, shorter than a tap.  chord_s: maximum time between the two switches of a
    chord. It delays every press of a switch with a chord, so it should be short; for comparison, keyboards allow 50 ms
    for ten fingers (KMK firmware, combos).  long_s: minimum time of a long press.  double_s: maximum pause between the
    strokes of a double.  repeat_s: time between repeats.
    """

    debounce_s: float = 0.02
    chord_s: float = 0.06
    long_s: float = 0.5
    double_s: float = 0.3
    repeat_s: float = 0.15

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            (low, high), found = LIMITS_S[name], getattr(self, name)
            # This form of the comparison also rejects NaN.
            if not low <= found <= high:
                raise SettingValueError(f"footswitches: {name}: is {found:g}; allowed are {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class Trigger:
    """The gesture that an action is bound to.

    switches: two for a chord, sorted by number; otherwise one.

    Raises ControlMapError.
    """

    kind: Kind
    switches: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ControlMapError(f"trigger {self.kind!r}: is no gesture; known are {', '.join(get_args(Kind))}")
        named = ", ".join(self.switches)
        if self.kind == "chord" and (len(self.switches) != 2 or self.switches[0] == self.switches[1]):
            raise ControlMapError(f"trigger 'chord': has the switches '{named}'; two different ones are needed")
        if self.kind != "chord" and len(self.switches) != 1:
            raise ControlMapError(f"trigger {self.kind!r}: has the switches '{named}'; one is needed")
        ordered = tuple(sorted(self.switches, key=_by_number))
        object.__setattr__(self, "switches", ordered)

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """Parse '1', '1 long', '1 double', '1 repeat', '1 release' or '1+2'. Raises ControlMapError."""
        where, space, word = text.partition(" ")
        names = where.split("+")
        for name in names:
            if re.fullmatch("[1-9][0-9]*", name) is None:
                raise ControlMapError(f"trigger {text!r}: {name!r} is no footswitch's number; write {_FORMS}")
        if len(names) > 1:
            if space or len(names) > 2 or names[0] == names[1]:
                raise ControlMapError(
                    f"trigger {text!r}: a chord is two different switches and no word; write {_FORMS}"
                )
            return cls("chord", tuple(names))
        for kind in _WORDS:
            if word == kind:
                return cls(kind, (where,))
        if space:
            raise ControlMapError(f"trigger {text!r}: {word!r} is no gesture of one switch; write {_FORMS}")
        return cls("press", (where,))

    def __str__(self) -> str:
        """Return the text that parse() accepts."""
        where = "+".join(self.switches)
        return f"{where} {self.kind}" if self.kind in _WORDS else where


@dataclass(frozen=True, slots=True)
class Gesture:
    """A gesture that was made. time_s: when it became certain, even if it was returned later."""

    kind: Kind
    switches: tuple[str, ...]
    time_s: float

    @property
    def trigger(self) -> Trigger:
        """The trigger that the gesture fires."""
        return Trigger(self.kind, self.switches)


@dataclass(frozen=True, slots=True)
class _Bound:
    """The gestures that are bound to one switch.

    kinds: all except chords.  partners: the other switches of its chords.
    """

    kinds: frozenset[Kind] = frozenset()
    partners: frozenset[str] = frozenset()


class _State(enum.Enum):
    # Up, or down in a stroke that reports nothing more.
    IDLE = enum.auto()
    # Down; it may become a chord.
    CHORDABLE = enum.auto()
    # Down; it may become a press, a long or a double.
    UNDECIDED = enum.auto()
    # Down, and reported; only repeats and the release can follow.
    REPORTED = enum.auto()
    # Up; it may become a double.
    TAPPED = enum.auto()


@dataclass(slots=True, eq=False)
class _SwitchState:
    """The state of one footswitch.

    level: level of its last edge, True if pressed.  down: the debounced level.  deaf_until_s: end of the debounce time.
    down_s: time of the last debounced press.  ends_s: end of the wait that `state` is.
    """

    name: str
    bound: _Bound
    names: tuple[str, ...] = field(init=False)
    level: bool = False
    down: bool = False
    deaf_until_s: float = -_NEVER_S
    state: _State = _State.IDLE
    down_s: float = 0.0
    ends_s: float = _NEVER_S

    def __post_init__(self) -> None:
        self.names = (self.name,)

    def go(self, state: _State, ends_s: float = _NEVER_S) -> None:
        self.state, self.ends_s = state, ends_s

    def next_s(self) -> float:
        """Return the time of the next change without an edge."""
        return self.ends_s if self.level == self.down else min(self.ends_s, self.deaf_until_s)

    def shift(self, by_s: float) -> None:
        self.deaf_until_s += by_s
        self.down_s += by_s
        self.ends_s += by_s


class Footswitches:
    """Detects the gestures of all footswitches of a pedal.

    For use by one thread. Times are seconds of one monotonic clock.
    No sequence of calls raises an exception or leaves a switch stuck. An edge with a time before the latest known time
    counts at the latest known time; so does an edge with an invalid time (NaN). An edge from the future makes waits end
    too early. When tick() then gets a time more than APART_S before it, all times are shifted back.
    """

    def __init__(self, bound: Iterable[Trigger], times: GestureTimes | None = None) -> None:
        self._times = times or GestureTimes()
        self._switches: dict[str, _SwitchState] = {}
        self._bound: dict[str, _Bound] = {}
        self._now_s = 0.0
        # Nothing happens before this time without an edge; it may be too early, but never too late.
        self._quiet_until_s = _NEVER_S
        self._gestures: list[Gesture] = []
        self.bind(bound)

    def bind(self, bound: Iterable[Trigger]) -> None:
        """Set the triggers that are reported from now on.

        A switch whose triggers do not change keeps its current stroke. Any other switch drops its current stroke and
        reports again after it was released.
        """
        bound = set(bound)
        names = {name for trigger in bound for name in trigger.switches}
        self._bound = {name: _bound_to(name, bound) for name in names}
        for switch in self._switches.values():
            new = self._bound.get(switch.name, _Bound())
            if new != switch.bound:
                switch.bound = new
                switch.go(_State.IDLE)

    def handle_edge(self, edge: Edge) -> list[Gesture]:
        """Process an edge. Return all gestures that are certain now, in order of time, earlier ones included."""
        now_s = edge.time_s
        if not self._now_s < now_s <= _MAX_S:
            now_s = self._now_s
        if now_s >= self._quiet_until_s:
            self._advance(now_s)
        self._now_s = now_s
        switch = self._switches.get(edge.switch) or self._add(edge.switch)
        switch.level = edge.down
        if switch.level == switch.down:
            return self._take_gestures()
        if now_s >= switch.deaf_until_s:
            self._change(switch, now_s)
        else:
            self._quiet_until_s = min(self._quiet_until_s, switch.deaf_until_s)
        return self._take_gestures()

    def tick(self, now_s: float) -> list[Gesture]:
        """Return the gestures that are certain by now.

        The number of calls does not change the gestures, only how soon they are returned. Exception: repeats that would
        be more than APART_S late are dropped.
        """
        if not 0.0 <= now_s <= _MAX_S:
            return []
        if now_s < self._now_s - APART_S:
            for switch in self._switches.values():
                switch.shift(now_s - self._now_s)
            self._now_s = now_s
        self._advance(max(now_s, self._now_s))
        return self._take_gestures()

    def next_deadline(self) -> float | None:
        """Return the time of the next needed tick(), if no edge comes first; None if none is needed."""
        self._quiet_until_s = min((switch.next_s() for switch in self._switches.values()), default=_NEVER_S)
        return self._quiet_until_s if self._quiet_until_s < _NEVER_S else None

    def _add(self, name: str) -> _SwitchState:
        """Add a switch, and keep all sorted by number: gestures of the same time are reported in that order."""
        known = {**self._switches, name: _SwitchState(name, self._bound.get(name, _Bound()))}
        self._switches = {each: known[each] for each in sorted(known, key=_by_number)}
        return known[name]

    def _take_gestures(self) -> list[Gesture]:
        gestures, self._gestures = self._gestures, []
        return gestures

    def _advance(self, now_s: float) -> None:
        """End all waits up to and including now, in order of time."""
        self._now_s = now_s
        while (deadline_s := self.next_deadline()) is not None and deadline_s <= now_s:
            switch = next(each for each in self._switches.values() if each.next_s() == deadline_s)
            if switch.ends_s == deadline_s:
                self._end_wait(switch, deadline_s)
            else:
                self._change(switch, deadline_s)

    def _change(self, switch: _SwitchState, at_s: float) -> None:
        """Set the debounced level to the level of the last edge."""
        switch.down = switch.level
        switch.deaf_until_s = at_s + self._times.debounce_s
        if switch.down:
            self._go_down(switch, at_s)
        else:
            self._come_up(switch, at_s)
        self._quiet_until_s = min(self._quiet_until_s, switch.ends_s)

    def _go_down(self, switch: _SwitchState, at_s: float) -> None:
        switch.down_s = at_s
        partner = self._chordable_partner(switch)
        if partner is not None:
            if switch.state is _State.TAPPED:
                self._report_stroke(switch, at_s)
            chord = Trigger("chord", (switch.name, partner.name))
            self._gestures.append(Gesture("chord", chord.switches, at_s))
            switch.go(_State.IDLE)
            partner.go(_State.IDLE)
        elif switch.state is _State.TAPPED:
            self._report("double", switch, at_s)
            switch.go(_State.REPORTED)
        elif switch.bound.partners:
            switch.go(_State.CHORDABLE, at_s + self._times.chord_s)
        else:
            self._go_on_alone(switch, at_s)

    def _chordable_partner(self, switch: _SwitchState) -> _SwitchState | None:
        found = [self._switches[name] for name in switch.bound.partners if name in self._switches]
        chordable = [each for each in found if each.state is _State.CHORDABLE]
        return min(chordable, key=lambda each: (each.down_s, _by_number(each.name)), default=None)

    def _go_on_alone(self, switch: _SwitchState, at_s: float) -> None:
        """Continue a stroke that is no chord."""
        kinds = switch.bound.kinds
        long_s = switch.down_s + self._times.long_s
        if "long" in kinds or "double" in kinds:
            switch.go(_State.UNDECIDED, long_s)
        else:
            self._report("press", switch, at_s)
            switch.go(_State.REPORTED, long_s if "repeat" in kinds else _NEVER_S)

    def _come_up(self, switch: _SwitchState, at_s: float) -> None:
        undecided = switch.state in (_State.CHORDABLE, _State.UNDECIDED)
        if undecided and "double" in switch.bound.kinds:
            switch.go(_State.TAPPED, at_s + self._times.double_s)
            return
        if undecided:
            self._report_stroke(switch, at_s)
        elif switch.state is _State.REPORTED:
            self._report("release", switch, at_s)
        switch.go(_State.IDLE)

    def _end_wait(self, switch: _SwitchState, at_s: float) -> None:
        if switch.state is _State.CHORDABLE:
            self._go_on_alone(switch, at_s)
        elif switch.state is _State.TAPPED:
            self._report_stroke(switch, at_s)
            switch.go(_State.IDLE)
        else:
            self._hold(switch, at_s)

    def _hold(self, switch: _SwitchState, at_s: float) -> None:
        """Report a long or late press after long_s, or the next repeat."""
        late = self._now_s - at_s > APART_S
        undecided = switch.state is _State.UNDECIDED
        reported = undecided and self._report("long" if "long" in switch.bound.kinds else "press", switch, at_s)
        if not reported and not late:
            self._report("repeat", switch, at_s)
        again_s = self._now_s if late else at_s + self._times.repeat_s
        switch.go(_State.REPORTED, again_s if "repeat" in switch.bound.kinds else _NEVER_S)

    def _report_stroke(self, switch: _SwitchState, at_s: float) -> None:
        """Report a finished stroke as press and release."""
        self._report("press", switch, at_s)
        self._report("release", switch, at_s)

    def _report(self, kind: Kind, switch: _SwitchState, at_s: float) -> bool:
        """Report a gesture if it is bound. Return True if it was."""
        if kind not in switch.bound.kinds:
            return False
        self._gestures.append(Gesture(kind, switch.names, at_s))
        return True


def _by_number(name: str) -> tuple[int, str]:
    """Return the sort key of a switch. Numbers have no leading zeros, so a longer one is larger."""
    return len(name), name


def _bound_to(name: str, bound: set[Trigger]) -> _Bound:
    mine = [trigger for trigger in bound if name in trigger.switches]
    chords = [trigger.switches for trigger in mine if trigger.kind == "chord"]
    return _Bound(
        kinds=frozenset(trigger.kind for trigger in mine if trigger.kind != "chord"),
        partners=frozenset(other for switches in chords for other in switches if other != name),
    )
