"""What the player asked for outlives the server: with real servers at another rate, or with other periods."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.silence import why_silent
from nampedal.firmware.pedal.switching.play_state import Edits, PlayState
from nampedal.firmware.pedal.switching.playback import Playback
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset
from nampedal.firmware.presets.quality import QualityLevel
from support.players.jack_player import Player
from support.players.jack_server import JackServer, wait_for

SAME, RATE, PERIOD, BOTH = (48_000, 128), (44_100, 128), (48_000, 512), (96_000, 64)


class Running:
    """A pedal in a thread of its own, with who carries out what is asked."""

    def __init__(self, server: JackServer, bank: Path, record: Path | None = None) -> None:
        self.server = server
        paths = sorted(bank.glob("*.toml"))
        self.pedal = Pedal(PedalSetup(paths, server=server.name, first="half", tier=0, record=record))
        self.dispatcher = ActionDispatcher(self.pedal)
        self._thread = threading.Thread(target=self.pedal.run)
        self._thread.start()

    def do(self, what: Callable[[], object]) -> None:
        """In the thread that may."""
        done = threading.Event()

        def once() -> None:
            self.pedal.ticks.remove(once)
            what()
            done.set()

        self.pedal.ticks.append(once)
        assert done.wait(20.0)

    def plays(self) -> bool:
        return self.pedal.plays()

    def restart(self, rate: int, period: int) -> None:
        self.server.kill()
        wait_for(lambda: self.pedal.client is None)
        self.server.rate, self.server.period = rate, period
        self.server.start()
        wait_for(lambda: self.pedal.client is not None and self.pedal.client.sample_rate == rate and self.plays())

    def heard(self, level: float = 0.5) -> Audio:
        """What a steady signal becomes, once nothing moves."""
        player = wait_for(lambda: Player.open(self.server.name))
        player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
        left: Audio
        left, _ = player.play(np.full(self.server.rate, level, np.float32))
        player.close()
        return left[-1000:]

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    for name, gain in (("half", -6.0), ("quarter", -12.0)):
        preset.write(Preset(name, (Gain(gain),), normalise=False), folder / f"{name}.toml")
    return folder


@pytest.fixture
def running(server: JackServer, bank: Path) -> Iterator[Running]:
    made = Running(server, bank)
    wait_for(made.plays)
    yield made
    made.stop()


HALF, DRY, SILENCE = 0.5 * 10.0 ** (-6.0 / 20.0), 0.5, 0.0


@pytest.mark.parametrize("again", [SAME, RATE, PERIOD, BOTH], ids=["same", "rate", "period", "both"])
@pytest.mark.parametrize(
    ("ask", "heard", "why"),
    [
        (lambda to: to.mute(True), SILENCE, "it is muted"),
        (lambda to: to.tune(True, mute=True), SILENCE, "the tuner is on, and silent"),
        (lambda to: to.tune(True, mute=False), HALF, ""),
        (lambda to: to.bypass(True), DRY, ""),
    ],
    ids=["mute", "silent tuner", "tuner", "bypass"],
)
def test_what_was_asked_for_is_so_when_the_server_returns(
    running: Running, again: tuple[int, int], ask: Callable[[ActionDispatcher], None], heard: float, why: str
) -> None:
    running.do(lambda: ask(running.dispatcher))
    before = running.pedal.state
    running.restart(*again)
    assert running.pedal.state == before
    assert np.allclose(running.heard(), heard, atol=1e-4)
    assert why_silent(running.pedal) == why
    if before.tuning:
        assert running.pedal.tap is not None
        assert running.pedal.tap._tuner is not None


@pytest.mark.parametrize("again", [SAME, RATE], ids=["same", "rate"])
def test_what_is_asked_for_while_no_server_is_there_is_so_when_one_comes(
    running: Running, again: tuple[int, int]
) -> None:
    running.server.kill()
    wait_for(lambda: running.pedal.client is None)
    assert why_silent(running.pedal) == "it waits for the JACK server"

    def ask() -> None:
        # More than the stage's queue holds while nobody takes of it.
        for _ in range(300):
            running.dispatcher.mute(True)
            running.dispatcher.mute(False)
        running.dispatcher.mute(True)

    running.do(ask)
    running.server.rate, running.server.period = again
    running.server.start()
    wait_for(running.plays)
    wait_for(lambda: np.allclose(running.heard(), SILENCE, atol=1e-6))
    running.do(lambda: running.dispatcher.mute(False))
    wait_for(lambda: np.allclose(running.heard(), HALF, atol=1e-4))


@pytest.mark.parametrize("again", [RATE, PERIOD], ids=["rate", "period"])
def test_a_recording_goes_on(server: JackServer, bank: Path, tmp_path: Path, again: tuple[int, int]) -> None:
    take = tmp_path / "take.wav"
    running = Running(server, bank, take)
    wait_for(running.plays)
    running.restart(*again)
    tap = running.pedal.tap
    assert tap is not None
    assert tap.recording
    path = tmp_path / ("take-2.wav" if again == RATE else "take.wav")
    wait_for(lambda: path.exists() and soundfile.info(path).frames > 0)
    assert soundfile.info(path).samplerate == again[0]
    assert soundfile.info(take).samplerate == 48_000
    running.restart(*SAME)
    running.stop()
    assert (tmp_path / "take-3.wav").exists() == (again == RATE)


def test_what_was_set_and_not_saved_and_where_the_player_was_goes_on(running: Running) -> None:
    manager = running.pedal.manager
    assert manager is not None
    running.do(lambda: running.pedal.playback.select("quarter"))
    wait_for(lambda: manager.current is not None and manager.current.name == "quarter")
    running.do(lambda: running.pedal.playback.set("1.gain_db", -20.0))
    running.do(lambda: running.pedal.playback.select("half"))
    wait_for(lambda: manager.current is not None and manager.current.name == "half")
    running.restart(*RATE)
    after = running.pedal.manager
    assert after is not None
    assert after is not manager
    edits = {path.stem: own for path, own in running.pedal.state.edits.items()}
    assert edits == {"quarter": {"1.gain_db": -20.0}}
    assert after.edits == running.pedal.state.edits
    assert running.pedal.describe() == "plays half of bank"


class FullStage:
    """Takes nothing for a while, as a stage whose queue is full."""

    def __init__(self) -> None:
        self.takes = False
        self.silent: bool | None = None

    def mute(self, on: bool) -> bool:
        if self.takes:
            self.silent = on
        return self.takes


def test_a_stage_that_is_busy_is_told_later() -> None:
    playback = Playback(PlayState(Path("bank")), [])
    stage = FullStage()
    playback.attach(*cast("Any", (stage, Nothing(), Nothing())))
    playback.bring_to(PlayState(Path("bank"), muted=True))
    playback.catch_up()
    assert stage.silent is None
    stage.takes = True
    playback.catch_up()
    assert stage.silent is True
    stage.silent = None
    playback.catch_up()
    assert stage.silent is None


class Nothing:
    """An audio tap and presets that take everything."""

    def tune(self, on: bool, reference_hz: float) -> None: ...

    wanted = current = None
    in_fallback = False

    def __init__(self) -> None:
        self.edits: Edits = {}

    def play_at(self, step: QualityLevel, *, bypass: bool) -> None: ...

    def apply_edits(self, edits: Edits) -> None: ...
