"""Actions on a pedal that waits for a server, and on one whose manager is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware import _engine, preset
from nampedal.firmware.action import parse
from nampedal.firmware.chain import Chain
from nampedal.firmware.errors import NoSuchBankError, NoSuchPresetError
from nampedal.firmware.pedal import Pedal
from nampedal.firmware.pedal_setup import PedalSetup
from nampedal.firmware.performer import Performer
from nampedal.firmware.preset import Gain, Preset
from nampedal.firmware.preset_manager import PresetManager

RATE, FRAMES = 48_000.0, 64


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    """With a stage and a manager, and no server."""
    for name in ("one", "two"):
        preset.write(Preset(name, (Gain(-6.0),), normalise=False), tmp_path / f"{name}.toml")
    bank = sorted(tmp_path.glob("*.toml"))
    made = Pedal(PedalSetup(bank))
    made.stage = _engine.Stage(RATE, FRAMES)

    def prepare(path: Path) -> Chain:
        return Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=FRAMES)

    manager = made.manager = PresetManager(bank, made.stage, prepare, 1 << 30)
    yield made
    manager.close()


@pytest.fixture
def performer(pedal: Pedal) -> Performer:
    return Performer(pedal)


def do(performer: Performer, text: str) -> None:
    performer.do(parse(text, "test"))


def settled(pedal: Pedal) -> float:
    """What comes out of one, once nothing moves."""
    assert pedal.stage is not None
    out = np.empty(9_600, np.float32)
    pedal.stage.process(np.ones(9_600, np.float32), out)
    return float(out[-1])


def test_nothing_is_done_while_the_pedal_waits_for_a_server(pedal: Pedal) -> None:
    pedal.manager = None
    performer = Performer(pedal)
    for text in ("next", "preset 7", "bank x", "bypass", "save"):
        do(performer, text)
    assert not performer.is_so(parse("preset one", ""))


def test_bypass_and_mute_are_set_or_turned_round(pedal: Pedal, performer: Performer) -> None:
    assert pedal.manager is not None
    for text, on in (("bypass", True), ("bypass on", True), ("bypass", False), ("bypass off", False)):
        do(performer, text)
        assert pedal.manager.bypass is on
        assert performer.is_so(parse("bypass", "")) is on
    do(performer, "mute")
    assert performer.muted
    do(performer, "mute off")
    assert not performer.muted


def test_the_second_action_is_for_what_is_so_already(pedal: Pedal, performer: Performer) -> None:
    assert pedal.manager is not None
    do(performer, "preset one again bypass")
    assert not pedal.manager.bypass
    assert performer.is_so(parse("preset 1", ""))
    do(performer, "preset one again bypass")
    assert pedal.manager.bypass
    do(performer, "bypass on again preset two")
    assert pedal.manager.is_at("two")


def test_tuning_is_silent_and_leaves_a_mute_as_it_was(pedal: Pedal, performer: Performer) -> None:
    assert pedal.manager is not None
    while pedal.manager.current is None:
        do(performer, "preset one")
    assert settled(pedal) > 0.4
    do(performer, "tuner on")
    assert settled(pedal) == 0.0
    do(performer, "mute on")
    do(performer, "tuner off")
    assert settled(pedal) == 0.0
    do(performer, "mute off")
    assert settled(pedal) > 0.4


def test_what_can_not_be_done_is_refused_and_a_foot_hears_of_it_in_the_log(
    pedal: Pedal, performer: Performer, caplog: pytest.LogCaptureFixture
) -> None:
    assert pedal.manager is not None
    with pytest.raises(NoSuchPresetError, match="preset 'three': is not in the bank; there are one, two"):
        do(performer, "preset three")
    with pytest.raises(NoSuchBankError, match="bank 'next': there is no other bank; play a folder of several"):
        do(performer, "bank next")
    performer.try_to(parse("preset three", ""))
    assert "preset 'three': is not in the bank" in caplog.text
