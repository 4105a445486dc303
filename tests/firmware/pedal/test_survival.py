"""What the sound survives: a control thread that stands still, garbage from every side, a daemon that is killed."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Cabinet, Gain, Gate, Nam, Preset, Tone
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for

RATE = 48_000


@pytest.fixture
def bank(tmp_path: Path, root: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "amp.stomp").write_bytes(artifact.pack(nam_file.read(root / "demo" / "overdriven-amp.nam")))
    soundfile.write(folder / "cab.wav", np.r_[1.0, np.zeros(500)], RATE)
    blocks = (Gate(), Nam("amp.stomp"), Tone(bass=7.0), Cabinet("cab.wav"))
    preset.write(Preset("Crunch", blocks), folder / "crunch.toml")
    preset.write(Preset("Half", (Gain(-6.0),), normalise=False), folder / "half.toml")
    return folder


@pytest.fixture
def pedal(server: JackServer, bank: Path) -> Iterator[Pedal]:
    """Plays half."""
    made = Pedal(PedalSetup(sorted(bank.glob("*.toml")), server=server.name, first="half", tier=0))
    thread = threading.Thread(target=made.run)
    thread.start()
    wait_for(lambda: name_of(made) == "half" and made.client is not None)
    yield made
    made.stop()
    thread.join(30.0)
    assert not thread.is_alive()


def name_of(pedal: Pedal) -> str:
    current = pedal.manager.current if pedal.manager is not None else None
    return current.name if current is not None else ""


def heard(server: JackServer, audio: Audio) -> Audio:
    player = Player(server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    left, _ = player.play(audio)
    player.close()
    return left


def is_half(server: JackServer, audio: Audio) -> bool:
    left = heard(server, audio)
    half = np.float32(10.0 ** (-6.0 / 20.0)) * audio[: -server.period]
    return np.allclose(left[server.period :], half, atol=1e-6)


def test_the_sound_goes_on_while_the_control_thread_stands_still(
    server: JackServer, pedal: Pedal, guitar: Audio
) -> None:
    stands, may_go = threading.Event(), threading.Event()

    def stand() -> None:
        stands.set()
        may_go.wait(60.0)

    pedal.ticks.append(stand)
    assert stands.wait(20.0)
    assert is_half(server, guitar)
    assert not may_go.is_set()
    pedal.ticks.remove(stand)
    may_go.set()
    pedal.playback.select("crunch")
    wait_for(lambda: name_of(pedal) == "crunch")


def test_presets_of_garbage_are_refused_in_words_and_the_sound_goes_on(
    server: JackServer, pedal: Pedal, bank: Path, guitar: Audio, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(0)
    whole = (bank / "crunch.toml").read_bytes()
    manager = pedal.manager
    assert manager is not None
    slot = next(slot for slot in manager.slots if slot.name == "crunch")
    wait_for(lambda: slot.chain)
    refused = 0
    caplog.set_level(logging.CRITICAL)
    done = threading.Event()

    # In the thread that may touch the manager, a tick at a time.
    def fuzz() -> None:
        nonlocal refused
        if slot.preparing or done.is_set():
            return
        if slot.chain is None:
            assert slot.error.startswith(str(bank))
            assert "\n" not in slot.error
            refused += 1
        if refused >= 150:
            done.set()
            return
        (bank / "crunch.toml").write_bytes(damaged(whole, rng))
        slot.chain, slot.used = None, False
        slot.error = ""

    pedal.ticks.append(fuzz)
    wait_for(done.is_set, 120.0)
    assert name_of(pedal) == "half"
    assert is_half(server, guitar)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes other ones, or the end cut off."""
    out = bytearray(data)
    if rng.random() < 0.3:
        return bytes(out[: rng.integers(len(out))])
    for at in rng.integers(0, len(out), rng.integers(1, 6)):
        out[at] = rng.integers(256)
    return bytes(out)


class Daemon:
    """nampedal play, in a process of its own."""

    def __init__(self, server: JackServer, bank: Path, at: Path, *more: str) -> None:
        self.at = at
        command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(bank), "--preset", "half", "--tier", "0"]
        command += ["--server", server.name, "--socket", str(at), *more]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def status(self) -> dict[str, Any]:
        try:
            return ask(self.at, {"do": "status"})
        except NampedalError:
            return {}


def test_requests_of_garbage_are_refused_in_words_and_the_sound_goes_on(
    server: JackServer, bank: Path, guitar: Audio, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    known = [{"do": "load", "preset": "half"}, {"do": "set", "name": "gain", "value": 1}, {"do": "mute", "on": False}]
    daemon = Daemon(server, bank, tmp_path / "control.sock")
    with ended(daemon.process) as child:
        wait_for(lambda: daemon.status().get("preset") == "half")
        for _ in range(40):
            lines = [damaged(json.dumps(known[rng.integers(3)]).encode(), rng) for _ in range(25)]
            # A line that says nothing wrong may well load, or set, something.
            lines += [rng.bytes(int(rng.integers(1, 2000)))]
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(20.0)
                connection.connect(str(daemon.at))
                connection.sendall(b"\n".join(lines) + b"\n")
                answer = json.loads(connection.makefile("rb").readline())
                assert answer["ok"] or "\n" not in answer["error"]
        ask(daemon.at, {"do": "load", "preset": "crunch"})
        wait_for(lambda: daemon.status().get("preset") == "crunch")
        ask(daemon.at, {"do": "load", "preset": "half"})
        wait_for(lambda: daemon.status().get("preset") == "half")
        assert is_half(server, guitar)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0


def test_a_killed_daemon_loses_nothing_but_the_sound(
    server: JackServer, bank: Path, guitar: Audio, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in bank.iterdir()}
    at, take = tmp_path / "control.sock", tmp_path / "take.wav"
    first = Daemon(server, bank, at, "--record", str(take))
    with ended(first.process) as child:
        wait_for(lambda: first.status().get("preset") == "half")
        wait_for(lambda: soundfile.info(take).frames > RATE // 2)
        child.send_signal(signal.SIGKILL)
        child.wait()
    recorded, rate = soundfile.read(take)
    assert rate == RATE
    assert recorded.shape[1] == 2
    assert int.from_bytes(take.read_bytes()[4:8], "little") > 4 * RATE
    assert {path: path.read_bytes() for path in bank.iterdir()} == before
    # The socket that it left behind is in nobody's way, nor is its place in JACK's graph.
    second = Daemon(server, bank, at)
    with ended(second.process) as child:
        wait_for(lambda: second.status().get("preset") == "half")
        assert is_half(server, guitar)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0
