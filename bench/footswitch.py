"""Feeds random edges to the footswitch state machine: checks that it loses, invents or blocks nothing, and its speed.

Six switches get bouncing contacts, taps, holds, chords, repeated edges and late edges, in rounds of a thousand edges.
Each round binds other gestures. Every second round calls tick() only when an edge comes, not at each deadline. At the
end of a round all switches are released. Then it is checked that:

- the state machine has no deadline left;
- all gestures are bound, and in the order of time;
- each stroke that debouncing leaves gives exactly one gesture on a switch with a bound press, elsewhere at most one;
- each of these gestures except chords is followed by exactly one release, if release is bound too.

    python bench/footswitch.py [--edges 10000000] [--seed 0]
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nampedal.board.inputs.control_events import Edge
from nampedal.board.inputs.footswitch import Footswitches, Gesture, GestureTimes, Kind, Trigger

SWITCHES = ("1", "2", "3", "4", "5", "6")
ROUND = 1000
# Longer than any timeout of the state machine.
REST_S = 5.0
WORDS: tuple[Kind, ...] = ("press", "long", "double", "repeat", "release")


@dataclass
class Counts:
    """What was measured. edges, strokes, rounds: the input.  gestures: the output by kind.  seconds: time in the state
    machine.
    """

    edges: int = 0
    strokes: int = 0
    rounds: int = 0
    gestures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(slots=True)
class _Contact:
    """A second implementation of debouncing, after the manual. strokes: how often the contact went down."""

    down: bool = False
    level: bool = False
    deaf_until_s: float = 0.0
    strokes: int = 0

    def settle(self, until_s: float, debounce_s: float) -> None:
        if self.level != self.down and self.deaf_until_s <= until_s:
            self._change(self.deaf_until_s, debounce_s)

    def hear(self, now_s: float, level: bool, debounce_s: float) -> None:
        self.settle(now_s, debounce_s)
        self.level = level
        if level != self.down and now_s >= self.deaf_until_s:
            self._change(now_s, debounce_s)

    def _change(self, at_s: float, debounce_s: float) -> None:
        self.down = self.level
        self.strokes += self.down
        self.deaf_until_s = at_s + debounce_s


def strokes(edges: Iterable[Edge], debounce_s: float) -> Counter[str]:
    """Return how often each switch went down. All switches are up before the edges, and no edge comes after them."""
    contacts = {name: _Contact() for name in SWITCHES}
    now_s = 0.0
    for edge in edges:
        now_s = max(now_s, edge.time_s)
        contacts[edge.switch].hear(now_s, edge.down, debounce_s)
    for contact in contacts.values():
        contact.settle(now_s + REST_S, debounce_s)
    return Counter({name: contact.strokes for name, contact in contacts.items()})


def some_triggers(rng: random.Random) -> set[Trigger]:
    ones = {Trigger(kind, (name,)) for name in SWITCHES for kind in WORDS if rng.random() < 0.4}
    pairs = {Trigger("chord", pair) for pair in itertools.combinations(SWITCHES, 2) if rng.random() < 0.2}
    return ones | pairs


def some_edges(rng: random.Random, start_s: float, count: int) -> list[Edge]:
    """Return random edges. The last ones release all switches."""
    edges, now_s = [], start_s
    levels = dict.fromkeys(SWITCHES, False)
    name = SWITCHES[0]
    for _ in range(count - len(SWITCHES)):
        chance = rng.random()
        if chance < 0.5:
            now_s += rng.uniform(0.0, 0.008)
        elif chance < 0.9:
            now_s += rng.uniform(0.0, rng.choice((0.08, 0.3)))
            name = rng.choice(SWITCHES)
        else:
            now_s += rng.uniform(0.0, 1.5)
        levels[name] = not levels[name] if rng.random() < 0.95 else levels[name]
        late_s = rng.uniform(0.0, 0.02) if rng.random() < 0.05 else 0.0
        edges.append(Edge(now_s - late_s, name, levels[name]))
    return edges + [Edge(now_s, each, False) for each in SWITCHES]


def play(machine: Footswitches, edges: list[Edge], ticks: bool) -> list[Gesture]:
    """Return the gestures until the state machine is idle. ticks: call tick() at each deadline, not only at edges."""
    told = []
    for edge in edges:
        while ticks and (deadline_s := machine.next_deadline()) is not None and deadline_s < edge.time_s:
            told += machine.tick(deadline_s)
        told += machine.handle_edge(edge)
    told += machine.tick(max(edge.time_s for edge in edges) + REST_S)
    return told


def check(machine: Footswitches, bound: set[Trigger], downs: Counter[str], told: list[Gesture]) -> None:
    assert machine.next_deadline() is None, "it does not rest"
    assert all(before.time_s <= after.time_s for before, after in itertools.pairwise(told)), "out of order"
    assert {gesture.trigger for gesture in told} <= bound, "not bound"
    found = Counter((gesture.kind, name) for gesture in told for name in gesture.switches)
    for name in SWITCHES:
        alone = found["press", name] + found["long", name] + found["double", name]
        all_told = alone + found["double", name] + found["chord", name]
        pressed, released = Trigger("press", (name,)) in bound, Trigger("release", (name,)) in bound
        assert all_told == downs[name] if pressed else all_told <= downs[name], f"switch {name}: {found}"
        assert not (pressed and released) or found["release", name] == alone, f"switch {name}: {found}"


def run(edges: int, seed: int = 0, times: GestureTimes | None = None) -> Counts:
    """Run rounds until so many edges were played, and return the counts. Raises AssertionError if a check fails."""
    times = times or GestureTimes()
    rng = random.Random(seed)
    machine = Footswitches([], times)
    counts, start_s = Counts(), 0.0
    while counts.edges < edges:
        bound = some_triggers(rng)
        machine.bind(bound)
        played = some_edges(rng, start_s, min(ROUND, max(edges - counts.edges, 2 * len(SWITCHES))))
        begin_s = time.perf_counter()
        told = play(machine, played, ticks=counts.rounds % 2 == 0)
        counts.seconds += time.perf_counter() - begin_s
        downs = strokes(played, times.debounce_s)
        check(machine, bound, downs, told)
        counts.gestures.update(gesture.kind for gesture in told)
        counts.edges += len(played)
        counts.strokes += downs.total()
        counts.rounds += 1
        start_s = played[-1].time_s + 2.0 * REST_S
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts = run(arguments.edges, arguments.seed)
    print(f"{counts.edges:,} edges in {counts.rounds:,} rounds: {counts.strokes:,} strokes, none lost, none made up")
    for kind, count in sorted(counts.gestures.items()):
        print(f"{kind:8} {count:12,}")
    print(f"{counts.edges / counts.seconds:,.0f} edges/s")


if __name__ == "__main__":
    main()
