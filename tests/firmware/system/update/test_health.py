from __future__ import annotations

import pytest
from nampedal.firmware.system.update.health import HEALTHY_S, TIMEOUT_S, Observation, healthy_since, observe, watch
from support.rigs.update_rig import BREAKS_UP, HANGS, OLD, STOPS_LATER, FakePedal


@pytest.mark.parametrize(
    ("now", "goes_on"),
    [
        (Observation(2.0, 7, 3), True),
        # It started again, the sound broke up, or a counter began anew.
        (Observation(2.0, 8, 3), False),
        (Observation(2.0, 7, 4), False),
        (Observation(2.0, 7, 0), False),
    ],
)
def test_soundness_goes_on_or_begins_anew(now: Observation, goes_on: bool) -> None:
    since = Observation(1.0, 7, 3)
    assert healthy_since(since, now) == (since if goes_on else now)
    assert healthy_since(None, now) == now


@pytest.mark.parametrize("now", [Observation(2.0, 0, 3), Observation(2.0, 7, None)])
def test_what_does_not_run_or_play_is_not_sound(now: Observation) -> None:
    assert healthy_since(Observation(1.0, 7, 3), now) is None


def test_a_pedal_that_plays_for_half_a_minute_is_sound(pedal: FakePedal) -> None:
    told: list[tuple[float, str]] = []
    assert watch(pedal.system, lambda: False, lambda share, doing: told.append((share, doing))) == ""
    assert pedal.time_s == HEALTHY_S
    assert told[0] == (0.0, "plays")
    assert told[15] == (0.5, "plays")


def test_a_pedal_that_starts_again_is_sound_only_half_a_minute_later(pedal: FakePedal) -> None:
    pedal.does[OLD] = STOPS_LATER
    assert watch(pedal.system, lambda: False) == "it started again 13 times"
    assert pedal.time_s == TIMEOUT_S


@pytest.mark.parametrize(
    ("does", "why"), [(HANGS, "it does not play"), (BREAKS_UP, f"the sound broke up {TIMEOUT_S:.0f} times")]
)
def test_a_pedal_that_never_plays_well_says_why(pedal: FakePedal, does: str, why: str) -> None:
    pedal.does[OLD] = does
    assert watch(pedal.system, lambda: False) == why


def test_a_service_that_is_not_the_daemon_is_not_judged_for_it(pedal: FakePedal) -> None:
    pedal.start()
    pid, pedal.pid = pedal.pid, 0
    assert pid
    assert observe(pedal.system) == Observation(0.0, 0, 3)
    assert watch(pedal.system, lambda: False) == "it does not run"


def test_what_is_over_is_not_waited_for(pedal: FakePedal) -> None:
    assert watch(pedal.system, lambda: True) == "it stopped"
    assert pedal.time_s == 0.0
