"""`pw-jack nampedal play`: live through PipeWire in JACK's place, with a real PipeWire."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.sound_server import sound_server
from support.makers import nam_maker
from support.players.jack_server import ended, wait_for
from support.players.live_pedal import status
from support.players.pipewire_server import PERIOD, PipeWire

RATE = 48_000
# Frames that come through without an xrun at least once.
WHOLE = 1024
TRIES = 10
TO_SPEAKERS = {("nampedal:left", "speakers:playback_FL"), ("nampedal:right", "speakers:playback_FR")}
# What JACK's library says of its version.
OF_JACK, OF_PIPEWIRE = "1.9.21", "3.0.0.0 (using PipeWire 0.3.65)"


@pytest.fixture
def pipewire(tmp_path: Path) -> Iterator[PipeWire]:
    """Not yet started."""
    server = PipeWire(tmp_path / "pipewire")
    yield server
    server.stop()


def below_pw_jack(*words: str | Path) -> list[str]:
    return ["pw-jack", sys.executable, *map(str, words)]


@contextmanager
def playing(pipewire: PipeWire, socket: Path, *what: str | Path) -> Iterator[subprocess.Popen[str]]:
    command = below_pw_jack("-m", "nampedal.firmware.cli", "play", *what, "--socket", socket)
    with ended(subprocess.Popen(command, env=pipewire.environment, stderr=subprocess.PIPE, text=True)) as child:
        yield child
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0


def heard(pipewire: PipeWire, folder: Path, sent: Audio) -> Audio:
    """What nampedal's two outputs play while it is played to."""
    np.save(folder / "sent.npy", sent)
    environment = {**pipewire.environment, "PYTHONPATH": str(ROOT / "tests")}
    command = below_pw_jack(
        ROOT / "tests" / "support" / "players" / "pipewire_player.py", folder / "sent.npy", folder / "got.npy"
    )
    subprocess.run(command, env=environment, check=True)
    got: Audio = np.load(folder / "got.npy")
    return got


def connections(pipewire: PipeWire) -> set[tuple[str, str]]:
    """Outputs with the inputs that they go to, as PipeWire has them."""
    lines = subprocess.run(["pw-link", "-l"], env=pipewire.environment, capture_output=True, text=True, check=True)
    found, port = set(), ""
    for line in lines.stdout.splitlines():
        if line.startswith("  |-> "):
            found.add((port, line.removeprefix("  |-> ")))
        elif not line.startswith(" "):
            port = line
    return found


def test_the_guitar_comes_through_pipewire_bit_by_bit(pipewire: PipeWire, tmp_path: Path) -> None:
    pipewire.start()
    socket = tmp_path / "control.sock"
    sent = np.random.default_rng(1).uniform(-0.5, 0.5, RATE // 2).astype(np.float32)
    parts = [sent[at : at + WHOLE].tobytes() for at in range(0, len(sent) - WHOLE, WHOLE)]
    with playing(pipewire, socket, "--safe"):
        told = wait_for(lambda: (now := status(socket)).get("playing") and now)
        assert (told["sample_rate_hz"], told["period_frames"]) == (RATE, PERIOD)
        wait_for(
            lambda: (
                {("nampedal:left", "speakers:playback_FL"), ("nampedal:right", "speakers:playback_FR")}
                <= connections(pipewire)
            )
        )
        # On a busy machine a period may be missed, in the player or in the pedal.
        for _ in range(TRIES):
            left, right = (output.tobytes() for output in heard(pipewire, tmp_path, sent))
            if any(part in left and part in right for part in parts):
                break
        else:
            raise AssertionError(f"no {WHOLE} frames came through whole in {TRIES} tries")


def test_a_capture_plays_through_pipewire(pipewire: PipeWire, tmp_path: Path) -> None:
    amp = tmp_path / "amp.stomp"
    amp.write_bytes(artifact.pack(nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam_maker.a1()))))
    pipewire.start()
    socket = tmp_path / "control.sock"
    with playing(pipewire, socket, amp, "--tier", "0"):
        wait_for(lambda: status(socket).get("preset") == "amp")
        got = heard(pipewire, tmp_path, 0.5 * np.sin(0.05 * np.arange(RATE // 2, dtype=np.float32)))
    assert np.all(np.isfinite(got))
    assert np.ptp(got) > 1e-3


def test_pipewire_is_waited_for_and_named(pipewire: PipeWire, tmp_path: Path) -> None:
    socket = tmp_path / "control.sock"
    with playing(pipewire, socket, "--safe") as child:
        assert child.stderr is not None
        assert child.stderr.readline() == (
            "nampedal: PipeWire 'pipewire-0': does not answer; "
            "start it ('systemctl --user start pipewire wireplumber'), or wait for it\n"
        )
        pipewire.start()
        wait_for(lambda: status(socket).get("playing"))
        pipewire.stop()
        wait_for(lambda: not status(socket).get("playing"))
        pipewire.start()
        wait_for(lambda: status(socket).get("playing"))


@pytest.mark.parametrize(
    ("server", "environment", "shown"),
    [
        (None, {}, "JACK server 'default'"),
        ("nc", {}, "JACK server 'nc'"),
        (None, {"JACK_DEFAULT_SERVER": "nc"}, "JACK server 'nc'"),
        ("studio", {"JACK_DEFAULT_SERVER": "nc"}, "JACK server 'studio'"),
        (None, {"JACK_DEFAULT_SERVER": ""}, "JACK server 'default'"),
    ],
)
def test_jacks_server_is_called_what_jack_calls_it(
    monkeypatch: pytest.MonkeyPatch, server: str | None, environment: dict[str, str], shown: str
) -> None:
    monkeypatch.delenv("JACK_DEFAULT_SERVER", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert sound_server(OF_JACK, server).shown == shown


@pytest.mark.parametrize(
    ("server", "environment", "shown"),
    [
        (None, {"JACK_DEFAULT_SERVER": "nc"}, "PipeWire 'pipewire-0'"),
        ("default", {}, "PipeWire 'pipewire-0'"),
        ("studio", {}, "PipeWire 'studio'"),
        ("studio", {"PIPEWIRE_REMOTE": "other"}, "PipeWire 'other'"),
    ],
)
def test_pipewire_is_called_what_pipewire_calls_it(
    monkeypatch: pytest.MonkeyPatch, server: str | None, environment: dict[str, str], shown: str
) -> None:
    monkeypatch.delenv("PIPEWIRE_REMOTE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert sound_server(OF_PIPEWIRE, server).shown == shown


def test_who_has_pipewire_and_no_jackd_is_told_of_pw_jack(
    pipewire: PipeWire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("JACK_DEFAULT_SERVER", "PIPEWIRE_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", pipewire.environment["XDG_RUNTIME_DIR"])
    assert sound_server(OF_JACK, None).meet == "start jackd, or wait for it"
    pipewire.start()
    there = "start jackd, or play through PipeWire, which runs here: 'pw-jack nampedal ...'"
    assert sound_server(OF_JACK, None).meet == there
    # Who names a server of JACK's wants that one.
    assert sound_server(OF_JACK, "nc").meet == "start jackd, or wait for it"
