"""What sounds where no preset can: on the stage, and through a real JACK server."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.firmware.actions.action import parse
from nampedal.firmware.actions.bindings import default
from nampedal.firmware.actions.led_state import NO_PRESET, SAFE
from nampedal.firmware.base.errors import NoSuchPresetError, SettingsUnwritableError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_api import ControlApi
from nampedal.firmware.controls.control_surface import ControlSurface
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.state_autosave import StateAutosave
from nampedal.firmware.presets import fallback_preset, preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Nam, Preset
from support.players.jack_player import Player
from support.players.jack_server import JackServer, wait_for


@pytest.mark.parametrize("rate", [44_100.0, 48_000.0, 96_000.0])
def test_the_input_comes_out_as_it_went_in(rate: float, guitar: Audio) -> None:
    chain = Chain.prepare(fallback_preset.PRESET, Path("nowhere"), sample_rate=rate, max_frames=64)
    assert np.array_equal(chain.render(guitar), guitar)
    assert chain.latency_s == 0.0


class Running:
    """A pedal in a thread of its own, with four footswitches that nobody is at."""

    def __init__(self, setup: PedalSetup) -> None:
        self.pedal = Pedal(setup)
        self.dispatcher = ActionDispatcher(self.pedal)
        self.controls = ControlSurface(
            self.pedal, self.dispatcher, DriverSupervisor([]), default("1234"), lights="1234"
        )
        self.commands = ControlApi(self.pedal, self.dispatcher, self.controls)
        # Of the lights, which code was shown in every tick.
        self.failures: list[int] = []
        self.pedal.ticks.append(lambda: self.failures.append(self.controls._shown(0.0).trouble))
        self._do: list[str] = []
        self.pedal.ticks.append(self._obey)
        self._thread = threading.Thread(target=self.pedal.run)
        self._thread.start()

    def _obey(self) -> None:
        while self._do:
            self.dispatcher.dispatch(parse(self._do.pop(), "test"))

    def do(self, action: str) -> None:
        """In the pedal's own thread."""
        self._do.append(action)
        wait_for(lambda: not self._do)

    def plays(self) -> str:
        manager = self.pedal.manager
        here = manager.current if self.pedal.client is not None and manager is not None else None
        return here.name if here is not None else ""

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A bank of which one preset is torn, one names an artifact that is not there, and one can be played."""
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "a.toml").write_text("format = ")
    preset.write(Preset("B", (Nam("gone.stomp"),)), folder / "b.toml")
    preset.write(Preset("C", (Gain(-6.0),)), folder / "c.toml")
    return folder


def heard(server: JackServer, audio: Audio) -> Audio:
    """Of the pedal, without the cycle that the player's own place in the graph takes."""
    player = Player(server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    left, right = player.play(np.concatenate([audio, np.zeros(server.period, np.float32)]))
    player.close()
    assert np.array_equal(left, right)
    return left[server.period :]


def test_without_any_preset_the_guitar_is_heard_as_it_is(
    server: JackServer, guitar: Audio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = StateAutosave(tmp_path / "state.toml", None)
    running = Running(PedalSetup([], server=server.name, fallback=True, autosave=keeper))
    wait_for(running.pedal.plays)
    assert running.plays() == "dry"
    assert np.array_equal(heard(server, guitar), guitar)
    assert running.pedal.describe() == "plays dry: no preset can be played"
    for action in ("next", "previous", "preset 1", "bank next", "save"):
        running.do(action)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == [
        "preset '1': is not in the bank, which has none",
        "bank 'next': there is no other bank; play a folder of several",
        "save: dry is built in; go to another preset",
    ]
    status = running.commands.status()
    assert (status["bank"], status["preset"], status["last_resort"], status["safe"]) == ("built-in", "dry", True, False)
    running.stop()
    assert running.failures[-1] == NO_PRESET
    # Where the player really was is not forgotten for it.
    assert not (tmp_path / "state.toml").exists()


def test_the_safe_start_has_a_code_of_its_own(server: JackServer) -> None:
    running = Running(PedalSetup([], server=server.name, fallback=True, safe=True))
    wait_for(running.pedal.plays)
    wait_for(lambda: running.failures[-1:] == [SAFE])
    assert running.pedal.describe() == "plays dry: it is the safe start"
    assert running.commands.status()["safe"]
    running.stop()


def test_presets_that_can_not_be_played_leave_the_guitar_as_it_is_until_one_can(
    server: JackServer, broken: Path, guitar: Audio
) -> None:
    good = (broken / "c.toml").read_bytes()
    (broken / "c.toml").write_text("not yet")
    running = Running(PedalSetup(sorted(broken.glob("*.toml")), server=server.name, fallback=True))
    wait_for(lambda: running.plays() == "dry")
    running.do("preset b")
    wait_for(lambda: running.pedal.manager is not None and running.pedal.manager.slots[1].error)
    assert running.plays() == "dry"
    assert np.array_equal(heard(server, guitar), guitar)
    (broken / "c.toml").write_bytes(good)
    running.do("preset c")
    wait_for(lambda: running.plays() == "c")
    status = running.commands.status()
    assert (status["bank"], status["last_resort"]) == ("bank", False)
    wait_for(lambda: running.failures[-1:] == [0])
    running.stop()
    assert NO_PRESET in running.failures


def test_a_bank_whose_first_presets_are_broken_begins_with_the_one_that_can_be_played(
    server: JackServer, broken: Path
) -> None:
    running = Running(PedalSetup(sorted(broken.glob("*.toml")), server=server.name, fallback=True))
    wait_for(lambda: running.plays() == "c")
    status = running.commands.status()
    assert (status["last_resort"], status["refused"].partition(":")[0]) == (False, "a")
    running.stop()


def test_it_sounds_again_when_the_server_comes_back_at_another_rate(server: JackServer) -> None:
    running = Running(PedalSetup([], server=server.name, fallback=True))
    wait_for(running.pedal.plays)
    before = running.pedal.manager
    server.kill()
    wait_for(lambda: running.pedal.client is None)
    server.rate = 44_100
    server.start()
    wait_for(lambda: running.pedal.manager is not before and running.plays() == "dry")
    running.stop()


def test_without_a_last_resort_it_is_silent(server: JackServer, broken: Path) -> None:
    running = Running(PedalSetup([broken / "a.toml"], server=server.name))
    wait_for(lambda: running.pedal.manager is not None and running.pedal.manager.slots[0].error)
    wait_for(lambda: running.failures[-1:] == [NO_PRESET])
    assert running.plays() == ""
    assert not running.pedal.plays()
    running.stop()


def test_it_is_no_file_that_could_be_saved_or_asked_for(server: JackServer) -> None:
    running = Running(PedalSetup([], server=server.name, fallback=True))
    wait_for(running.pedal.plays)
    manager = running.pedal.manager
    running.stop()
    assert manager is not None
    with pytest.raises(SettingsUnwritableError, match="save: dry is built in; go to another preset"):
        running.pedal.playback.save()
    with pytest.raises(NoSuchPresetError, match="preset 'dry': is not in the bank, which has none"):
        running.pedal.playback.select("dry")
