"""A pedal that plays, asked through its socket and by its commands."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions.control_socket import ask, muted
from nampedal.firmware.base.errors import ControlRequestError, NampedalError
from nampedal.firmware.cli.commands.control_command import needle_text, status_text
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Nam, Preset, Tone
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    (folder / "amp.stomp").write_bytes(artifact.pack(nam_file.read(root / "demo" / "overdriven-amp.nam")))
    preset.write(Preset("Crunch", (Nam("amp.stomp"), Tone(bass=7.0))), folder / "crunch.toml")
    preset.write(Preset("Half", (Gain(-6.0),)), folder / "half.toml")
    preset.write(Preset("Broken", (Nam("gone.stomp"),)), folder / "broken.toml")
    return folder


def nampedal(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nampedal.firmware.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def at(jack_server: JackServer, bank: Path, tmp_path: Path) -> Iterator[Path]:
    """The socket of a pedal that plays crunch."""
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    path = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(bank), "--preset", "crunch", "--tier", "0"]
    command += ["--server", jack_server.name, "--socket", str(path)]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(path).get("preset") == "crunch")
        yield path
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0
    assert not path.exists()


def status(path: Path) -> dict[str, Any]:
    try:
        return ask(path, {"do": "status"})
    except NampedalError:
        return {}


def test_the_status_tells_what_plays_and_how(at: Path) -> None:
    wait_for(lambda: status(at)["load"]["blocks"] > 0)
    found = status(at)
    assert found["playing"]
    assert (found["sample_rate_hz"], found["period_frames"]) == (48_000.0, 128)
    assert (found["quality"], found["bypass"], found["wanted"]) == ("tier 0", False, None)
    assert found["numbers"]["2.bass"] == 7.0
    assert found["load"]["p50"] <= found["load"]["p99"] <= found["load"]["p99.9"]
    assert found["memory_bytes"] > 100_000
    (level,) = found["calibrated"]
    assert level["gain_db"] is None


def test_presets_are_loaded_and_moved_between(at: Path) -> None:
    listed = wait_for(lambda: ready(at))
    assert [one["name"] for one in listed] == ["broken", "crunch", "half"]
    assert "gone.stomp: " in listed[0]["error"]
    assert ask(at, {"do": "next"})["preset"] == "half"
    wait_for(lambda: status(at)["preset"] == "half")
    assert ask(at, {"do": "previous"})["preset"] == "crunch"
    ask(at, {"do": "load", "preset": "3"})
    wait_for(lambda: status(at)["preset"] == "half")


def ready(at: Path) -> list[dict[str, Any]]:
    """The presets, once each is ready or refused."""
    presets: list[dict[str, Any]] = ask(at, {"do": "presets"})["presets"]
    return presets if all(one["ready"] or one["error"] for one in presets) else []


def test_numbers_bypass_and_mute_are_set(at: Path) -> None:
    ask(at, {"do": "set", "name": "bass", "value": 3})
    ask(at, {"do": "set", "name": "level", "value": -12.5})
    numbers = status(at)["numbers"]
    assert (numbers["2.bass"], numbers["level_db"]) == (3, -12.5)
    ask(at, {"do": "bypass", "on": True})
    assert status(at)["bypass"]
    assert status(at)["silent"] is None
    assert not ask(at, {"do": "mute", "on": True})["was"]
    with muted(at):
        assert status(at)["muted"]
        assert status(at)["silent"] == "it is muted"
    assert status(at)["muted"]
    assert ask(at, {"do": "mute", "on": False})["was"]


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"do": "stauts"}, "request: 'stauts' is not known; did you mean status?"),
        (
            {"do": "juggle"},
            "request: 'juggle' is not known; known are status, presets, load, next, previous, set",
        ),
        ({"do": "burn", "us": 2500}, "request: 'burn' is not known; known are status"),
        ({"do": "load"}, "request load: 'preset' is missing; it takes preset"),
        ({"do": "load", "preset": 3}, "request load: 'preset' is 3; a text is needed"),
        ({"do": "set", "name": "bass", "value": True}, "request set: 'value' is True; a number is needed"),
        ({"do": "bypass", "on": 1}, "request bypass: 'on' is 1; true or false is needed"),
        ({"do": "next", "by": 1}, "request next: 'by' is not known; it takes nothing"),
        (
            {"do": "load", "preset": "9" * 4301},
            "request load: 'preset' is too long; 1000 letters are allowed, and 1000 texts",
        ),
        (
            {"do": "level", "presets": ["a"] * 1001, "seconds": 10},
            "request level: 'presets' is too long; 1000 letters are allowed, and 1000 texts",
        ),
        (
            {"do": "act", "action": "next" + " again next" * 8},
            "request act: 'action': has 9 actions, one for each time",
        ),
        ({"do": "set", "name": "bass", "value": (1 << 64) - 1}, "setting 'bass': 1.84467e+19 was asked for"),
        ({"do": "x" * 20_000}, f"request: '{'x' * 60}...' is not known; known are status"),
        ({"do": "load", "preset": "x"}, "preset 'x': is not in the bank; there are broken, crunch, half"),
        ({"do": "set", "name": "bass", "value": 11}, "setting 'bass': 11 was asked for; allowed are 0 to 10"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_sound_goes_on(at: Path, request_: dict[str, Any], text: str) -> None:
    with pytest.raises(ControlRequestError) as caught:
        ask(at, request_)
    assert str(caught.value).startswith(text)
    assert status(at)["playing"]


def is_note(pitch: dict[str, Any] | None, note: str) -> bool:
    """Return True if the tuner shows the note to a cent. On a busy machine, gaps in the tone change single readings."""
    return pitch is not None and pitch["note"] == note and abs(pitch["cents"]) < 1.0


def test_the_tuner_hears_what_is_played(at: Path, jack_server: JackServer) -> None:
    assert status(at)["pitch"] is None
    ask(at, {"do": "tuner", "on": True})
    player = Player(jack_server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    tone = np.asarray(0.3 * np.sin(2.0 * np.pi * 146.83 / 48_000.0 * np.arange(240_000)), np.float32)
    playing = threading.Thread(target=player.play_on, args=(tone,))
    playing.start()
    wait_for(lambda: is_note(status(at)["pitch"], "D3"), 4.0)
    playing.join()
    player.close()
    ask(at, {"do": "tuner", "on": False})
    assert status(at)["pitch"] is None


def test_what_a4_is_can_be_changed_while_the_tuner_listens(at: Path, jack_server: JackServer) -> None:
    assert status(at)["reference_hz"] == 440.0
    ask(at, {"do": "tuner", "on": True})
    ask(at, {"do": "tuner_reference", "hertz": 432})
    assert status(at)["reference_hz"] == 432
    player = Player(jack_server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    tone = np.asarray(0.3 * np.sin(2.0 * np.pi * 216.0 / 48_000.0 * np.arange(144_000)), np.float32)
    playing = threading.Thread(target=player.play_on, args=(tone,))
    playing.start()
    wait_for(lambda: is_note(status(at)["pitch"], "A3"), 4.0)
    playing.join()
    player.close()
    for hertz in (414, 467):
        with pytest.raises(ControlRequestError) as caught:
            ask(at, {"do": "tuner_reference", "hertz": hertz})
        assert str(caught.value) == f"tuner: A4 is {hertz} Hz; 415 to 466 Hz are allowed: 440 is usual"
    assert status(at)["reference_hz"] == 432


def test_the_needle_points_where_the_pitch_is() -> None:
    assert needle_text(None) == "play a string"
    flat = needle_text({"note": "E2", "cents": -25.0, "hertz": 81.2, "clarity": 0.98})
    assert flat == "E2  ----------#---------|-------------------- -25.0 cents"
    assert "#" in needle_text({"note": "F#3", "cents": 50.0, "hertz": 190.0, "clarity": 0.98})[-20:]


def test_the_commands_ask_the_pedal(at: Path, bank: Path) -> None:
    wait_for(lambda: ready(at))
    shown = nampedal("status", "--socket", at)
    assert shown.returncode == 0
    assert "preset       crunch\n" in shown.stdout
    assert "uncalibrated overdriven-amp.nam: " in shown.stdout or "uncalibrated the input's" in shown.stdout
    listed = nampedal("preset", "--socket", at).stdout.splitlines()
    assert listed[0].startswith("   1 broken: ")
    assert listed[1:] == ["*  2 crunch: ready", "   3 half: ready"]
    assert nampedal("preset", "next", "--socket", at).stdout == "half\n"
    wait_for(lambda: status(at)["preset"] == "half")
    assert nampedal("set", "gain", "--socket", at, "--", "-3").returncode == 0
    assert status(at)["numbers"]["1.gain_db"] == -3.0
    assert nampedal("save", "--socket", at).returncode == 0
    assert preset.read(bank / "half.toml").blocks == (Gain(-3.0),)
    assert nampedal("do", "preset", "half", "again", "mute", "--socket", at).returncode == 0
    assert "(muted)" in nampedal("status", "--socket", at).stdout
    assert nampedal("do", "mute", "off", "--socket", at).returncode == 0
    refused = nampedal("do", "bank", "next", "--socket", at)
    assert refused.stderr == "nampedal: bank 'next': there is no other bank; play a folder of several\n"
    assert ask(at, {"do": "banks"})["bank"] == bank.name
    assert nampedal("bypass", "on", "--socket", at).returncode == 0
    assert "(bypassed)" in nampedal("status", "--socket", at).stdout
    refused = nampedal("set", "gain", "99", "--socket", at)
    assert refused.returncode == 2
    assert refused.stderr == "nampedal: setting 'gain': 99 was asked for; allowed are -60 to 40\n"


def test_without_a_pedal_the_commands_say_so(tmp_path: Path) -> None:
    refused = nampedal("status", "--socket", tmp_path / "gone.sock")
    assert refused.returncode == 2
    assert "no pedal answers: no such file or directory; start 'nampedal play'" in refused.stderr


WAITING: dict[str, Any] = {
    "preset": "one",
    "wanted": "two",
    "refused": "",
    "bypass": False,
    "muted": False,
    "safe": False,
    "last_resort": False,
    "controls": {},
    "playing": False,
    "quality": "tier 1",
    "steps_down": 0,
    "xruns": 3,
    "round_trip_ms": None,
    "latency_ms": 0.0,
    "temperature_c": None,
    "throttled": None,
    "sample_rate_hz": None,
    "period_frames": None,
    "input_dbfs": None,
    "output_dbfs": 0.2,
    "load": {"p50": 0.5, "p99": 0.6, "p99.9": 0.9, "worst": 1.2, "blocks": 10},
    "calibrated": [{"gain_db": -6.0, "reason": "because"}],
}


def test_a_page_shows_levels_clipping_and_what_is_waited_for() -> None:
    assert status_text(WAITING).splitlines() == [
        "preset       one, going to two",
        "JACK         waiting for the server",
        "quality      tier 1",
        "load         ###########################... 90 % of the period at p99.9",
        "             median 50 %, p99 60 %, worst ever 120 %",
        "xruns        3",
        "levels       in silent, out 0.2 dBFS CLIPS",
        "calibrated   -6.0 dB: because",
    ]


def test_a_page_shows_what_a_raspberry_pi_tells_and_how_often_quality_was_given_up() -> None:
    hot = {**WAITING, "steps_down": 2, "temperature_c": 81.6, "throttled": ["under-voltage", "throttled"]}
    lines = status_text(hot).splitlines()
    assert "quality      tier 1, 2 steps down so far" in lines
    assert "machine      82 °C, UNDER-VOLTAGE, THROTTLED" in lines
    assert "latency      8.1 ms, measured" in status_text({**WAITING, "round_trip_ms": 8.12}).splitlines()
    resampled = {**WAITING, "round_trip_ms": 8.12, "latency_ms": 0.71}
    assert "latency      8.1 ms, measured, and 0.7 ms of resampling" in status_text(resampled).splitlines()
    broken = {**WAITING, "muted": True, "bypass": True, "controls": {"serial": "serial: nobody says hello"}}
    assert status_text(broken).splitlines()[0] == "preset       one, going to two (bypassed, muted)"
    assert "no serial    serial: nobody says hello" in status_text(broken).splitlines()
    refused = {**WAITING, "refused": "lead: lead.toml: its amplifier is gone"}
    assert status_text(refused).splitlines()[1] == "can't play   lead: lead.toml: its amplifier is gone"
    unknown = {**WAITING, "midi_problem": "CC 0 = 7: bank 8 is not there; there are 1 live"}
    assert (
        status_text(unknown).splitlines()[1]
        == "MIDI         changed nothing: CC 0 = 7: bank 8 is not there; there are 1 live"
    )
    edited = {**WAITING, "error": "one.toml: is broken"}
    assert status_text(edited).splitlines()[1] == "             as it was before its files changed: one.toml: is broken"
    cool = {**WAITING, "temperature_c": 40.0, "throttled": []}
    assert "machine      40 °C" in status_text(cool).splitlines()
