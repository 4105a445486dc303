from __future__ import annotations

import pytest
from nampedal.firmware.actions.led_state import (
    BLINK_S,
    CLIP_S,
    NO_PRESET,
    NO_SERVER,
    PAUSE_S,
    SAFE,
    LedInputs,
    led_states,
)

FOUR = ("1", "2", "3", "4")


def on(shown: LedInputs, names: tuple[str, ...] = FOUR, now_s: float = 0.0) -> str:
    """The lights that are on."""
    return " ".join(name for name, light in led_states(shown, names, now_s).items() if light.level > 0.5)


def test_the_light_beside_a_footswitch_shows_what_it_has_done() -> None:
    assert on(LedInputs()) == ""
    assert on(LedInputs(lit=frozenset("2"))) == "2"
    assert led_states(LedInputs(lit=frozenset("2")), FOUR, 0.0)["2"].colour == (0.0, 1.0, 0.0)
    assert led_states(LedInputs(lit=frozenset("2"), bypass=True), FOUR, 0.0)["2"].colour == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("cents", "four", "two", "three"),
    [(None, "", "", ""), (-20.0, "1 2", "1", "1 2"), (20.0, "3 4", "2", "2 3"), (2.0, "1 2 3 4", "1 2", "1 2 3")],
)
def test_while_tuning_flat_is_left_and_sharp_is_right(cents: float | None, four: str, two: str, three: str) -> None:
    shown = LedInputs(lit=frozenset("2"), tuning=True, cents=cents)
    assert (on(shown), on(shown, FOUR[:2]), on(shown, FOUR[:3])) == (four, two, three)


def test_lights_with_names_show_what_they_are_called() -> None:
    names = ("bypass", "tuner", "clip", "overload", "error", "1")
    assert on(LedInputs(), names) == ""
    assert on(LedInputs(bypass=True), names) == "bypass"
    assert on(LedInputs(overloaded=True), names) == "overload"
    assert on(LedInputs(tuning=True, cents=0.5), names) == "tuner 1"
    assert 0.0 < led_states(LedInputs(tuning=True, cents=9.0), names, 0.0)["tuner"].level < 0.5
    assert on(LedInputs(clipped_s=10.0), names, 10.0 + 0.9 * CLIP_S) == "clip"
    assert on(LedInputs(clipped_s=10.0), names, 10.0 + 1.1 * CLIP_S) == ""


@pytest.mark.parametrize("code", [NO_SERVER, NO_PRESET, SAFE])
def test_trouble_blinks_its_code_on_the_one_light_that_there_is(code: int) -> None:
    shown = LedInputs(lit=frozenset("2"), trouble=code)
    span_s = 2 * code * BLINK_S + PAUSE_S
    times = [n * BLINK_S / 10.0 + 0.001 for n in range(round(10.0 * span_s / BLINK_S))]
    for names, where in ((FOUR, "1"), (("1", "error"), "error")):
        seen = [on(shown, names, at_s) for at_s in times]
        assert set(seen) == {"", where}
        assert sum(a == "" and b != "" for a, b in zip(["", *seen], seen, strict=False)) == code
    assert on(shown, ()) == ""


def test_nothing_moves_while_the_pedal_sounds() -> None:
    shown = LedInputs(lit=frozenset("3"), tuning=True, cents=12.0, bypass=True, overloaded=True)
    assert all(led_states(shown, FOUR, 0.0) == led_states(shown, FOUR, 0.1 * n) for n in range(100))
