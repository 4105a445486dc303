from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.presets.quality import (
    LASTING_S,
    MAX_WAIT_S,
    ROOM,
    ROOM_S,
    SETTLE_S,
    QualityChange,
    QualityControl,
    QualityLevel,
    steps,
)

TICK_S = 0.02
LAST = 4


def run(
    quality: QualityControl, seconds: float, load: Callable[[int], float], start_s: float = 0.0
) -> Iterator[tuple[float, QualityChange]]:
    """Seven blocks a tick, each taking what `load` says of the step; every change with its time."""
    for tick in range(round(seconds / TICK_S)):
        now_s = start_s + tick * TICK_S
        change = quality.update(now_s, [load(quality.step)] * 7, 0, LAST)
        if change is not None:
            yield now_s, change


def test_the_steps_are_the_tiers_then_the_cabinets_tail_then_dry() -> None:
    assert steps(3) == [
        QualityLevel(0),
        QualityLevel(1),
        QualityLevel(2),
        QualityLevel(2, tail=False),
        QualityLevel(2, tail=False, dry=True),
    ]
    assert [str(step) for step in steps(1)] == ["tier 0", "tier 0, cabinet without its tail", "dry"]


def test_with_room_nothing_changes() -> None:
    assert list(run(QualityControl(), 100.0, lambda step: 0.8)) == []


def test_a_late_block_steps_down_at_once_and_says_why() -> None:
    quality = QualityControl()
    assert quality.update(0.0, [0.3, 1.2, 0.3], 0, LAST) == QualityChange(True, "a block took 120 % of its period")
    assert quality.step == 1


def test_an_xrun_steps_down_at_once() -> None:
    assert QualityControl().update(0.0, [0.3], 2, LAST) == QualityChange(True, "2 xruns")
    assert QualityControl().update(0.0, [0.26, 0.1], 1, LAST) == QualityChange(True, "1 xrun")


def test_an_xrun_that_less_work_would_not_have_helped_changes_nothing() -> None:
    assert QualityControl().update(0.0, [0.1, 0.2], 3, LAST) is None
    assert QualityControl().update(0.0, [], 3, LAST) is None


def test_blocks_near_the_deadline_step_down_before_one_is_late() -> None:
    quality = QualityControl()
    assert quality.update(0.0, [0.9], 0, LAST) is None
    change = quality.update(0.02, [0.9], 0, LAST)
    assert change == QualityChange(True, "2 blocks took more than 85 % of their period")


def test_near_blocks_that_lie_far_apart_are_forgotten() -> None:
    quality = QualityControl()
    assert all(quality.update(tick * 0.1, [0.9, 0.2], 0, LAST) is None for tick in range(100))


def test_overload_goes_down_as_far_as_it_must_and_no_further() -> None:
    quality = QualityControl()
    loads = [1.5, 1.2, 0.7, 0.6, 0.1]
    found = list(run(quality, 1.0, lambda step: loads[step]))
    assert quality.step == 2
    assert [round(now_s, 2) for now_s, _ in found] == [0.0, 0.04]


def test_the_last_resort_is_the_last() -> None:
    quality = QualityControl()
    list(run(quality, 10.0, lambda step: 2.0))
    assert quality.step == LAST


def test_what_the_crossfade_costs_is_not_held_against_the_new_step() -> None:
    quality = QualityControl()
    quality.update(0.0, [1.1], 0, LAST)
    assert quality.update(SETTLE_S / 2, [1.1], 1, LAST) is None
    assert quality.update(SETTLE_S + 0.001, [1.1], 0, LAST) is not None


def test_it_steps_up_again_one_at_a_time_after_room_for_long_enough() -> None:
    quality = QualityControl(2)
    found = list(run(quality, 3 * ROOM_S, lambda step: 0.4))
    assert [change.down for _, change in found] == [False, False]
    assert ROOM_S <= found[0][0] < ROOM_S + 0.1
    assert found[1][0] - found[0][0] >= ROOM_S
    assert found[0][1].reason == "no block took more than 55 % of its period for 10 s"
    assert quality.step == 0


def test_one_full_block_makes_the_wait_begin_again() -> None:
    quality = QualityControl(1)
    for tick in range(round(5 * ROOM_S / TICK_S)):
        load = ROOM + 0.1 if tick % round(0.9 * ROOM_S / TICK_S) == 0 else 0.2
        assert quality.update(tick * TICK_S, [load], 0, LAST) is None


def test_a_step_up_that_does_not_last_is_tried_less_and_less_often() -> None:
    quality = QualityControl(1)
    found = list(run(quality, 3600.0, lambda step: 0.4 if step else 0.95))
    ups = [now_s for now_s, change in found if not change.down]
    waits = [after - before for before, after in itertools.pairwise(ups)]
    assert len(ups) < 12
    assert waits[0] > 1.9 * ROOM_S
    assert all(after > 1.9 * before or after >= MAX_WAIT_S for before, after in itertools.pairwise(waits))


def test_a_step_up_that_lasts_makes_the_next_wait_short_again() -> None:
    quality = QualityControl(1)
    list(run(quality, 100.0, lambda step: 0.4 if step else 0.95))
    list(run(quality, LASTING_S * 20, lambda step: 0.4, 100.0))
    assert quality.step == 0
    now_s = 100.0 + LASTING_S * 20
    assert quality.update(now_s, [1.5], 0, LAST) is not None
    (up, change), *_ = run(quality, 1000.0, lambda step: 0.4, now_s + 1.0)
    assert not change.down
    assert up - now_s < ROOM_S + 2.0


@given(st.lists(st.tuples(st.floats(0.001, 30.0), st.lists(st.floats(0.0, 4.0), max_size=9), st.integers(0, 3))))
def test_whatever_happens_the_step_is_one_that_there_is(story: list[tuple[float, list[float], int]]) -> None:
    quality, now_s = QualityControl(), 0.0
    for passed_s, loads, xruns in story:
        now_s += passed_s
        before = quality.step
        change = quality.update(now_s, loads, xruns, LAST)
        assert 0 <= quality.step <= LAST
        assert quality.step - before == (0 if change is None else 1 if change.down else -1)


def test_a_step_beyond_a_presets_tiers_is_its_last() -> None:
    assert [str(step.within(1)) for step in steps(4)] == [
        *(["tier 0"] * 4),
        "tier 0, cabinet without its tail",
        "dry",
    ]
    assert [step.within(2).tier for step in steps(4)] == [0, 1, 1, 1, 1, 1]
