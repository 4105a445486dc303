"""Finds the signal path through the chips of a sound card, and its gain."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nampedal.board.mixer.driver_tables import Route, SoundCard
from nampedal.board.mixer.mixer_state import MixerState


@dataclass(frozen=True, slots=True)
class SignalPath:
    """A signal path. routes: in order.  closed: the reasons why no sound passes; empty: sound passes."""

    routes: tuple[Route, ...]
    closed: tuple[str, ...]


def find_path(
    card: SoundCard, state: MixerState, starts: Iterable[str], ends: Callable[[str], bool]
) -> SignalPath | None:
    """Return the path from one of `starts` to a point that `ends` accepts, with the fewest reasons to be closed.

    Return None if there is no path with any mixer settings.
    """
    leaving: dict[str, list[Route]] = {}
    for route in card.routes:
        leaving.setdefault(route.start, []).append(route)
    waiting: list[tuple[int, int, str, SignalPath]] = [(0, 0, start, SignalPath((), ())) for start in sorted(starts)]
    count, done = 0, set()
    while waiting:
        _, _, place, path = heapq.heappop(waiting)
        if place in done:
            continue
        done.add(place)
        if path.routes and ends(place):
            return path
        for route in leaving.get(place, []):
            closed = (*path.closed, *_closed(card, state, route))
            count += 1
            heapq.heappush(waiting, (len(closed), count, route.end, SignalPath((*path.routes, route), closed)))
    return None


def gain_db(card: SoundCard, state: MixerState, path: SignalPath) -> float | None:
    """Return the sum in dB of all volumes on the path; None if the dB value of one is unknown or it is silent."""
    total = 0.0
    for condition in (condition for route in path.routes for condition in route.conditions):
        control = card.controls.get(condition)
        if control is None or control.volume is None:
            continue
        number = state.numbers[control.name]
        db = control.volume.db_of(number) if number is not None else None
        if db is None:
            return None
        total += db
    return total


def _closed(card: SoundCard, state: MixerState, route: Route) -> list[str]:
    """Return the reasons why no sound passes the route."""
    found = []
    for condition in route.conditions:
        name, _, item = condition.partition("=")
        control = card.controls[name]
        if item:
            if state.items[name] != item:
                found.append(f"'{name}' is {state.items[name]!r}, not {item!r}")
            continue
        if control.switch is not None and state.switches[name] is False:
            pin = f" (a pin that the driver {control.driver} leaves off at the start)"
            found.append(f"'{name}' is off{pin if control.switch.pin and not control.switch.default else ''}")
        number = state.numbers.get(name)
        if control.volume is not None and number is not None and control.volume.db and number < control.volume.db[0][0]:
            found.append(f"'{name}' is all the way down")
    return found
