"""Random feet on footswitches: nothing lost, nothing made up, nothing stuck, and how fast.

Six switches with bouncing contacts, taps, holds, chords, edges told twice and edges told late, in rounds of a thousand;
every round binds other gestures, and every second one looks for what is due only when an edge comes. Behind each round
all switches come up. Checked then: the machine rests; what it told is bound and in the order of time; every stroke that
debouncing leaves is told as exactly one gesture where a press is bound to its switch, and at most as one elsewhere; and
all of these but chords are followed by exactly one release each where that is bound too.

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

from nampedal.board.controls import Edge
from nampedal.board.footswitch import Footswitches, Gesture, Kind, Times, Trigger

SWITCHES = ("1", "2", "3", "4", "5", "6")
ROUND = 1000
# Longer than any wait.
REST_S = 5.0
WORDS: tuple[Kind, ...] = ("press", "long", "double", "repeat", "release")


@dataclass
class Counts:
    """edges, strokes and rounds: heard.  gestures: told, of each kind.  seconds: that the machine took."""

    edges: int = 0
    strokes: int = 0
    rounds: int = 0
    gestures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(slots=True)
class _Contact:
    """Debouncing once more, as the manual says it. strokes: so many times it went down."""

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
    """How often each switch went down; it was up before, and rests behind."""
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
    """The last edges bring all switches up."""
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
    """What the machine tells, until it rests. ticks: whether it is asked whenever something is due."""
    told = []
    for edge in edges:
        while ticks and (deadline_s := machine.next_deadline()) is not None and deadline_s < edge.time_s:
            told += machine.tick(deadline_s)
        told += machine.hear(edge)
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


def run(edges: int, seed: int = 0, times: Times | None = None) -> Counts:
    """Raises AssertionError."""
    times = times or Times()
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
