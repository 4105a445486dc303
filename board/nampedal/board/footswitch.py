"""From edges of footswitches to gestures, without a clock, a thread or a pin.

Debouncing. A switch's first edge counts at once. For debounce_s behind it that switch is not listened to; if it then
stands otherwise than it was taken to stand, that change counts at that moment. So nothing that a foot does is lost, and
nothing is late but what came while the contacts were still bouncing.

Gestures. A stroke is one switch going down and coming up. What is not bound is never told, and costs no time: a gesture
waits only for the slower ones that are bound to the same switch.

    gesture     is told
    press       at the down edge, if nothing below is bound;
      + chord   when chord_s has passed, or at the up edge if that is earlier;
      + long    at the up edge, if that comes before long_s has passed;
      + double  double_s after the up edge; when long_s has passed, if the switch is still down;
      + repeat  no later than without it.
    long        when long_s has passed since the down edge, the switch still down.
    double      at the second down edge, if that comes within double_s of the up edge of a stroke shorter than long_s.
    chord       at the second switch's down edge, if that comes within chord_s of the first one's, still down.
    repeat      when long_s has passed since the down edge, then every repeat_s, until the up edge; where that moment
                tells a long or a late press, repeat_s later. No second stroke of a double repeats.
    release     at the up edge, behind whatever else the stroke is told as; so with double, together with the press.

A stroke is one of these only: a press, a long, a part of a double, a part of a chord. A double's first stroke and a
chord's two tell no release. Where more than one could be, the chord comes first: a switch that was tapped and comes
down again close to a partner is a press and a chord, no double. Of several partners, the one that went down first.
Several waits on a switch follow each other: the chord's, then that for the up edge, then the double's.

A moment that ends a wait no longer belongs to it: down for exactly long_s is long, another switch exactly chord_s later
is too late.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from nampedal.board.controls import Edge
from nampedal.board.errors import FootswitchTimesError, TriggerError

Kind = Literal["press", "release", "long", "double", "chord", "repeat"]
_WORDS: tuple[Kind, ...] = ("long", "double", "repeat", "release")
_FORMS = "'1' for a press, '1 long', '1 double', '1 repeat', '1 release', or '1+2' for a chord"

# Whatever is chosen: contacts settle before a double's pause is over, and a chord's wait before the long time.
LIMITS_S = {
    "debounce_s": (0.0, 0.1),
    "chord_s": (0.01, 0.25),
    "long_s": (0.3, 5.0),
    "double_s": (0.15, 1.0),
    "repeat_s": (0.02, 2.0),
}
# Clocks that are further apart are not late, they are wrong; a repeat that is told later than that helps nobody.
APART_S = 1.0
# No monotonic clock says more: it would have run for thirty years.
_MOST_S = 1e9
_NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class Times:
    """How long a foot takes, in seconds. Raises FootswitchTimesError beyond LIMITS_S.

    debounce_s: longer than contacts bounce, shorter than a tap.  chord_s: what every press of a switch with a chord is
    late by, so as short as two switches can be hit together: keyboards give ten fingers 50 ms (KMK firmware, combos).
    """

    debounce_s: float = 0.02
    chord_s: float = 0.06
    long_s: float = 0.5
    double_s: float = 0.3
    repeat_s: float = 0.15

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            (low, high), found = LIMITS_S[name], getattr(self, name)
            # NaN lies nowhere.
            if not low <= found <= high:
                raise FootswitchTimesError(f"footswitches: {name}: is {found:g}; allowed are {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an action is bound to. switches: two of a chord, in the order of their numbers, else one.

    Raises TriggerError.
    """

    kind: Kind
    switches: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise TriggerError(f"trigger {self.kind!r}: is no gesture; known are {', '.join(get_args(Kind))}")
        named = ", ".join(self.switches)
        if self.kind == "chord" and (len(self.switches) != 2 or self.switches[0] == self.switches[1]):
            raise TriggerError(f"trigger 'chord': has the switches '{named}'; two different ones are needed")
        if self.kind != "chord" and len(self.switches) != 1:
            raise TriggerError(f"trigger {self.kind!r}: has the switches '{named}'; one is needed")
        ordered = tuple(sorted(self.switches, key=_by_number))
        object.__setattr__(self, "switches", ordered)

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """'1', '1 long', '1 double', '1 repeat', '1 release' or '1+2'. Raises TriggerError."""
        where, space, word = text.partition(" ")
        names = where.split("+")
        for name in names:
            if re.fullmatch("[1-9][0-9]*", name) is None:
                raise TriggerError(f"trigger {text!r}: {name!r} is no footswitch's number; write {_FORMS}")
        if len(names) > 1:
            if space or len(names) > 2 or names[0] == names[1]:
                raise TriggerError(f"trigger {text!r}: a chord is two different switches and no word; write {_FORMS}")
            return cls("chord", tuple(names))
        for kind in _WORDS:
            if word == kind:
                return cls(kind, (where,))
        if space:
            raise TriggerError(f"trigger {text!r}: {word!r} is no gesture of one switch; write {_FORMS}")
        return cls("press", (where,))

    def __str__(self) -> str:
        """As parse() takes it."""
        where = "+".join(self.switches)
        return f"{where} {self.kind}" if self.kind in _WORDS else where


@dataclass(frozen=True, slots=True)
class Gesture:
    """What a foot did. time: when that was certain, however much later it was asked for."""

    kind: Kind
    switches: tuple[str, ...]
    time_s: float

    @property
    def trigger(self) -> Trigger:
        """What it sets off."""
        return Trigger(self.kind, self.switches)


@dataclass(frozen=True, slots=True)
class _Bound:
    """What is bound to one switch. kinds: without chords; those are the partners."""

    kinds: frozenset[Kind] = frozenset()
    partners: frozenset[str] = frozenset()


class _State(enum.Enum):
    # Up, or down in a stroke of which nothing is told any more.
    IDLE = enum.auto()
    # Down, and may become a chord.
    CHORDABLE = enum.auto()
    # Down, and not yet told what as.
    UNDECIDED = enum.auto()
    # Down, and told: only repeats and the release are to come.
    TOLD = enum.auto()
    # Up, and may become a double.
    TAPPED = enum.auto()


@dataclass(slots=True, eq=False)
class _Switch:
    """One footswitch. level: of its last edge.  down: what it is taken for.  ends_s: of the wait that `state` is."""

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
        """When something changes without an edge."""
        return self.ends_s if self.level == self.down else min(self.ends_s, self.deaf_until_s)

    def shift(self, by_s: float) -> None:
        self.deaf_until_s += by_s
        self.down_s += by_s
        self.ends_s += by_s


class Footswitches:
    """All footswitches of a pedal. For one thread; times are seconds of one monotonic clock.

    No sequence of calls raises or gets a switch stuck. An edge that is older than what is already known counts as of
    now, and so does one whose time no clock can say (NaN). One from the future makes waits end too early; then tick()
    is told a time more than APART_S before it, and that is believed.
    """

    def __init__(self, bound: Iterable[Trigger], times: Times | None = None) -> None:
        self._times = times or Times()
        self._switches: dict[str, _Switch] = {}
        self._bound: dict[str, _Bound] = {}
        self._now_s = 0.0
        # Nothing is to do before; maybe not then either.
        self._quiet_until_s = _NEVER_S
        self._told: list[Gesture] = []
        self.bind(bound)

    def bind(self, bound: Iterable[Trigger]) -> None:
        """What is told from now on.

        A switch to which the same is bound as before goes on undisturbed, whatever its stroke is about to become. Any
        other drops the stroke that it is in, and is heard again when it has come up.
        """
        bound = set(bound)
        names = {name for trigger in bound for name in trigger.switches}
        self._bound = {name: _bound_to(name, bound) for name in names}
        for switch in self._switches.values():
            new = self._bound.get(switch.name, _Bound())
            if new != switch.bound:
                switch.bound = new
                switch.go(_State.IDLE)

    def hear(self, edge: Edge) -> list[Gesture]:
        """What is certain with this edge, in the order of time: it, and what came to an end before it."""
        now_s = edge.time_s
        if not self._now_s < now_s <= _MOST_S:
            now_s = self._now_s
        if now_s >= self._quiet_until_s:
            self._advance(now_s)
        self._now_s = now_s
        switch = self._switches.get(edge.switch) or self._add(edge.switch)
        switch.level = edge.down
        if switch.level == switch.down:
            return self._take()
        if now_s >= switch.deaf_until_s:
            self._change(switch, now_s)
        else:
            self._quiet_until_s = min(self._quiet_until_s, switch.deaf_until_s)
        return self._take()

    def tick(self, now_s: float) -> list[Gesture]:
        """What is certain by now.

        How often it is called changes nothing of what is told, only how soon; but repeats that would be told more than
        APART_S late are not told at all.
        """
        if not 0.0 <= now_s <= _MOST_S:
            return []
        if now_s < self._now_s - APART_S:
            for switch in self._switches.values():
                switch.shift(now_s - self._now_s)
            self._now_s = now_s
        self._advance(max(now_s, self._now_s))
        return self._take()

    def next_deadline(self) -> float | None:
        """When tick() has something to do, if nothing is heard before; None: never."""
        self._quiet_until_s = min((switch.next_s() for switch in self._switches.values()), default=_NEVER_S)
        return self._quiet_until_s if self._quiet_until_s < _NEVER_S else None

    def _add(self, name: str) -> _Switch:
        """In the switches' order: that is how what is due at the same moment is told, whichever was heard first."""
        known = {**self._switches, name: _Switch(name, self._bound.get(name, _Bound()))}
        self._switches = {each: known[each] for each in sorted(known, key=_by_number)}
        return known[name]

    def _take(self) -> list[Gesture]:
        told, self._told = self._told, []
        return told

    def _advance(self, now_s: float) -> None:
        """All that comes to an end until now, now included, in the order of time."""
        self._now_s = now_s
        while (deadline_s := self.next_deadline()) is not None and deadline_s <= now_s:
            switch = next(each for each in self._switches.values() if each.next_s() == deadline_s)
            if switch.ends_s == deadline_s:
                self._end_wait(switch, deadline_s)
            else:
                self._change(switch, deadline_s)

    def _change(self, switch: _Switch, at_s: float) -> None:
        """Takes the switch for what its last edge said."""
        switch.down = switch.level
        switch.deaf_until_s = at_s + self._times.debounce_s
        if switch.down:
            self._go_down(switch, at_s)
        else:
            self._come_up(switch, at_s)
        self._quiet_until_s = min(self._quiet_until_s, switch.ends_s)

    def _go_down(self, switch: _Switch, at_s: float) -> None:
        switch.down_s = at_s
        partner = self._chordable_partner(switch)
        if partner is not None:
            if switch.state is _State.TAPPED:
                self._tell_over(switch, at_s)
            chord = Trigger("chord", (switch.name, partner.name))
            self._told.append(Gesture("chord", chord.switches, at_s))
            switch.go(_State.IDLE)
            partner.go(_State.IDLE)
        elif switch.state is _State.TAPPED:
            self._tell("double", switch, at_s)
            switch.go(_State.TOLD)
        elif switch.bound.partners:
            switch.go(_State.CHORDABLE, at_s + self._times.chord_s)
        else:
            self._go_on_alone(switch, at_s)

    def _chordable_partner(self, switch: _Switch) -> _Switch | None:
        found = [self._switches[name] for name in switch.bound.partners if name in self._switches]
        chordable = [each for each in found if each.state is _State.CHORDABLE]
        return min(chordable, key=lambda each: (each.down_s, _by_number(each.name)), default=None)

    def _go_on_alone(self, switch: _Switch, at_s: float) -> None:
        """It is no chord."""
        kinds = switch.bound.kinds
        long_s = switch.down_s + self._times.long_s
        if "long" in kinds or "double" in kinds:
            switch.go(_State.UNDECIDED, long_s)
        else:
            self._tell("press", switch, at_s)
            switch.go(_State.TOLD, long_s if "repeat" in kinds else _NEVER_S)

    def _come_up(self, switch: _Switch, at_s: float) -> None:
        undecided = switch.state in (_State.CHORDABLE, _State.UNDECIDED)
        if undecided and "double" in switch.bound.kinds:
            switch.go(_State.TAPPED, at_s + self._times.double_s)
            return
        if undecided:
            self._tell_over(switch, at_s)
        elif switch.state is _State.TOLD:
            self._tell("release", switch, at_s)
        switch.go(_State.IDLE)

    def _end_wait(self, switch: _Switch, at_s: float) -> None:
        if switch.state is _State.CHORDABLE:
            self._go_on_alone(switch, at_s)
        elif switch.state is _State.TAPPED:
            self._tell_over(switch, at_s)
            switch.go(_State.IDLE)
        else:
            self._hold(switch, at_s)

    def _hold(self, switch: _Switch, at_s: float) -> None:
        """It has been down for the long time, or for another repeat."""
        late = self._now_s - at_s > APART_S
        undecided = switch.state is _State.UNDECIDED
        told = undecided and self._tell("long" if "long" in switch.bound.kinds else "press", switch, at_s)
        if not told and not late:
            self._tell("repeat", switch, at_s)
        again_s = self._now_s if late else at_s + self._times.repeat_s
        switch.go(_State.TOLD, again_s if "repeat" in switch.bound.kinds else _NEVER_S)

    def _tell_over(self, switch: _Switch, at_s: float) -> None:
        """A stroke was a press, and is over."""
        self._tell("press", switch, at_s)
        self._tell("release", switch, at_s)

    def _tell(self, kind: Kind, switch: _Switch, at_s: float) -> bool:
        """If it is bound."""
        if kind not in switch.bound.kinds:
            return False
        self._told.append(Gesture(kind, switch.names, at_s))
        return True


def _by_number(name: str) -> tuple[int, str]:
    """To sort switches by. Numbers without leading zeros: the longer, the larger."""
    return len(name), name


def _bound_to(name: str, bound: set[Trigger]) -> _Bound:
    mine = [trigger for trigger in bound if name in trigger.switches]
    chords = [trigger.switches for trigger in mine if trigger.kind == "chord"]
    return _Bound(
        kinds=frozenset(trigger.kind for trigger in mine if trigger.kind != "chord"),
        partners=frozenset(other for switches in chords for other in switches if other != name),
    )
