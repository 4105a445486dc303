"""Banks that come while the pedal plays, through its socket and a real JACK server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bank_maker import make_bank
from jack_server import JackServer, wait_for
from live_pedal import playing, status
from nampedal.firmware import preset
from nampedal.firmware.control import ask
from nampedal.firmware.errors import ControlRequestError
from nampedal.firmware.preset import Gain, Preset


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
    assert ask(at, {"do": "rescan"}) == {"ok": True, "banks": ["jazz", "rock"], "bank": "rock"}
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
