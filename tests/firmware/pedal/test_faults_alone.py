"""A fault of one tick, thread or preset: it is told, and the pedal plays on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.firmware.actions.action import parse
from nampedal.firmware.actions.control_socket import PendingAnswer
from nampedal.firmware.audio.tuner import Tuner
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_api import ControlApi
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.jack.jack_client import JackClient
from nampedal.firmware.pedal.daemon import MAX_FAILURES, Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.silence import why_silent
from nampedal.firmware.pedal.switching import preparation
from nampedal.firmware.pedal.switching.file_watch import FileWatch
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import fallback_preset, preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset
from nampedal.firmware.presets.preset_content import PresetContents
from nampedal.firmware.presets.quality import QualityLevel
from support.players.jack_server import JackServer, wait_for

KINDS = [
    ValueError,
    OverflowError,
    RecursionError,
    MemoryError,
    AssertionError,
    KeyError,
    UnicodeError,
    OSError,
    SystemExit,
]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    for name in ("one", "three", "two"):
        preset.write(Preset(name, (Gain(-6.0),), normalise=False), folder / f"{name}.toml")
    return folder


class Running:
    def __init__(self, server: JackServer, bank: Path, *, fallback: bool = False) -> None:
        paths = sorted(bank.glob("*.toml"))
        self.pedal = Pedal(PedalSetup(paths, server=server.name, tier=0, fallback=fallback))
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.pedal.run()
        except BaseException as error:
            self.error = error

    @property
    def manager(self) -> PresetManager:
        return wait_for(lambda: self.pedal.manager)  # type: ignore[no-any-return]

    def plays(self, name: str) -> bool:
        return self.manager.current is not None and self.manager.current.name == name

    def errors(self) -> dict[str, str]:
        return {slot.name: slot.error for slot in self.manager.slots if slot.error}

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@pytest.fixture
def start(server: JackServer, bank: Path) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def begin(**more: bool) -> Running:
        made.append(Running(server, bank, **more))
        return made[-1]

    yield begin
    for one in made:
        one.stop()


def test_a_tick_that_fails_keeps_no_other_from_its_turn(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    running = start()
    wait_for(lambda: running.plays("one"))
    turns = [0, 0]

    def fail() -> None:
        turns[0] += 1
        raise AssertionError("lamps")

    def go_on() -> None:
        turns[1] += 1

    running.pedal.ticks[:] = [fail, go_on]
    wait_for(lambda: turns[1] > 100)
    assert turns[0] > 100
    told = [record for record in caplog.records if "AssertionError: lamps" in record.getMessage()]
    assert len(told) == 1
    assert "test_a_tick_that_fails_keeps_no_other_from_its_turn.<locals>.fail went wrong" in told[0].getMessage()
    running.pedal.ticks.clear()
    assert running.error is None


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (PresetManager, "_take_made"),
        (PresetManager, "take_refused"),
        (JackClient, "connect_midi"),
        (Pedal, "_autosave"),
        (Pedal, "_update_load"),
        (Pedal, "_wait_and_handle_midi"),
        (FileWatch, "_poll"),
    ],
)
def test_a_part_that_fails_for_a_while_goes_on_behind_it(
    start: Callable[..., Running],
    of: type,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = start()
    wait_for(lambda: running.plays("one"))
    failed = threading.Event()

    def fail(*args: object, **more: object) -> None:
        failed.set()
        raise RuntimeError("for a while")

    ticks = [0]
    running.pedal.ticks.append(lambda: ticks.__setitem__(0, ticks[0] + 1))
    with monkeypatch.context() as patch:
        patch.setattr(of, name, fail)
        wait_for(failed.is_set)
        before = ticks[0]
        wait_for(lambda: ticks[0] > before + 10)
    assert sum("RuntimeError: for a while" in record.getMessage() for record in caplog.records) == 1
    running.pedal.playback.select("two")
    wait_for(lambda: running.plays("two"))
    assert running.error is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_pedal_ends_it(start: Callable[..., Running], kind: type[BaseException]) -> None:
    running = start()
    wait_for(lambda: running.plays("one"))

    def end() -> None:
        raise kind

    running.pedal.ticks.append(end)
    wait_for(lambda: running.error is not None)
    assert isinstance(running.error, kind)


def test_a_server_that_can_not_be_played_to_is_tried_so_often(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the pedal ends, and who started it may start something safer."""
    tries = []

    def fail(*args: object, **more: object) -> None:
        tries.append(args)
        raise RuntimeError("no stage")

    monkeypatch.setattr(JackClient, "play", fail)
    running = start()
    wait_for(lambda: running.error is not None)
    assert str(running.error) == "no stage"
    assert len(tries) == MAX_FAILURES


def prepared(real: Callable[..., Chain], faults: dict[str, BaseException]) -> Callable[..., Chain]:
    def prepare(self: object, path: Path) -> Chain:
        if path.stem in faults:
            raise faults[path.stem]
        return real(self, path)

    return prepare


@pytest.mark.parametrize("kind", KINDS)
def test_a_preset_that_can_not_be_prepared_for_any_reason_gives_way_to_its_neighbours(
    start: Callable[..., Running], bank: Path, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preparation.Preparation.__call__
    monkeypatch.setattr(preparation.Preparation, "__call__", prepared(real, {"one": kind("two\nlines")}))
    running = start()
    wait_for(lambda: running.plays("three"))
    wait_for(lambda: all(slot.chain is not None for slot in running.manager.slots if slot.name != "one"))
    error = running.errors()["one"]
    assert error.startswith(f"{bank / 'one.toml'}: can't be prepared: {kind.__name__}: ")
    assert "\n" not in error
    commands = ControlApi(running.pedal, ActionDispatcher(running.pedal))
    told = commands.answer({"do": "presets"})
    assert not isinstance(told, PendingAnswer)
    assert [one["error"] for one in told["presets"]] == [error, None, None]
    assert commands.status()["silent"] is None


def test_where_none_can_be_prepared_the_last_resort_plays_and_the_error_says_why(
    start: Callable[..., Running], bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preparation.Preparation.__call__
    faults: dict[str, BaseException] = dict.fromkeys(("one", "two", "three"), OverflowError("math range error"))
    monkeypatch.setattr(preparation.Preparation, "__call__", prepared(real, faults))
    running = start(fallback=True)
    wait_for(lambda: running.manager.in_fallback)
    assert sorted(running.errors()) == ["one", "three", "two"]
    without = start()
    wait_for(lambda: len(without.errors()) == 3)
    wait_for(lambda: "no preset can be played" in why_silent(without.pedal))
    error = f"{bank / 'one.toml'}: can't be prepared: OverflowError: math range error"
    assert why_silent(without.pedal) == f"no preset can be played: one: {error}"


def test_a_last_resort_that_fails_is_prepared_again(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preparation.Preparation.__call__
    faults: dict[str, BaseException] = dict.fromkeys(("one", "two", "three", fallback_preset.PATH.stem), MemoryError())
    monkeypatch.setattr(preparation.Preparation, "__call__", prepared(real, faults))
    running = start(fallback=True)
    wait_for(lambda: len(running.errors()) == 3)
    del faults[fallback_preset.PATH.stem]
    wait_for(lambda: running.manager.in_fallback)


def test_a_mended_preset_is_prepared_after_any_fault(
    start: Callable[..., Running], bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preparation.Preparation.__call__
    faults: dict[str, BaseException] = {"two": RecursionError()}
    monkeypatch.setattr(preparation.Preparation, "__call__", prepared(real, faults))
    running = start()
    wait_for(lambda: "two" in running.errors())
    faults.clear()
    preset.write(Preset("two", (Gain(-7.0),), normalise=False), bank / "two.toml")
    wait_for(lambda: running.errors() == {})
    running.pedal.playback.select("two")
    wait_for(lambda: running.plays("two"))


@pytest.mark.parametrize("kind", [ValueError, RecursionError, MemoryError])
def test_contents_of_a_file_that_can_not_be_read_for_any_reason_are_its_problem(
    bank: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise kind("x")

    monkeypatch.setattr(preset, "parse", fail)
    content = PresetContents().read(bank / "one.toml")
    assert content.problem == f"{bank / 'one.toml'}: can't be read: {kind.__name__}: x"


@pytest.mark.parametrize("where", ["reset_to", "go_to"])
def test_a_chain_that_can_not_go_on_the_stage_is_passed_over(
    start: Callable[..., Running], bank: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start()
    wait_for(lambda: running.plays("one") and all(slot.chain is not None for slot in running.manager.slots))
    manager = running.manager
    slot = next(slot for slot in manager.slots if slot.name == "two")
    bad = slot.chain

    def fail(*args: object, **more: object) -> None:
        raise OverflowError("math range error")

    if where == "reset_to":
        monkeypatch.setattr(bad, "reset_to", fail)
        running.pedal.bring_to(replace(running.pedal.state, quality=QualityLevel(1)))
    else:
        monkeypatch.setattr(manager, "_carries", lambda old, new: fail() if new is bad else True)
    running.pedal.playback.select("two")
    wait_for(lambda: manager.wanted is None)
    assert running.plays("one")
    assert manager.refused == f"two: {bank / 'two.toml'}: can't be played: OverflowError: math range error"
    running.pedal.playback.select("three")
    wait_for(lambda: running.plays("three"))


def test_a_tuner_that_fails_ends_neither_the_recording_nor_the_listening(
    start: Callable[..., Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = start()
    wait_for(lambda: running.plays("one"))
    tap = running.pedal.tap
    assert isinstance(tap, AudioTap)
    tap.record(tmp_path / "take.wav")

    def fail(*args: object) -> None:
        raise FloatingPointError("no pitch")

    monkeypatch.setattr(Tuner, "update", fail)
    tap.tune(True)
    wait_for(lambda: "the tuner went wrong" in caplog.text)
    assert tap.recording
    size = (tmp_path / "take.wav").stat().st_size
    wait_for(lambda: (tmp_path / "take.wav").stat().st_size > size)
    assert tap._thread.is_alive()


def test_an_action_that_fails_is_told_and_the_next_is_done(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = start()
    wait_for(lambda: running.plays("one"))
    dispatcher = ActionDispatcher(running.pedal)

    def fail(*args: object) -> None:
        raise OverflowError("x")

    monkeypatch.setattr(PresetManager, "save", fail)
    caplog.set_level(logging.ERROR)
    error = dispatcher.dispatch(parse("save", "test"))
    assert str(error) == "action save: failed: OverflowError: x"
    assert dispatcher.dispatch(parse("next", "test")) is None
