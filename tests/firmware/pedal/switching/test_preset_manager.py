"""Presets that are ready when they are wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware.base.errors import ArgumentError, NoSuchPresetError, SettingsUnwritableError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.pedal.switching.play_state import PlayState
from nampedal.firmware.pedal.switching.playback import Playback
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset, Tone
from nampedal.firmware.presets.preset_content import PresetContents
from nampedal.firmware.presets.quality import QualityLevel
from support.players.jack_server import wait_for

RATE = 48_000.0
FRAMES = 64
LEVELS = {"one": -6.0, "two": -12.0, "three": -18.0, "four": -24.0}


def prepare(path: Path) -> Chain:
    made = Preset(path.stem, (Gain(LEVELS[path.stem]), Tone()), normalise=False)
    return Chain.prepare(made, path.parent, sample_rate=RATE, max_frames=FRAMES)


class Tap:
    """An audio tap that nobody tunes with."""

    def tune(self, on: bool, reference_hz: float) -> None: ...


def playback_of(stage: _engine.Stage, manager: PresetManager) -> Playback:
    """Return a player on the stage, before any preset was asked for."""
    made = Playback(PlayState(Path("bank")), [])
    made.attach(stage, Tap(), manager)
    made.presets = [slot.path for slot in manager.slots]
    return made


class Pedal:
    """A player, a manager, its stage, and a steady tone of full scale that comes in."""

    def __init__(
        self, prepare: Callable[[Path], Chain] = prepare, max_bytes: int = 1 << 30, *, carries: bool = True
    ) -> None:
        self.stage = _engine.Stage(RATE, FRAMES)
        bank = [Path(f"{name}.toml") for name in LEVELS]
        self.manager = PresetManager(bank, self.stage, prepare, max_bytes, lambda old, new: carries)
        self.playback = playback_of(self.stage, self.manager)

    def play(self, frames: int = 4_800) -> Audio:
        audio = np.full(frames, 0.5, np.float32)
        out = np.empty_like(audio)
        self.stage.process(audio, out)
        self.playback.tick()
        return out

    def change_bank(self, presets: list[Path]) -> None:
        self.playback.change_bank(Path("other"), presets)

    def heard(self) -> str:
        """The preset that the level is of, once nothing moves."""
        out = self.play()
        for name, level in LEVELS.items():
            if np.allclose(out, 0.5 * 10.0 ** (level / 20.0), rtol=1e-4):
                return name
        return "silence" if not np.any(out) else "something between"

    def plays(self, name: str) -> bool:
        return self.heard() == name

    def ready(self) -> list[str]:
        self.manager.tick()
        return [slot.name for slot in self.manager.slots if slot.chain is not None]


@pytest.fixture
def pedal() -> Iterator[Pedal]:
    made = Pedal()
    yield made
    made.manager.close()


def test_a_preset_plays_as_soon_as_it_is_ready(pedal: Pedal) -> None:
    pedal.playback.select("two")
    wait_for(lambda: pedal.heard() == "two")
    pedal.playback.select("4")
    wait_for(lambda: pedal.heard() == "four")


@pytest.mark.parametrize("carries", [True, False])
def test_one_preset_becomes_the_other_without_a_dip_only_where_there_is_time_for_both(carries: bool) -> None:
    pedal = Pedal(carries=carries)
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one" and len(pedal.ready()) == 4)
    pedal.playback.select("two")
    out = pedal.play()
    assert pedal.heard() == "two"
    if carries:
        assert np.all(np.diff(out) <= 1e-6)
    else:
        # Silence in the midst of it, and for less than 10 ms.
        quiet = np.flatnonzero(out < 0.5 * out[-1])
        assert out.min() < 1e-3
        assert quiet[-1] - quiet[0] < 0.01 * RATE
    pedal.manager.close()


def test_all_presets_are_made_ready_in_the_background(pedal: Pedal) -> None:
    assert pedal.heard() == "silence"
    wait_for(lambda: len(pedal.ready()) == 4)


def test_next_and_previous_go_around_and_count_from_what_is_wanted(pedal: Pedal) -> None:
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "one")
    pedal.playback.move(-1)
    wait_for(lambda: pedal.heard() == "four")
    pedal.playback.move(1)
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "two")


def test_the_old_one_plays_on_until_the_new_one_is_ready() -> None:
    gate = threading.Event()

    def slowly(path: Path) -> Chain:
        if path.stem == "two":
            gate.wait(30.0)
        return prepare(path)

    pedal = Pedal(slowly)
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    before = time.monotonic()
    pedal.playback.select("two")
    assert time.monotonic() - before < 5.0
    assert [pedal.heard() for _ in range(20)] == ["one"] * 20
    assert pedal.manager.wanted is not None
    gate.set()
    wait_for(lambda: pedal.heard() == "two")
    pedal.manager.close()


def test_a_preset_that_can_not_be_prepared_is_told_of_and_the_sound_stays(caplog: pytest.LogCaptureFixture) -> None:
    broken = True

    def badly(path: Path) -> Chain:
        if path.stem == "two" and broken:
            raise NoSuchPresetError("two.toml: its amplifier is gone")
        return prepare(path)

    pedal = Pedal(badly)
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    pedal.playback.select("two")
    wait_for(lambda: (pedal.play(), pedal.manager.slots[1].error)[1])
    assert pedal.heard() == "one"
    assert pedal.manager.wanted is None
    assert "preset two can't be played: two.toml: its amplifier is gone" in caplog.text
    # Mended: asking again is enough.
    broken = False
    pedal.playback.select("two")
    wait_for(lambda: pedal.heard() == "two")
    pedal.manager.close()


def made_of(broken: set[str]) -> Pedal:
    """A pedal where these presets can't be prepared, which may change."""

    def badly(path: Path) -> Chain:
        if path.stem in broken:
            raise NoSuchPresetError(f"{path}: its amplifier is gone")
        return prepare(path)

    return Pedal(badly)


def test_a_pedal_whose_first_preset_is_broken_begins_with_the_next() -> None:
    pedal = made_of({"one", "two"})
    pedal.playback.select("1")
    wait_for(lambda: pedal.heard() == "three")
    assert pedal.manager.refused == "one: one.toml: its amplifier is gone"
    assert pedal.manager.take_refused()
    assert not pedal.manager.take_refused()
    assert not pedal.manager.dead_end
    pedal.manager.close()


def test_next_and_previous_pass_over_what_can_not_be_played() -> None:
    broken = {"two", "four"}
    pedal = made_of(broken)
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    for by, name in ((1, "three"), (1, "one"), (-1, "three"), (-1, "one")):
        pedal.playback.move(by)
        wait_for(lambda name=name: pedal.heard() == name)  # type: ignore[misc]
        assert pedal.manager.take_refused()
    broken.clear()
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "two")
    assert pedal.manager.refused == ""
    pedal.manager.close()


def test_where_no_other_can_be_played_next_stays_where_it_is() -> None:
    pedal = made_of({"two", "three", "four"})
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    pedal.playback.move(1)
    wait_for(lambda: (pedal.play(), pedal.manager.wanted is None)[1])
    assert pedal.heard() == "one"
    assert pedal.manager.refused == "two: two.toml: its amplifier is gone"
    assert not pedal.manager.dead_end
    pedal.manager.close()


def test_another_banks_broken_preset_is_replaced_by_one_that_can_be_played() -> None:
    pedal = made_of({"three"})
    pedal.change_bank([Path("one.toml"), Path("two.toml")])
    wait_for(lambda: pedal.heard() == "one")
    pedal.change_bank([Path("three.toml"), Path("four.toml")])
    wait_for(lambda: pedal.heard() == "four")
    assert pedal.manager.take_refused()
    assert pedal.manager.refused == "three: three.toml: its amplifier is gone"
    pedal.manager.close()


def test_a_bank_of_nothing_that_can_be_played_is_a_dead_end_and_the_old_one_sounds_on() -> None:
    pedal = made_of({"three", "four"})
    here, there = [Path("one.toml"), Path("two.toml")], [Path("three.toml"), Path("four.toml")]
    pedal.change_bank(here)
    wait_for(lambda: pedal.heard() == "one")
    pedal.change_bank(there)
    wait_for(lambda: (pedal.play(), pedal.manager.dead_end)[1])
    assert pedal.heard() == "one"
    assert pedal.manager.wanted is None
    pedal.playback.update_presets(here)
    assert not pedal.manager.dead_end
    assert pedal.manager.current in pedal.manager.slots
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "two")
    pedal.manager.close()


def test_memory_is_bounded_and_what_was_not_played_for_longest_leaves() -> None:
    one = prepare(Path("one.toml")).native.memory_bytes
    pedal = Pedal(max_bytes=round(2.5 * one))
    for name in ("one", "two", "three", "four", "one"):
        pedal.playback.select(name)
        wait_for(partial(pedal.plays, name))
        assert pedal.manager.memory_bytes <= 4 * one
    wait_for(lambda: (pedal.play(), len(pedal.ready()) <= 3)[1])
    assert "one" in pedal.ready()
    pedal.manager.close()


def test_another_bank_is_gone_to_by_its_number_and_what_was_set_in_this_one_stays(pedal: Pedal) -> None:
    pedal.playback.select("two")
    wait_for(lambda: pedal.heard() == "two")
    first = [slot.path for slot in pedal.manager.slots]
    pedal.playback.set("1.gain_db", LEVELS["four"])
    other = [Path("x/three.toml"), Path("x/one.toml")]
    pedal.change_bank(other)
    wait_for(lambda: pedal.heard() == "one")
    assert not pedal.playback.is_at("two")
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "three")
    # What was left takes no memory any more.
    wait_for(lambda: len(pedal.ready()) == 2)
    one = prepare(Path("one.toml")).native.memory_bytes
    assert pedal.manager.memory_bytes == 2 * one
    pedal.change_bank(first)
    pedal.playback.move(1)
    wait_for(lambda: pedal.heard() == "four")
    pedal.change_bank([Path("x/one.toml")])
    wait_for(lambda: pedal.heard() == "one")


def ticked(manager: PresetManager) -> PresetManager:
    manager.tick()
    return manager


def test_numbers_that_were_set_are_there_again_when_their_preset_is(pedal: Pedal) -> None:
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    pedal.playback.set("1.gain_db", LEVELS["four"])
    pedal.play()
    assert pedal.heard() == "four"
    pedal.playback.select("two")
    wait_for(lambda: pedal.heard() == "two")
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "four")
    # Prepared anew, as when the memory was needed for others meanwhile.
    slot = pedal.manager.slots[0]
    pedal.playback.select("two")
    wait_for(lambda: pedal.heard() == "two" and not slot.used)
    slot.chain = None
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "four")


def test_what_plays_is_saved_with_the_numbers_that_were_set(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    preset.write(Preset("Mine", (Gain(-6.0),), normalise=False), path)
    stage = _engine.Stage(RATE, FRAMES)

    def read(path: Path) -> Chain:
        return Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=FRAMES)

    manager = PresetManager([path], stage, read, 1 << 30)
    playback = playback_of(stage, manager)
    with pytest.raises(SettingsUnwritableError, match="save: no preset plays"):
        playback.save()
    playback.select("mine")
    wait_for(lambda: ticked(manager).current)
    playback.set("gain", -12.0)
    assert preset.read(path).blocks == (Gain(-6.0),)
    assert playback.state.edits == {path: {"1.gain_db": -12.0}}
    playback.save()
    assert preset.read(path) == Preset("Mine", (Gain(-12.0),), normalise=False)
    assert playback.state.edits == {}
    manager.slots[0].path = tmp_path / "amp.stomp"
    with pytest.raises(
        SettingsUnwritableError, match=r"amp\.stomp: is no preset, but a capture alone; its numbers can't be kept"
    ):
        playback.save()
    manager.close()


@pytest.mark.parametrize("bypass", [False, True])
def test_what_plays_is_crossfaded_to_what_its_file_holds_now(tmp_path: Path, bypass: bool) -> None:
    path, contents, stage = tmp_path / "mine.toml", PresetContents(), _engine.Stage(RATE, FRAMES)
    preset.write(Preset("Mine", (Gain(-6.0), Tone()), normalise=False), path)

    def read(path: Path) -> Chain:
        return Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=FRAMES)

    manager = PresetManager([path], stage, read, 1 << 30, contents=contents)
    playback = playback_of(stage, manager)
    playback.select("mine")
    wait_for(lambda: ticked(manager).current)
    playback.set("level", -3.0)
    playback.bring_to(replace(playback.state, bypass=bypass))
    audio, heard = np.full(480, 0.5, np.float32), []

    def play() -> float:
        out = np.empty_like(audio)
        stage.process(audio, out)
        playback.tick()
        heard.append(out)
        return float(out[-1])

    def level(block_db: float) -> float:
        return float(0.5 * 10.0 ** (((0.0 if bypass else block_db) - 3.0) / 20.0))

    wait_for(lambda: abs(play() - level(-6.0)) < 1e-4)
    heard.clear()
    preset.write(Preset("Mine", (Gain(-12.0), Tone()), normalise=False), path)
    assert manager.update_contents({path: contents.read(path)}) == ["mine"]
    slot = manager.slots[0]
    wait_for(lambda: play() and slot.chain is not None and slot.chain.preset.blocks[0] == Gain(-12.0))
    for _ in range(20):
        play()
    assert heard[-1][-1] == pytest.approx(level(-12.0), rel=1e-3)
    # A crossfade of 20 ms has no larger step than this, and never is silence.
    assert np.max(np.abs(np.diff(np.concatenate(heard)))) < 1e-3
    assert manager.bypass == bypass
    assert playback.state.edits == {path: {"level_db": -3.0}}
    manager.close()


@pytest.mark.parametrize("text", ["name = Mine", 'format = 1\n[[blocks]]\ntype = "nam"\nartifact = "gone.stomp"\n'])
def test_an_edit_that_can_not_be_played_is_told_and_the_sound_stays(tmp_path: Path, text: str) -> None:
    path, contents, stage = tmp_path / "mine.toml", PresetContents(), _engine.Stage(RATE, FRAMES)
    preset.write(Preset("Mine", (Gain(-6.0),), normalise=False), path)

    def read(path: Path) -> Chain:
        return Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=FRAMES)

    manager = PresetManager([path], stage, read, 1 << 30, contents=contents)
    playback = playback_of(stage, manager)
    playback.select("mine")
    wait_for(lambda: ticked(manager).current)
    assert not manager.take_refused()
    path.write_text(text)
    manager.update_contents({path: contents.read(path)})
    wait_for(lambda: ticked(manager).take_refused())
    assert not manager.take_refused()
    assert manager.current is manager.slots[0]
    assert manager.slots[0].chain is not None
    assert manager.slots[0].error
    manager.close()


def test_switches_faster_than_anything_can_follow_end_where_the_last_one_went(pedal: Pedal) -> None:
    rng = np.random.default_rng(0)
    names = list(LEVELS)
    for _ in range(500):
        pedal.playback.select(names[rng.integers(4)])
        pedal.play(int(rng.integers(1, 500)))
    pedal.playback.select("three")
    wait_for(lambda: pedal.heard() == "three")
    assert pedal.manager.wanted is None


def test_bypass_and_steps_are_the_pedals_and_stay_through_switches(pedal: Pedal) -> None:
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    pedal.playback.bring_to(replace(pedal.playback.state, quality=QualityLevel(0), bypass=True))
    pedal.play()
    assert np.all(pedal.play() == 0.5)
    pedal.playback.select("two")
    wait_for(lambda: pedal.manager.current is pedal.manager.slots[1])
    pedal.play()
    assert np.all(pedal.play() == 0.5)
    pedal.playback.bring_to(replace(pedal.playback.state, quality=QualityLevel(0), bypass=False))
    wait_for(lambda: pedal.heard() == "two")
    pedal.playback.bring_to(replace(pedal.playback.state, quality=QualityLevel(0, tail=False, dry=True), bypass=False))
    pedal.play()
    assert np.all(pedal.play() == 0.5)


def test_numbers_are_set_within_their_limits_and_by_names_that_there_are(pedal: Pedal) -> None:
    with pytest.raises(ArgumentError, match="setting 'level_db': can't be set now; those that can are none"):
        pedal.playback.set("level_db", 0.0)
    pedal.playback.select("one")
    wait_for(lambda: pedal.heard() == "one")
    with pytest.raises(ArgumentError, match=r"'reverb': can't be set now; those that can are input_gain"):
        pedal.playback.set("reverb", 1.0)
    for value in (21.0, float("nan")):
        with pytest.raises(ArgumentError, match=r"'level_db': (21|nan) was asked for; allowed are -60 to 20"):
            pedal.playback.set("level_db", value)
    with pytest.raises(NoSuchPresetError, match="preset 'five': is not in the bank; there are one, two, three, four"):
        pedal.playback.select("five")
    with pytest.raises(NoSuchPresetError, match="preset '5': is not in the bank"):
        pedal.playback.select("5")
    assert pedal.heard() == "one"
