"""The state is right before there is a stage, and a new stage is brought to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import ArgumentError, NoSuchPresetError, SettingsUnwritableError
from nampedal.firmware.pedal.switching.play_state import PlayState
from nampedal.firmware.pedal.switching.playback import Playback

BANK, OTHER = Path("bank"), Path("other")
ONE, TWO, THREE = (BANK / f"{name}.toml" for name in ("one", "two", "three"))


@pytest.fixture
def playback() -> Playback:
    return Playback(PlayState(BANK), [ONE, TWO, THREE])


def test_a_preset_is_selected_by_name_or_number(playback: Playback) -> None:
    playback.select("two")
    assert playback.state.preset == TWO
    assert playback.is_at("2")
    assert not playback.is_at("one")
    assert not playback.is_at("four")
    with pytest.raises(NoSuchPresetError, match="preset 'four': is not in the bank; there are one, two, three"):
        playback.select("four")
    assert playback.state.preset == TWO


@pytest.mark.parametrize(("by", "expected"), [(1, THREE), (2, ONE), (-1, ONE), (-2, THREE)])
def test_a_move_counts_from_the_preset_and_wraps_around(playback: Playback, by: int, expected: Path) -> None:
    playback.select("two")
    playback.move(by)
    assert playback.state.preset == expected


@pytest.mark.parametrize(("by", "expected"), [(1, ONE), (-1, THREE)])
def test_a_move_from_no_preset_goes_to_the_first_or_the_last(playback: Playback, by: int, expected: Path) -> None:
    playback.move(by)
    assert playback.state.preset == expected


def test_a_bank_without_presets_has_none_to_move_to() -> None:
    playback = Playback(PlayState(BANK), [])
    playback.move(1)
    assert playback.state.preset is None


@pytest.mark.parametrize(("at", "expected"), [(None, "two"), (0, "one")])
def test_another_bank_begins_at_the_same_number_or_the_one_that_is_asked_for(
    playback: Playback, at: int | None, expected: str
) -> None:
    playback.select("three")
    playback.change_bank(OTHER, [OTHER / "one.toml", OTHER / "two.toml"], at)
    assert playback.state.bank == OTHER
    assert playback.state.preset == OTHER / f"{expected}.toml"


def test_a_preset_that_is_given_twice_is_there_once() -> None:
    playback = Playback(PlayState(BANK), [ONE, ONE, TWO])
    playback.select("one")
    playback.move(1)
    assert playback.state.preset == TWO
    playback.update_presets([TWO, TWO, THREE])
    assert playback.presets == [TWO, THREE]


def test_nothing_can_be_set_or_saved_before_a_preset_plays(playback: Playback) -> None:
    with pytest.raises(ArgumentError, match="setting 'gain': can't be set now: no preset plays"):
        playback.set("gain", 1.0)
    with pytest.raises(SettingsUnwritableError, match="save: no preset plays"):
        playback.save()


def test_an_edited_state_leaves_the_one_before_as_it_was() -> None:
    before = PlayState(BANK, edits={ONE: {"level_db": -3.0}})
    after = before.edited(ONE, "1.gain_db", 2.0).edited(TWO, "level_db", 1.0)
    assert before.edits == {ONE: {"level_db": -3.0}}
    assert after.edits == {ONE: {"level_db": -3.0, "1.gain_db": 2.0}, TWO: {"level_db": 1.0}}
