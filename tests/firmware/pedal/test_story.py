"""An evening: from the first note to a pulled plug and the next one, through a real JACK server."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.pedal.saved_state import read_state
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset, Tone
from nampedal.firmware.presets.quality import QualityLevel
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for

RATE = 48_000.0
SILENCE = np.zeros(96_000, np.float32)
PEDAL = """name = "Mine"
board = "5"
hat = "hifiberry-dac-adc"

[gpio.switches]
1 = 5
2 = 6
3 = 13
4 = 26

[mcp3008]
bus = 0
device = 0
knobs = {gain = 0}
"""


@pytest.fixture
def banks(tmp_path: Path, root: Path) -> Path:
    """Two of four presets each."""
    data = artifact.pack(nam_file.read(root / "demo" / "overdriven-amp.nam"))
    for bank, bass in (("a", 3.0), ("b", 7.0)):
        folder = tmp_path / "banks" / bank
        folder.mkdir(parents=True)
        (folder / "amp.stomp").write_bytes(data)
        for number in range(1, 5):
            blocks = (Nam("amp.stomp", gain_db=float(number)), Tone(bass=bass))
            preset.write(Preset(f"{bank}{number}", blocks), folder / f"{bank}{number}.toml")
    return tmp_path / "banks"


class Evening:
    """nampedal play, with a terminal's keys for feet and hands."""

    def __init__(self, process: subprocess.Popen[str], at: Path, keys: int) -> None:
        self.process, self._at, self._keys = process, at, keys

    def press(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def status(self) -> dict[str, Any]:
        try:
            return ask(self._at, {"do": "status"})
        except NampedalError:
            return {}

    def shines(self) -> bool:
        """Whether the lights were seen: the keys are listened to."""
        return "●" in os.read(self._keys, 4096).decode("utf-8", "replace")

    def plays(self, name: str) -> bool:
        return self.status().get("preset") == name

    def gain_db(self) -> float:
        return float(self.status()["numbers"]["1.gain_db"])


@contextmanager
def boot(server: JackServer, banks: Path, folder: Path) -> Iterator[Evening]:
    keys, terminal = pty.openpty()
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(banks), "--tier", "0"]
    command += ["--pedal", str(folder / "mine.toml"), "--controls", "mock"]
    command += ["--server", server.name, "--socket", str(folder / "control.sock")]
    with ended(subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True)) as child:
        yield Evening(child, folder / "control.sock", keys)
    os.close(keys)
    os.close(terminal)


def heard(server: JackServer, audio: Audio) -> Audio:
    """Behind silence, in which what rings settles, and the cycle that the player's place in the graph takes."""
    player = Player(server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    left, _ = player.play(np.concatenate([SILENCE, audio, np.zeros(server.period, np.float32)]))
    player.close()
    return left[len(SILENCE) + server.period :]


def test_an_evening_and_the_next_one(
    jack_server: JackServer, banks: Path, guitar: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "mine.toml").write_text(PEDAL)
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    with boot(jack_server, banks, tmp_path) as evening:
        wait_for(lambda: evening.plays("a1"))
        wait_for(evening.shines)
        evening.press("2")
        wait_for(lambda: evening.plays("a2"))
        # The knob stands at 0 dB, the preset at 2: it takes over where it passes that.
        evening.press("-")
        time.sleep(0.2)
        assert evening.gain_db() == 2.0
        evening.press("++")
        wait_for(lambda: evening.gain_db() > 3.0)
        # Held, for the tuner; held again, to play on.
        for on in (True, False):
            evening.press("@")
            wait_for(lambda: evening.status()["tuning"] is on)  # noqa: B023
            evening.press("@")
            time.sleep(0.2)
        assert evening.plays("a2")
        # Both feet at once; then let go.
        evening.press("#$")
        wait_for(lambda: evening.plays("b2"))
        evening.press("#$")
        evening.press("--")
        wait_for(lambda: evening.gain_db() < 1.0)
        gain_db = evening.gain_db()
        state = tmp_path / "state" / "nampedal" / "state.toml"
        wait_for(lambda: (found := read_state(state)) and found.edits.get("b2", {}).get("1.gain_db") == gain_db)
        evening.process.send_signal(signal.SIGKILL)
        evening.process.wait()
    with boot(jack_server, banks, tmp_path) as evening:
        wait_for(lambda: evening.plays("b2"))
        assert evening.status()["bank"] == "b"
        assert evening.gain_db() == gain_db
        got = heard(jack_server, guitar)
        evening.process.send_signal(signal.SIGTERM)
        assert evening.process.wait(30.0) == 0
    # The make-up gain is that of the preset as it is in its file: what the player turns up is louder.
    same = Chain.prepare(preset.read(banks / "b" / "b2.toml"), banks / "b", sample_rate=RATE, max_frames=128)
    same.reset_to(QualityLevel(0), edits={"1.gain_db": gain_db})
    same.render(SILENCE)
    assert np.array_equal(got, same.render(guitar))
