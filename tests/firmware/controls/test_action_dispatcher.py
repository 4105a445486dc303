"""Actions on a pedal that waits for a server, and on one whose manager is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware.actions.action import parse
from nampedal.firmware.base.errors import ArgumentError, BankError, NoSuchPresetError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset

RATE, FRAMES = 48_000.0, 64


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    """With a stage and a manager, and no server."""
    for name in ("one", "two"):
        preset.write(Preset(name, (Gain(-6.0),), normalise=False), tmp_path / f"{name}.toml")
    bank = sorted(tmp_path.glob("*.toml"))
    made = Pedal(PedalSetup(bank))
    made.stage = _engine.Stage(RATE, FRAMES)
    tap = made.tap = AudioTap(made.stage, RATE, 1)

    def prepare(path: Path) -> Chain:
        return Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=FRAMES)

    manager = PresetManager(bank, made.stage, prepare, 1 << 30)
    made.playback.attach(made.stage, tap, manager)
    yield made
    manager.close()
    tap.close()


@pytest.fixture
def dispatcher(pedal: Pedal) -> ActionDispatcher:
    return ActionDispatcher(pedal)


def do(dispatcher: ActionDispatcher, text: str) -> None:
    dispatcher.do(parse(text, "test"))


def settled(pedal: Pedal) -> float:
    """What comes out of one, once nothing moves."""
    assert pedal.stage is not None
    out = np.empty(9_600, np.float32)
    pedal.stage.process(np.ones(9_600, np.float32), out)
    return float(out[-1])


def test_nothing_is_done_while_the_pedal_waits_for_a_server(pedal: Pedal) -> None:
    pedal.playback.manager = None
    dispatcher = ActionDispatcher(pedal)
    for text in ("next", "preset 7", "bank x", "bypass", "save"):
        do(dispatcher, text)
    assert not dispatcher.is_active(parse("preset one", ""))


def test_bypass_and_mute_are_set_or_turned_round(pedal: Pedal, dispatcher: ActionDispatcher) -> None:
    assert pedal.manager is not None
    for text, on in (("bypass", True), ("bypass on", True), ("bypass", False), ("bypass off", False)):
        do(dispatcher, text)
        assert pedal.manager.bypass is on
        assert dispatcher.is_active(parse("bypass", "")) is on
    do(dispatcher, "mute")
    assert dispatcher.state.muted
    do(dispatcher, "mute off")
    assert not dispatcher.state.muted


def test_the_second_action_is_for_what_is_so_already(pedal: Pedal, dispatcher: ActionDispatcher) -> None:
    do(dispatcher, "preset two")
    do(dispatcher, "preset one again bypass")
    assert not pedal.state.bypass
    assert dispatcher.is_active(parse("preset 1", ""))
    do(dispatcher, "preset one again bypass")
    assert dispatcher.is_active(parse("bypass", ""))
    do(dispatcher, "bypass on again preset two")
    assert pedal.playback.is_at("two")


def test_tuning_is_silent_and_leaves_a_mute_as_it_was(pedal: Pedal, dispatcher: ActionDispatcher) -> None:
    assert pedal.manager is not None
    while pedal.manager.current is None:
        pedal.playback.tick()
    assert settled(pedal) > 0.4
    do(dispatcher, "tuner on")
    assert settled(pedal) == 0.0
    do(dispatcher, "mute on")
    do(dispatcher, "tuner off")
    assert settled(pedal) == 0.0
    do(dispatcher, "mute off")
    assert settled(pedal) > 0.4


def test_what_a4_is_stays_when_the_tuner_is_turned_on_again(pedal: Pedal) -> None:
    dispatcher = ActionDispatcher(pedal, 443.0)
    assert dispatcher.state.reference_hz == 443.0
    dispatcher.set_reference(442.0)
    do(dispatcher, "tuner on")
    do(dispatcher, "tuner off")
    assert dispatcher.state.reference_hz == 442.0
    with pytest.raises(ArgumentError, match="tuner: A4 is 470 Hz; 415 to 466 Hz are allowed: 440 is usual"):
        dispatcher.set_reference(470.0)
    assert dispatcher.state.reference_hz == 442.0


def test_what_can_not_be_done_is_refused_and_a_foot_hears_of_it_in_the_log(
    pedal: Pedal, dispatcher: ActionDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    assert pedal.manager is not None
    with pytest.raises(NoSuchPresetError, match="preset 'three': is not in the bank; there are one, two"):
        do(dispatcher, "preset three")
    with pytest.raises(BankError, match="bank 'next': there is no other bank; play a folder of several"):
        do(dispatcher, "bank next")
    dispatcher.dispatch(parse("preset three", ""))
    assert "preset 'three': is not in the bank" in caplog.text
