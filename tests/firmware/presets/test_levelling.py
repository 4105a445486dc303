"""nampedal level: presets equally loud for one guitar, on a pedal that plays and off line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.audio.loudness import loudness_lufs
from nampedal.firmware.base.errors import ControlRequestError, NampedalError
from nampedal.firmware.cli.commands.level_command import level_command
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.levelling import MAX_PEAK_DBFS, BlockLevels, common_lufs, levels_db, measure
from nampedal.firmware.presets.preset import Cabinet, Gain, Gate, Nam, Preset, Tone
from support.makers.bank_maker import make_bank
from support.players.jack_player import Player
from support.players.jack_server import RATE, JackServer, wait_for
from support.players.live_pedal import playing, status

ALL = ["clean", "crunch", "lead", "metal"]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Loud and quiet presets."""
    folder = make_bank(tmp_path / "banks" / "rock")
    blocks = (Gate(-50.0), Nam("amp.stomp", 12.0), Tone(bass=9.0, treble=9.0), Cabinet("cabs/v30.wav"))
    preset.write(Preset("Metal", blocks, level_db=6.0), folder / "metal.toml")
    preset.write(Preset("Clean", (Nam("amp.stomp", -20.0),), level_db=-9.0), folder / "clean.toml")
    preset.write(Preset("Lead", (Gain(3.0), Nam("amp.stomp")), level_db=-3.0), folder / "lead.toml")
    return folder


def run(*arguments: str) -> list[str]:
    done = CliRunner().invoke(level_command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def levels(bank: Path) -> dict[str, float]:
    return {path.stem: preset.read(path).level_db for path in bank.glob("*.toml")}


def spread_db(bank: Path, guitar: Audio) -> float:
    """Between the loudest and the quietest of a bank, with the levels in its files."""
    loud = [measure(path, guitar, RATE).lufs for path in bank.glob("*.toml")]
    return max(one for one in loud if one is not None) - min(one for one in loud if one is not None)


def test_presets_are_equally_loud_once_levels_are_written(bank: Path, guitar: Audio, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "guitar.wav", guitar, RATE, subtype="FLOAT")
    assert spread_db(bank, guitar) > 10.0
    before = {path: preset.read(path) for path in bank.glob("*.toml")}
    lines = run("--from", str(tmp_path / "guitar.wav"), str(bank), "--yes")
    assert lines[-1] == "written: clean, crunch, lead, metal"
    assert spread_db(bank, guitar) <= 0.2
    for path, was in before.items():
        assert replace(preset.read(path), level_db=was.level_db) == was
    assert run("--from", str(tmp_path / "guitar.wav"), str(bank), "--yes")[-1] == "Nothing to write."


def test_programs_get_the_proposal_and_are_asked_nothing(bank: Path, guitar: Audio, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "guitar.wav", guitar, RATE, subtype="FLOAT")
    before = levels(bank)
    words = ("--from", str(tmp_path / "guitar.wav"), str(bank), "--json")
    told = json.loads("\n".join(run(*words)))
    assert told["written"] == []
    assert levels(bank) == before
    assert {one["name"]: one["level_db"] for one in told["presets"]} == before
    text = run(*words[:-1])
    for line, one in zip(text[1:5], told["presets"], strict=True):
        assert line.split() == [
            *(one["name"], f"{one['lufs']:.1f}", "LUFS", f"{one['level_db']:.1f}", f"{one['new_level_db']:.1f}"),
            *(f"{one['peak_dbfs']:.1f}", "dBFS"),
        ]
    assert f"Your guitar: {told['guitar_lufs']:.1f} LUFS." in text[5]
    assert text[5].endswith(f"each is at {told['common_lufs']:.1f} LUFS.")
    told = json.loads("\n".join(run(*words, "--yes")))
    assert told["written"] == ["clean", "crunch", "lead", "metal"]
    assert levels(bank) == {one["name"]: one["new_level_db"] for one in told["presets"]}


def test_nothing_is_written_unless_somebody_agrees_and_only_what_is_named(
    bank: Path, guitar: Audio, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "guitar.wav", guitar, RATE, subtype="FLOAT")
    before = levels(bank)
    assert run("--from", str(tmp_path / "guitar.wav"), str(bank))[-1] == "Nothing is written: say --yes."
    assert levels(bank) == before
    assert run("--from", str(tmp_path / "guitar.wav"), str(bank), "metal", "--yes")[-1] == "written: metal"
    assert {name for name, level in levels(bank).items() if level != before[name]} == {"metal"}


def test_no_peak_reaches_the_ceiling() -> None:
    heard = [BlockLevels(-20.0, -10.0), BlockLevels(-30.0, -4.0), BlockLevels(-np.inf, -np.inf)]
    # The second one's peak is 26 dB above its loudness.
    assert common_lufs(heard) == MAX_PEAK_DBFS - 26.0
    assert common_lufs(heard[:1]) == -18.0


def test_a_preset_that_can_not_be_played_or_heard_is_told_and_left(bank: Path, guitar: Audio) -> None:
    preset.write(Preset("Mute", (Gain(-60.0), Gain(-60.0))), bank / "mute.toml")
    (bank / "broken.toml").write_text("format = 1\n")
    measured = [measure(bank / f"{name}.toml", guitar, RATE) for name in ("mute", "broken", "lead")]
    assert measured[0].problem == f"{bank}/mute.toml: nothing of this guitar is heard through it"
    assert measured[1].problem.startswith(f"{bank}/broken.toml: ")
    assert [level is None for level in levels_db(measured)] == [True, True, False]


def test_a_recording_of_nothing_is_refused(bank: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nothing.wav", np.zeros(RATE), RATE)
    with pytest.raises(NampedalError) as caught:
        run("--from", str(tmp_path / "nothing.wav"), str(bank), "--yes")
    found = "is -inf LUFS loud; a dry guitar of -50 LUFS or more is needed"
    assert str(caught.value) == f"{tmp_path}/nothing.wav: {found}"


@pytest.fixture
def at(jack_server: JackServer, bank: Path, tmp_path: Path) -> Iterator[Path]:
    with playing(jack_server, bank.parent, tmp_path / "control.sock") as socket:
        yield socket


def test_a_pedal_that_plays_listens_measures_and_writes(
    jack_server: JackServer, at: Path, bank: Path, guitar: Audio
) -> None:
    player = Player(jack_server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    ask(at, {"do": "load", "preset": "crunch"})
    wait_for(lambda: status(at)["preset"] == "crunch")
    try:
        ask(at, {"do": "level", "presets": [], "seconds": 2})
        assert ask(at, {"do": "level_status"})["state"] == "listening"
        player.play_on(np.tile(guitar, 3))
        found = wait_for(lambda: (now := ask(at, {"do": "level_status"}))["state"] == "done" and now, 60.0)
        assert found["guitar_lufs"] == pytest.approx(loudness_lufs(guitar, RATE), abs=1.5)
        assert [row["name"] for row in found["measured"]] == ALL
        written = ask(at, {"do": "level_write"}, patience_s=30.0)["written"]
        assert written == [row["name"] for row in found["measured"]]
        assert levels(bank) == {row["name"]: row["new_level_db"] for row in found["measured"]}
        assert spread_db(bank, guitar) <= 1.5
        # What plays is what was written.
        wait_for(lambda: status(at)["numbers"]["level_db"] == levels(bank)["crunch"])
    finally:
        player.close()


@pytest.mark.long
def test_the_command_asks_to_play_and_shows_what_it_writes(
    jack_server: JackServer, at: Path, bank: Path, guitar: Audio
) -> None:
    player = Player(jack_server.name)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    with ThreadPoolExecutor() as threads:
        plays = threads.submit(player.play_on, np.tile(guitar, 6))
        lines = run("--socket", str(at), "--seconds", "2", "--yes")
        plays.result()
    player.close()
    assert lines[0] == "Play now, as you play on stage: chords, single notes, loud and soft."
    assert [line.split()[0] for line in lines if "dBFS" in line] == ALL
    assert lines[-1] == "written: clean, crunch, lead, metal"
    assert spread_db(bank, guitar) <= 1.5


def test_silence_is_waited_out_and_can_be_ended(at: Path) -> None:
    ask(at, {"do": "level", "presets": ["crunch"], "seconds": 2})
    found = ask(at, {"do": "level_status"})
    assert (found["state"], found["played_s"], found["presets"]) == ("listening", 0.0, 1)
    with pytest.raises(ControlRequestError) as caught:
        ask(at, {"do": "level_write"})
    assert str(caught.value) == "request level_write: nothing is measured yet; ask for level, and play"
    ask(at, {"do": "level_stop"})
    assert ask(at, {"do": "level_status"}) == {"ok": True, "state": "idle"}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"presets": [], "seconds": 1}, "request level: 'seconds' is 1; 2 to 60 are allowed"),
        ({"presets": "all", "seconds": 5}, "request level: 'presets' is 'all'; a list of texts is needed"),
        (
            {"presets": ["solo"], "seconds": 5},
            "preset 'solo': is not in the bank; there are clean, crunch, lead, metal",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(at: Path, request_: dict[str, object], error: str) -> None:
    with pytest.raises(ControlRequestError) as caught:
        ask(at, {"do": "level", **request_})
    assert str(caught.value) == error
