"""A preset's files change while it is prepared, plays, or waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.firmware.pedal.switching.slot import Slot, surviving_edits
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset, Tone
from nampedal.firmware.presets.preset_content import Content

FIRST = Content(Preset("x", (Gain(), Tone()), normalise=False), {})
OTHER = replace(FIRST, preset=Preset("x", (Gain(3.0), Tone()), normalise=False))
BROKEN = Content(None, {}, "x.toml: is broken")


def chain(content: Content) -> Chain:
    assert content.preset is not None
    return Chain.prepare(content.preset, Path(), sample_rate=48_000.0, max_frames=64)


@pytest.fixture
def slot() -> Slot:
    made = Slot(Path("x.toml"))
    made.store_result(chain(FIRST), FIRST)
    return made


def test_another_content_is_to_be_prepared_and_the_same_one_is_not(slot: Slot) -> None:
    assert (slot.update_content(FIRST), slot.stale) == (False, False)
    assert (slot.update_content(OTHER), slot.stale) == (True, True)


def test_a_broken_one_is_told_once_and_keeps_the_sound_and_the_old_one_is_well_again(slot: Slot) -> None:
    before = slot.chain
    assert [slot.update_content(BROKEN), slot.update_content(BROKEN)] == [True, False]
    assert (slot.chain, slot.error, slot.stale, slot.playable) == (before, BROKEN.problem, False, True)
    assert not slot.update_content(FIRST)
    assert slot.error == ""


def test_what_is_seen_while_it_is_prepared_is_compared_with_what_comes_of_it(slot: Slot) -> None:
    slot.update_content(OTHER)
    slot.begin()
    slot.update_content(OTHER)
    slot.store_result(chain(OTHER), OTHER)
    assert not slot.stale
    slot.begin()
    slot.update_content(FIRST)
    slot.store_result(chain(OTHER), OTHER)
    assert slot.stale


def test_what_plays_is_replaced_by_the_stage_and_not_before(slot: Slot) -> None:
    before, slot.used = slot.chain, True
    made = chain(OTHER)
    slot.store_result(made, OTHER)
    assert (slot.chain, slot.fresh) == (before, made)


def test_what_can_not_be_prepared_keeps_the_sound_until_its_files_change(slot: Slot) -> None:
    before = slot.chain
    slot.update_content(OTHER)
    slot.begin()
    slot.store_result("amp.stomp: is damaged", OTHER)
    assert (slot.chain, slot.error) == (before, "amp.stomp: is damaged")
    assert not slot.update_content(OTHER)
    assert slot.error == "amp.stomp: is damaged"
    assert slot.update_content(FIRST)
    assert (slot.error, slot.stale) == ("", True)


def test_numbers_that_the_player_set_stay_where_the_file_says_the_same() -> None:
    edits = {"1.gain_db": 9.0, "2.bass": 1.0, "level_db": -3.0}
    assert surviving_edits(edits, FIRST.preset, OTHER.preset) == {"2.bass": 1.0, "level_db": -3.0}
    louder = replace(FIRST.preset, level_db=2.0)  # type: ignore[type-var]
    assert surviving_edits(edits, FIRST.preset, louder) == {"1.gain_db": 9.0, "2.bass": 1.0}
    moved = replace(FIRST.preset, blocks=(Tone(), Gain()))  # type: ignore[type-var]
    assert surviving_edits(edits, FIRST.preset, moved) == {"level_db": -3.0}
    assert surviving_edits(edits, FIRST.preset, None) == edits


def test_what_the_pedal_saves_is_what_the_file_holds(slot: Slot) -> None:
    assert slot.chain is not None
    slot.chain.set("1.gain_db", 3.0, slot.chain.native)
    slot.chain.keep()
    slot.mark_saved()
    assert not slot.update_content(OTHER)
    assert not slot.stale
