"""The pedal, from JACK to JACK."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import jack
import numpy as np
import pytest
import soundfile
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import JackRefusedError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.jack_client import JackClient, PortConnections
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.presets import preset, quality
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Cabinet, Gain, Nam, Preset, Tone
from support.makers.heavy_network import heavy_network
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for

RATE = 48_000.0
SILENCE = np.zeros(96_000, np.float32)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    (folder / "amp.stomp").write_bytes(artifact.pack(demo))
    preset.write(Preset("Crunch", (Nam("amp.stomp"), Tone(bass=7.0)), level_db=-6.0), folder / "crunch.toml")
    preset.write(Preset("Half", (Gain(-6.0),)), folder / "half.toml")
    return folder


class Running:
    """A pedal in a thread of its own."""

    def __init__(self, setup: PedalSetup) -> None:
        self.pedal = Pedal(setup)
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.pedal.run()
        except Exception as error:
            self.error = error

    def playing(self) -> str:
        manager = self.pedal.manager
        there = self.pedal.client is not None and manager is not None and manager.current is not None
        return manager.current.name if there and manager is not None and manager.current is not None else ""

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


def rendered(bank: Path, name: str, audio: Audio) -> Audio:
    """After two seconds of silence, in which what rings settles to its last bit."""
    chain = Chain.prepare(preset.read(bank / name), bank, sample_rate=RATE, max_frames=128)
    chain.render(SILENCE)
    return chain.render(audio)


def heard(server: JackServer, client: str, audio: Audio) -> Audio:
    """The same of the pedal, without the cycle that the player's own place in the graph takes."""
    player = Player(server.name)
    player.connect(f"{client}:in", [f"{client}:left", f"{client}:right"])
    left, right = player.play(np.concatenate([SILENCE, audio, np.zeros(server.period, np.float32)]))
    player.close()
    assert np.array_equal(left, right)
    return left[len(SILENCE) + server.period :]


@pytest.mark.parametrize("jack_server", [64, 128, 256], indirect=True)
def test_the_command_plays_and_records_what_the_preset_is_offline(
    server: JackServer, bank: Path, guitar: Audio, tmp_path: Path
) -> None:
    take = tmp_path / "take.wav"
    command = [
        sys.executable,
        "-m",
        "nampedal.firmware.cli",
        "play",
        str(bank),
        "--server",
        server.name,
        "--tier",
        "0",
    ]
    command += ["--record", str(take), "--socket", str(tmp_path / "control.sock")]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        assert child.stderr is not None
        said = [child.stderr.readline() for _ in range(2)]
        got = heard(server, "nampedal", guitar)
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
        assert child.wait(30.0) == 0
    assert sorted(said) == [
        f"nampedal: playing at 48000 Hz in periods of {server.period} frames as JACK client nampedal\n",
        "nampedal: preset crunch\n",
    ]
    assert rest == ""
    expected = rendered(bank, "crunch.toml", guitar)
    assert np.array_equal(got, expected)
    # A recording that can't keep up with freewheeling has gaps; here it has what was played at the end.
    recorded = soundfile.read(take, dtype="float32")[0]
    assert recorded.shape[1] == 2
    assert len(recorded) > server.period


def test_an_artifact_alone_is_played(server: JackServer, bank: Path) -> None:
    running = Running(PedalSetup([bank / "amp.stomp"], server=server.name))
    wait_for(lambda: running.playing() == "amp")
    running.stop()
    assert running.error is None


def test_two_inputs_go_each_through_a_chain_of_its_own(server: JackServer, bank: Path, guitar: Audio) -> None:
    setup = PedalSetup([bank / "crunch.toml"], server=server.name, tier=0, channels=2)
    running = Running(setup)
    wait_for(lambda: running.playing() == "crunch")
    player = Player(server.name)
    player.connect("nampedal:in_right", ["nampedal:left", "nampedal:right"])
    left, right = player.play(np.concatenate([SILENCE, guitar, np.zeros(server.period, np.float32)]))
    player.close()
    running.stop()
    assert np.array_equal(right[len(SILENCE) + server.period :], rendered(bank, "crunch.toml", guitar))
    hum = rendered(bank, "crunch.toml", np.zeros_like(guitar))
    assert np.array_equal(left[len(SILENCE) + server.period :], hum)


def test_the_pedal_waits_for_a_server_and_says_so(
    jack_server: JackServer, bank: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running(PedalSetup([bank / "half.toml"], server=jack_server.name))
    text = f"JACK server '{jack_server.name}': does not answer; start jackd, or wait for it"
    wait_for(lambda: text in caplog.text)
    assert running.playing() == ""
    jack_server.start()
    wait_for(lambda: running.playing() == "half")
    running.stop()
    assert caplog.text.count("does not answer") < 5


def test_the_sound_comes_back_with_a_server_that_was_killed(
    server: JackServer, bank: Path, guitar: Audio, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running(PedalSetup([bank / "crunch.toml", bank / "half.toml"], server=server.name, first="half", tier=0))
    wait_for(lambda: running.playing() == "half")
    for _ in range(2):
        server.kill()
        wait_for(lambda: running.pedal.client is None)
        server.start()
        wait_for(lambda: running.playing() == "half")
    client = running.pedal.client
    assert client is not None
    assert np.allclose(heard(server, client.name, guitar), rendered(bank, "half.toml", guitar), atol=1e-6)
    running.stop()
    assert caplog.text.count(f"JACK server '{server.name}' is gone; waiting for it") == 2


def test_what_was_set_stays_when_the_server_comes_back_at_another_rate(server: JackServer, bank: Path) -> None:
    running = Running(PedalSetup([bank / "half.toml"], server=server.name, tier=0))
    wait_for(lambda: running.playing() == "half")
    first = running.pedal.manager
    assert first is not None
    running.pedal.playback.set("1.gain_db", -20.0)
    running.pedal.bring_to(replace(running.pedal.state, bypass=True))
    server.kill()
    wait_for(lambda: running.pedal.client is None)
    server.rate = 44_100
    server.start()
    wait_for(lambda: running.pedal.manager is not first and running.playing() == "half")
    second = running.pedal.manager
    assert second is not None
    assert second.current is not None
    assert second.current.chain is not None
    assert second.current.chain.numbers["1.gain_db"] == -20.0
    assert second.bypass
    running.stop()


def test_a_port_that_is_not_there_ends_it_with_its_name(server: JackServer, bank: Path) -> None:
    running = Running(PedalSetup([bank / "half.toml"], PortConnections(inputs=("usb:1",)), server=server.name))
    wait_for(lambda: running.error)
    assert isinstance(running.error, JackRefusedError)
    assert "usb:1 can't be connected to nampedal:in" in str(running.error)
    running.stop()


def test_a_server_that_ends_while_it_is_connected_to_is_waited_for(
    server: JackServer, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As jackd does when the plug of a USB interface is pulled."""
    join, killed = JackClient._join, threading.Event()

    def ending(self: JackClient, source: str, target: str) -> None:
        if not killed.is_set():
            server.kill()
            killed.set()
        join(self, source, target)

    monkeypatch.setattr(JackClient, "_join", ending)
    running = Running(PedalSetup([bank / "half.toml"], server=server.name))
    wait_for(killed.is_set)
    server.start()
    wait_for(lambda: running.error or running.playing() == "half")
    assert running.error is None
    running.stop()


@pytest.mark.parametrize(
    ("inputs", "heard", "told"),
    [
        (("system:capture_2",), "system:capture_2", ""),
        (("system:capture_7",), "system:capture_1", "no input system:capture_7; the first input is played"),
    ],
)
def test_an_input_that_the_card_does_not_have_gives_way_to_the_first(
    server: JackServer, bank: Path, caplog: pytest.LogCaptureFixture, inputs: tuple[str, ...], heard: str, told: str
) -> None:
    """As when another USB interface than the profile was written for is plugged in."""
    running = Running(
        PedalSetup([bank / "half.toml"], PortConnections(inputs=inputs, fallback_to_first=True), server=server.name)
    )
    wait_for(lambda: running.playing() == "half")
    assert running.pedal.client is not None
    player = jack.Client("looks", no_start_server=True, servername=server.name)
    (found,) = player.get_all_connections(player.get_port_by_name(f"{running.pedal.client.name}:in"))
    player.close()
    assert found.name == heard
    assert ("no input" in caplog.text) == bool(told)
    assert told in caplog.text
    running.stop()


def test_overload_steps_down_and_room_steps_up_and_the_log_tells_it_in_order(
    server: JackServer, tiers: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine without real-time rights blocks are late by themselves, now and then.
    monkeypatch.setattr(quality, "ROOM", 100.0)
    monkeypatch.setattr(quality, "ROOM_S", 0.5)
    caplog.set_level(logging.INFO)
    running = Running(PedalSetup([tiers / "three.toml"], server=server.name))
    wait_for(lambda: running.playing() == "three")
    wait_for(lambda: "now at tier 0" in caplog.text)
    running.stop()
    said = [record.message for record in caplog.records if record.message.startswith("now at")]
    assert said[0].startswith("now at tier 1: ")
    assert "now at tier 0: no block took more than 10000 % of its period for 0 s" in said


@pytest.mark.parametrize(
    ("name", "first"), [("one", "now at dry: "), ("cabinet", "now at tier 0, cabinet without its tail: ")]
)
def test_a_preset_of_one_size_steps_to_what_it_has(
    server: JackServer, tiers: Path, caplog: pytest.LogCaptureFixture, name: str, first: str
) -> None:
    caplog.set_level(logging.INFO)
    running = Running(PedalSetup([tiers / f"{name}.toml"], server=server.name))
    wait_for(lambda: running.playing() == name)
    wait_for(lambda: "now at" in caplog.text)
    running.stop()
    said = [record.message for record in caplog.records if record.message.startswith("now at")]
    assert said[0].startswith(first)


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Presets of captures that take more than a period: of three tiers, of which two do not; of one; with a cabinet."""
    folder = tmp_path_factory.mktemp("tiers")
    # Not normalised: to measure how loud they are would take ten seconds.
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    full = replace(demo.tiers[0], network=heavy_network())
    smaller = (replace(demo.tiers[0], size_below=size) for size in (0.6, 0.3))
    (folder / "amp.stomp").write_bytes(artifact.pack(replace(demo, tiers=(full, *smaller))))
    preset.write(Preset("Three", (Nam("amp.stomp"),), normalise=False), folder / "three.toml")
    (folder / "one.stomp").write_bytes(artifact.pack(replace(demo, tiers=(full,))))
    preset.write(Preset("One", (Nam("one.stomp"),), normalise=False), folder / "one.toml")
    taps = np.exp(-np.arange(3000) / 300.0) * np.random.default_rng(1).normal(size=3000)
    soundfile.write(folder / "cab.wav", taps / np.max(np.abs(taps)), 48_000, subtype="FLOAT")
    preset.write(Preset("Cabinet", (Nam("one.stomp"), Cabinet("cab.wav")), normalise=False), folder / "cabinet.toml")
    return folder
