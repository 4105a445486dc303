"""What 'nampedal play' makes of its arguments."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nampedal.board.profiles.pedals import read_pedal
from nampedal.board.profiles.user_calibration import UserCalibration, write_calibration
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import ArgumentError, EmptyBankError, NampedalError
from nampedal.firmware.cli.commands.play_command import (
    banks_folder_of,
    initial_presets,
    initial_presets_or_none,
    paths_to_play,
    round_trip_ms,
)
from nampedal.firmware.engine import artifact
from nampedal.firmware.pedal.saved_state import SavedState, state_path, write_state
from nampedal.firmware.presets import captures, preset, time_check
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for

CHANNEL = '\n[guitar_channel]\nvalue = 2\nstatus = "chosen"\nsource = "the jack on the right"\n'
KINDS = "a preset (.toml), a capture (.stomp, .tflite, .nam) or a folder of them"
LEVEL = '\n[input_full_scale_dbu]\nvalue = 4.5\nstatus = "measured"\nsource = "a multimeter"\n'


@pytest.fixture
def pedal(tmp_path: Path, root: Path) -> Path:
    """A profile of a pedal with the guitar on the second channel of its HAT."""
    shipped = (root / "hw-profiles" / "hats" / "hifiberry-dac-adc.toml").read_text()
    before, _, behind = shipped.partition("\n[guitar_channel]\n")
    hat = tmp_path / "hat.toml"
    hat.write_text(before + CHANNEL + behind[behind.index("\n\n") :])
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "Mine"\nboard = "5"\nhat = "{hat}"\n{LEVEL}')
    return path


@pytest.fixture
def bank(tmp_path: Path, root: Path) -> Path:
    folder = tmp_path / "bank"
    folder.mkdir()
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    (folder / "amp.stomp").write_bytes(artifact.pack(demo))
    preset.write(Preset("Crunch", (Nam("amp.stomp"),)), folder / "crunch.toml")
    preset.write(Preset("Quiet", (Nam("amp.stomp"),), level_db=-20.0), folder / "quiet.toml")
    return folder


def test_presets_artifacts_and_folders_make_a_bank(bank: Path) -> None:
    assert paths_to_play((bank,)) == [bank / "crunch.toml", bank / "quiet.toml"]
    assert paths_to_play((bank / "quiet.toml", bank / "amp.stomp")) == [bank / "quiet.toml", bank / "amp.stomp"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amp.wav", f"amp.wav: is nothing that can be played; name {KINDS}"),
        ("gone.toml", f"gone.toml: is not there; name {KINDS}"),
        ("gone.nam", f"gone.nam: is not there; name {KINDS}"),
    ],
)
def test_what_can_not_be_played_is_named(bank: Path, name: str, text: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        paths_to_play((bank / name,))
    assert text in str(caught.value)
    with pytest.raises(ArgumentError) as caught:
        paths_to_play(())
    assert str(caught.value) == f"play: nothing to play is named; name {KINDS}"


def test_a_pedal_begins_in_the_bank_it_was_in_or_in_the_first_that_holds_presets(
    bank: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    banks = tmp_path / "banks"
    for name in ("b", "c"):
        shutil.copytree(bank, banks / name)
    (banks / "a").mkdir()
    (banks / "a" / "bank.toml").write_text("format = 1\n")
    every = [banks / name for name in "abc"]
    first, last = ([banks / name / f"{preset}.toml" for preset in ("crunch", "quiet")] for name in "bc")
    assert initial_presets_or_none((banks,), None) == (first, every)
    assert caplog.messages == [f"{banks / 'a'}: holds no presets; put at least one .toml there"]
    assert initial_presets_or_none((banks,), SavedState(banks / "c", "quiet")) == (last, every)
    assert initial_presets_or_none((banks,), SavedState(banks / "gone", "quiet")) == (first, every)
    # On a desk that is a mistake.
    with pytest.raises(EmptyBankError):
        initial_presets((banks,), None)


def test_folders_without_presets_are_told_of_and_leave_a_pedal_nothing_to_begin_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "empty").mkdir()
    for name, text in {
        "empty": "holds no presets (.toml) and no captures (.stomp, .tflite, .nam); put at least one there",
        "gone": f"is not there; name {KINDS}",
    }.items():
        assert initial_presets_or_none((tmp_path / name,), None) == ([], [])
        assert caplog.messages[-1] == f"{tmp_path / name}: {text}"


@pytest.mark.parametrize("paths", [(), ("gone.toml",), ("amp.nam",), ("amp.wav",), ("empty", "gone")])
def test_files_that_can_not_be_played_are_mistakes_on_a_pedal_too(tmp_path: Path, paths: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((ArgumentError, EmptyBankError)):
        initial_presets_or_none(tuple(tmp_path / path for path in paths), None)


def touched(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_folder_of_captures_is_played_in_the_natural_order_of_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    touched(tmp_path, "amp 10.nam", "Amp 2.stomp", "amp 1.NAM", "cab.wav", "notes.txt", "._amp 1.nam", "thumbs.db")
    touched(tmp_path, "drives/b.stomp", "drives/b.nam", "drives/a.nam", "__MACOSX/c.nam", ".hidden/d.nam")
    # A folder that leads around in a circle.
    (tmp_path / "drives" / "round").symlink_to(tmp_path)
    played = ["amp 1.NAM", "Amp 2.stomp", "amp 10.nam", "drives/a.nam", "drives/b.stomp"]
    assert initial_presets((tmp_path,), None) == ([tmp_path / name for name in played], [])
    assert set(caplog.messages) == {f"{tmp_path}/drives/b.nam: b.stomp of the same name is played in its place"}
    assert banks_folder_of((tmp_path,)) is None


def test_a_bank_and_a_folder_of_banks_stay_what_they_are_with_captures_in_them(bank: Path, tmp_path: Path) -> None:
    shutil.copy(bank / "amp.stomp", bank / "loose.stomp")
    assert paths_to_play((bank,)) == [bank / "crunch.toml", bank / "quiet.toml"]
    banks = tmp_path / "banks"
    banks.mkdir()
    bank.rename(banks / "one")
    touched(banks, "loose.nam")
    assert initial_presets((banks,), None)[1] == [banks / "one"]
    assert banks_folder_of((banks,)) == banks


def test_a_folder_that_can_not_be_read_keeps_no_other_from_being_played(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched(tmp_path, "a.nam", "locked/b.nam")
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert captures.in_folder(tmp_path) == [tmp_path / "a.nam"]
    assert caplog.messages == [f"{tmp_path / 'locked'}: can't be read: permission denied"]


def test_a_nam_needs_the_converter(tmp_path: Path, root: Path) -> None:
    amp = tmp_path / "amp.nam"
    shutil.copy(root / "demo" / "overdriven-amp.nam", amp)
    with pytest.raises(ArgumentError) as caught:
        captures.load(amp, None)
    assert str(caught.value) == (
        f"{amp}: is a .nam, and nampedal's converter is not installed here; convert it on a computer: "
        "nampedal convert amp.nam"
    )
    assert captures.load(amp, nam_file.read).sample_rate == 48_000.0


@pytest.mark.parametrize(
    ("loads", "file", "text"),
    [
        ((0.5,), "amp.nam", ""),
        # Its smaller size fits, and is stepped down to.
        ((1.5, 0.5), "amp.nam", ""),
        ((1.43,), "amp.nam", "takes 143 % of the time that this machine has, and the sound breaks up: convert amp.nam"),
        ((3.0, 0.9), "a.toml", "takes 90 % of the time that this machine has at its smallest size, and the sound breaks"
        " up: convert its .nam"),
    ],
)  # fmt: skip
def test_a_capture_that_this_machine_has_no_time_for_is_told_of(
    bank: Path, loads: tuple[float, ...], file: str, text: str
) -> None:
    chain = Chain.prepare(preset.read(bank / "crunch.toml"), bank, sample_rate=48_000.0, max_frames=64)
    chain.loads, chain.tiers = loads, len(loads)
    told = time_check.problem_of(chain, bank / file)
    rest = " for this board (nampedal convert --board), or choose a longer period" if text else ""
    assert told == text + rest


def test_what_convert_reads_and_writes_is_played_as_it_is(jack_server: JackServer, root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    demo = root / "demo" / "overdriven-amp.nam"
    shutil.copy(demo, folder / "amp 2.nam")
    (folder / "amp 10.stomp").write_bytes(artifact.pack(nam_file.read(demo)))
    (folder / "amp 3.nam").write_text("{}")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(folder)]
    command += ["--server", jack_server.name, "--socket", str(at)]

    def plays(name: str) -> bool:
        return bool(status(at).get("preset") == name)

    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        for name, action in (
            ("amp 2", "next"),
            ("amp 10", "previous"),
            ("amp 2", "preset =amp 10"),
            ("amp 10", "next"),
        ):
            wait_for(partial(plays, name))
            ask(at, {"do": "act", "action": action})
        wait_for(partial(plays, "amp 2"))
        child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        log = child.stderr.read()
        assert child.wait(30.0) == 0
    assert f"preset amp 3 can't be played: {folder / 'amp 3.nam'}: has no 'version'; a .nam needs" in log
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_pedal_hears_the_guitar_first(pedal: Path) -> None:
    profile = read_pedal(pedal)
    assert profile.jack_inputs(1) == ("system:capture_2",)
    assert profile.jack_inputs(2) == ("system:capture_2", "system:capture_1")


def test_what_was_measured_of_a_pedal_is_told(pedal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert round_trip_ms(None) is None
    assert round_trip_ms(read_pedal(pedal)) is None
    write_calibration("mine", UserCalibration(480, 128, 48_000, -1.0, -90.0))
    assert round_trip_ms(read_pedal(pedal)) == 10.0


def status(path: Path) -> dict[str, Any]:
    try:
        return ask(path, {"do": "status"})
    except NampedalError:
        return {}


def test_a_preset_is_played_with_the_ports_and_levels_of_a_pedal(
    jack_server: JackServer, bank: Path, pedal: Path, tmp_path: Path
) -> None:
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", "--preset", str(bank / "quiet.toml")]
    command += ["--pedal", str(pedal), "--server", jack_server.name, "--socket", str(at)]
    command += ["--output-port", "system:playback_2"]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(at).get("preset") == "quiet")
        listed = subprocess.run(
            ["jack_lsp", "-s", jack_server.name, "-c", "nampedal:in"], capture_output=True, text=True, check=True
        ).stdout
        assert listed.split() == ["nampedal:in", "system:capture_2"]
        listed = subprocess.run(
            ["jack_lsp", "-s", jack_server.name, "-c", "system:playback"], capture_output=True, text=True, check=True
        ).stdout
        assert listed.split() == ["system:playback_1", "system:playback_2", "nampedal:left"]
        (level,) = status(at)["calibrated"]
        assert "the input's level" not in level["reason"]
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0


def test_a_pedal_goes_on_where_it_was_switched_off(
    jack_server: JackServer, bank: Path, pedal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    banks = tmp_path / "banks"
    bank.rename(tmp_path / "a")
    banks.mkdir()
    for name in ("first", "second"):
        shutil.copytree(tmp_path / "a", banks / name)
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(banks), "--pedal", str(pedal)]
    command += ["--server", jack_server.name, "--socket", str(at)]

    def plays(bank: str, preset: str) -> bool:
        found = status(at)
        return (found.get("bank"), found.get("preset")) == (bank, preset)

    for then in (("first", "crunch"), ("second", "quiet")):
        with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
            wait_for(partial(plays, *then))
            ask(at, {"do": "act", "action": "bank second"})
            wait_for(lambda: status(at)["bank"] == "second")
            ask(at, {"do": "act", "action": "preset quiet"})
            wait_for(lambda: status(at)["preset"] == "quiet")
            child.send_signal(signal.SIGTERM)
            assert child.wait(30.0) == 0


def test_another_bank_begins_with_its_own_first_preset(
    jack_server: JackServer, bank: Path, pedal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_state(SavedState(tmp_path / "another", "quiet"), state_path())
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(bank), "--pedal", str(pedal)]
    command += ["--server", jack_server.name, "--socket", str(at)]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(at).get("preset"))
        assert status(at)["preset"] == "crunch"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0


def test_a_pedal_without_banks_plays_the_guitar_as_it_is(
    jack_server: JackServer, pedal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "banks").mkdir()
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(tmp_path / "banks"), "--pedal", str(pedal)]
    command += ["--server", jack_server.name, "--socket", str(at)]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(at).get("preset") == "dry")
        found = subprocess.run(
            [sys.executable, "-m", "nampedal.firmware.cli", "status", "--socket", str(at)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert found.splitlines()[0] == "preset       dry (built in)"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0
    assert not state_path().exists()


def connections(server: JackServer, port: str) -> list[str]:
    environment = {**os.environ, "JACK_DEFAULT_SERVER": server.name}
    listed = subprocess.run(["jack_lsp", "-c", port], env=environment, capture_output=True, text=True, check=True)
    return listed.stdout.split()


BROKEN = {
    "whole": ("", "system:capture_2", ""),
    "no TOML": ("name = ", "system:capture_1", "; without it the card's first ports are played, and no controls"),
    "no map": (
        '[footswitches]\n1 = "explode"\n',
        "system:capture_2",
        "; without a map controls do what they do by default",
    ),
}


@pytest.mark.parametrize("profile", BROKEN)
def test_the_safe_start_needs_nothing_of_the_players(
    jack_server: JackServer, pedal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    more, source, said = BROKEN[profile]
    pedal.write_text(pedal.read_text() + more)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    state_path().parent.mkdir(parents=True)
    state_path().write_text("no state")
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", "--safe", "--pedal", str(pedal)]
    command += ["--server", jack_server.name, "--socket", str(at)]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(at).get("preset") == "dry")
        assert status(at)["safe"]
        assert connections(jack_server, "nampedal:in") == ["nampedal:in", source]
        child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        log = child.stderr.read()
        assert child.wait(30.0) == 0
    assert "state" not in log
    assert said in log if said else str(pedal) not in log
    assert state_path().read_text() == "no state"


def test_the_safe_start_plays_nothing_else(bank: Path) -> None:
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", "--safe", str(bank)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("nampedal: --safe plays nothing else: name no FILE and no --preset")


def test_systemd_is_told_when_there_is_sound(jack_server: JackServer, bank: Path, tmp_path: Path) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    systemd.settimeout(20.0)
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(bank), "--server", jack_server.name]
    command += ["--socket", str(tmp_path / "control.sock")]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)) as child:
        assert systemd.recv(4096) == b"STATUS=waits for the JACK server"
        jack_server.start()
        heard = [systemd.recv(4096).decode()]
        while "READY" not in heard[-1]:
            heard.append(systemd.recv(4096).decode())
        assert heard[-1] == "READY=1\nSTATUS=plays crunch of bank"
        child.send_signal(signal.SIGTERM)
        assert systemd.recv(4096) == b"STOPPING=1"
        assert child.wait(30.0) == 0
    systemd.close()


def test_the_keys_of_a_terminal_are_footswitches(jack_server: JackServer, bank: Path, tmp_path: Path) -> None:
    jack_server.start()
    wait_for(lambda: Player.open(jack_server.name)).close()
    at = tmp_path / "control.sock"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(bank), "--controls", "mock"]
    command += ["--server", jack_server.name, "--socket", str(at)]
    with ended(subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(at).get("preset") == "crunch")
        wait_for(lambda: "1●" in os.read(ours, 1000).decode("utf-8", "replace"))
        os.write(ours, b"2")
        wait_for(lambda: status(at).get("preset") == "quiet")
        os.write(ours, b"2")
        wait_for(lambda: status(at)["bypass"])
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0
    os.close(ours)
    os.close(theirs)
