"""Banks that come while the pedal plays, through its socket and a real JACK server."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import ControlRequestError
from nampedal.firmware.cli.commands.control_command import preset_command
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset
from support.makers.bank_maker import make_bank
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status

NOTHING = {
    "new_banks": [],
    "gone_banks": [],
    "new": [],
    "gone": [],
    "changed": [],
    "reordered": False,
    "broken": {},
}


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    make_bank(tmp_path / "banks" / "rock")
    return tmp_path / "banks"


@pytest.fixture
def at(jack_server: JackServer, banks: Path, tmp_path: Path) -> Iterator[Path]:
    with playing(jack_server, banks, tmp_path / "control.sock") as socket:
        yield socket


def listed(at: Path) -> list[str]:
    return [one["name"] for one in ask(at, {"do": "presets"})["presets"]]


def test_a_bank_that_came_can_be_played_and_what_plays_plays_on(at: Path, banks: Path) -> None:
    ask(at, {"do": "set", "name": "level", "value": -3})
    make_bank(banks / "jazz")
    assert ask(at, {"do": "banks"})["banks"] == ["rock"]
    changes = {**NOTHING, "new_banks": ["jazz"]}
    assert ask(at, {"do": "rescan"}) == {"ok": True, "banks": ["jazz", "rock"], "bank": "rock", "changes": changes}
    found = status(at)
    assert (found["bank"], found["preset"], found["wanted"]) == ("rock", "crunch", None)
    assert found["numbers"]["level_db"] == -3
    ask(at, {"do": "act", "action": "bank next"})
    wait_for(lambda: status(at)["bank"] == "jazz" and status(at)["preset"] == "crunch")


def test_a_preset_that_came_into_the_bank_that_plays_is_in_its_list(at: Path, banks: Path) -> None:
    ask(at, {"do": "load", "preset": "lead"})
    wait_for(lambda: status(at)["preset"] == "lead")
    ask(at, {"do": "set", "name": "level", "value": -3})
    preset.write(Preset("First", (Gain(),)), banks / "rock" / "a first one.toml")
    ask(at, {"do": "rescan"})
    assert listed(at) == ["a first one", "crunch", "lead"]
    assert status(at)["preset"] == "lead"
    assert status(at)["numbers"]["level_db"] == -3
    assert ask(at, {"do": "next"})["preset"] == "a first one"


def test_a_preset_that_went_plays_on_until_another_is_wanted(at: Path, banks: Path) -> None:
    (banks / "rock" / "crunch.toml").unlink()
    ask(at, {"do": "rescan"})
    assert listed(at) == ["lead"]
    assert status(at)["preset"] == "crunch"
    ask(at, {"do": "next"})
    wait_for(lambda: status(at)["preset"] == "lead")


def test_a_bank_that_went_plays_on(at: Path, banks: Path) -> None:
    make_bank(banks / "jazz")
    for path in sorted((banks / "rock").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert ask(at, {"do": "rescan"})["banks"] == ["jazz"]
    assert (status(at)["bank"], status(at)["preset"]) == ("rock", "crunch")
    ask(at, {"do": "act", "action": "bank next"})
    wait_for(lambda: status(at)["bank"] == "jazz")


def test_a_pedal_that_plays_one_bank_has_nowhere_to_look(jack_server: JackServer, banks: Path, tmp_path: Path) -> None:
    with playing(jack_server, banks / "rock", tmp_path / "control.sock") as at:
        with pytest.raises(ControlRequestError) as caught:
            ask(at, {"do": "rescan"})
        assert str(caught.value) == "rescan: no folder of banks is played; play one"


@pytest.mark.parametrize("code", [None, 1, 77, "5"])
def test_only_news_is_announced(at: Path, code: object) -> None:
    assert ask(at, {"do": "announce", "code": 5}) == {"ok": True}
    with pytest.raises(ControlRequestError) as caught:
        ask(at, {"do": "announce", "code": code})
    needed = "a whole number or null is needed" if code == "5" else "one of 4, 5, 6, 7 is needed"
    assert str(caught.value) == f"request announce: 'code' is {code!r}; {needed}"


def test_a_pedal_that_had_nothing_to_play_begins_with_the_first_bank(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    banks = tmp_path / "banks"
    banks.mkdir()
    with playing(jack_server, banks, tmp_path / "control.sock", "--pedal", "zero-2-w-codec-zero") as at:
        assert status(at)["last_resort"]
        (banks / "a").mkdir()
        (banks / "a" / "bank.toml").write_text("format = 1\n")
        assert ask(at, {"do": "rescan"})["banks"] == ["a"]
        assert status(at)["last_resort"]
        make_bank(banks / "rock")
        ask(at, {"do": "rescan"})
        wait_for(lambda: (status(at)["bank"], status(at)["preset"]) == ("rock", "crunch"))
        assert not status(at)["last_resort"]


def entry(at: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in ask(at, {"do": "presets"})["presets"] if one["name"] == name)
    return found


def all_ready(at: Path) -> bool:
    return all(one["ready"] for one in ask(at, {"do": "presets"})["presets"])


def edit(path: Path, before: str, after: str) -> None:
    """As an editor does: the file is the same, its bytes are not."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize("asked", [True, False])
def test_an_edit_of_what_plays_is_heard_whether_somebody_asks_or_not(at: Path, banks: Path, asked: bool) -> None:
    wait_for(lambda: all_ready(at))
    ask(at, {"do": "set", "name": "level", "value": -3})
    ask(at, {"do": "bypass", "on": True})
    edit(
        banks / "rock" / "crunch.toml",
        "gain_db = 0.0\nlevel_db = 0.0\non = true",
        "gain_db = 4.5\nlevel_db = 0.0\non = true",
    )
    if asked:
        assert ask(at, {"do": "rescan"})["changes"] == {**NOTHING, "changed": ["crunch"]}
    wait_for(lambda: status(at)["numbers"]["1.gain_db"] == 4.5)
    now = status(at)
    assert (now["preset"], now["wanted"], now["bypass"], now["error"]) == ("crunch", None, True, None)
    assert now["numbers"]["level_db"] == -3
    if not asked:
        assert ask(at, {"do": "rescan"})["changes"] == {**NOTHING, "changed": ["crunch"]}
    assert ask(at, {"do": "rescan"})["changes"] == NOTHING


def test_a_number_that_the_file_changes_is_the_files_and_not_the_players(at: Path, banks: Path) -> None:
    ask(at, {"do": "set", "name": "level", "value": -3})
    edit(banks / "rock" / "crunch.toml", "level_db = 0.0\nnormalise", "level_db = -7.0\nnormalise")
    ask(at, {"do": "rescan"})
    wait_for(lambda: status(at)["numbers"]["level_db"] == -7)


def test_a_broken_edit_keeps_the_sound_and_is_told_until_it_is_mended(at: Path, banks: Path) -> None:
    path = banks / "rock" / "crunch.toml"
    before = path.read_text()
    edit(path, 'kind = "cabinet"', 'kind = "cupboard"')
    error = f"{path}: block 2.kind: is 'cupboard'; known are gain, gate, nam, tone, cabinet"
    changes = ask(at, {"do": "rescan"})["changes"]
    assert (changes["changed"], changes["broken"]) == (["crunch"], {"crunch": error})
    assert (entry(at, "crunch")["error"], entry(at, "crunch")["ready"], status(at)["error"]) == (error, True, error)
    assert "1.gain_db" in status(at)["numbers"]
    shown = CliRunner().invoke(preset_command, ["--socket", str(at)]).output.splitlines()
    assert shown[0] == f"*  1 crunch: ready, as it was before its files changed: {error}"
    ask(at, {"do": "load", "preset": "lead"})
    wait_for(lambda: status(at)["preset"] == "lead")
    ask(at, {"do": "load", "preset": "crunch"})
    wait_for(lambda: status(at)["preset"] == "crunch")
    path.write_text(before)
    wait_for(lambda: status(at)["error"] is None)
    assert entry(at, "crunch") == {"name": "crunch", "ready": True, "error": None}


def test_a_file_that_goes_is_told_by_each_preset_that_names_it_until_it_is_back(at: Path, banks: Path) -> None:
    wait_for(lambda: all_ready(at))
    artifact = banks / "rock" / "amp.stomp"
    data = artifact.read_bytes()
    artifact.unlink()
    error = f"{artifact}: can't be read: no such file or directory; put it there again"
    wait_for(lambda: entry(at, "crunch")["error"] == entry(at, "lead")["error"] == error)
    assert all_ready(at)
    artifact.write_bytes(data)
    wait_for(lambda: entry(at, "crunch")["error"] is None and entry(at, "lead")["error"] is None)


def test_an_artifact_of_the_same_size_and_time_is_another_one_to_rescan(at: Path, banks: Path) -> None:
    wait_for(lambda: all_ready(at))
    artifact = banks / "rock" / "amp.stomp"
    found = artifact.stat()
    data = bytearray(artifact.read_bytes())
    data[-1] ^= 1
    with artifact.open("r+b") as file:
        file.write(data)
    os.utime(artifact, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert ask(at, {"do": "rescan"})["changes"]["changed"] == ["crunch", "lead"]
    wait_for(lambda: entry(at, "crunch")["error"])
    assert "amp.stomp" in entry(at, "crunch")["error"]
    assert status(at)["preset"] == "crunch"
    assert all_ready(at)


def test_what_is_written_anew_with_the_same_bytes_is_no_change(at: Path, banks: Path) -> None:
    # One that is still to be prepared may be read while its file is gone for a moment.
    wait_for(lambda: all_ready(at))
    for path in (banks / "rock").glob("*.toml"):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
        os.utime(path, (1, 1))
    assert ask(at, {"do": "rescan"})["changes"] == NOTHING


def test_what_the_pedal_saves_itself_is_no_change(at: Path) -> None:
    ask(at, {"do": "set", "name": "1.gain_db", "value": 2})
    ask(at, {"do": "save"})
    assert ask(at, {"do": "rescan"})["changes"] == NOTHING
    assert status(at)["numbers"]["1.gain_db"] == 2


def test_a_link_that_leads_elsewhere_is_a_change(at: Path, banks: Path) -> None:
    cabinets = banks / "rock" / "cabs"
    (cabinets / "v30.wav").rename(cabinets / "first.wav")
    (cabinets / "second.wav").write_bytes((cabinets / "first.wav").read_bytes()[:-100] + bytes(range(100)))
    (cabinets / "v30.wav").symlink_to("first.wav")
    assert ask(at, {"do": "rescan"})["changes"] == NOTHING
    (cabinets / "v30.wav").unlink()
    (cabinets / "v30.wav").symlink_to("second.wav")
    assert ask(at, {"do": "rescan"})["changes"] == {**NOTHING, "changed": ["crunch"]}


def test_presets_and_banks_that_come_go_and_move_are_seen_unasked(at: Path, banks: Path) -> None:
    preset.write(Preset("First", (Gain(),)), banks / "rock" / "a first one.toml")
    make_bank(banks / "jazz")
    wait_for(lambda: listed(at) == ["a first one", "crunch", "lead"])
    (banks / "rock" / "bank.toml").write_text('format = 1\norder = ["lead"]\n')
    wait_for(lambda: listed(at) == ["lead", "a first one", "crunch"])
    (banks / "rock" / "lead.toml").rename(banks / "rock" / "solo.toml")
    wait_for(lambda: listed(at) == ["a first one", "crunch", "solo"])
    assert ask(at, {"do": "banks"})["banks"] == ["jazz", "rock"]
    assert ask(at, {"do": "rescan"})["changes"] == {
        **NOTHING,
        "new_banks": ["jazz"],
        "new": ["a first one", "solo"],
        "gone": ["lead"],
    }


def test_answers_come_in_the_order_of_the_requests(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20.0)
        connection.connect(str(at))
        connection.sendall(b'{"do": "rescan"}\n{"do": "banks"}\n{"do": "nonsense"}\n')
        answers = connection.makefile()
        first, second, third = (json.loads(answers.readline()) for _ in range(3))
    assert first["changes"] == NOTHING
    assert "changes" not in second
    assert third["error"].startswith("request: 'nonsense' is not known")
