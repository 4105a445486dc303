"""MIDI on a pedal that plays, from a controller that sends through a real JACK server."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import ControlRequestError
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset, Tone
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status
from support.players.midi_player import MidiPlayer

# On a busy machine a controller that is Python is late for short periods, and what it sends then is lost.
pytestmark = pytest.mark.parametrize("jack_server", [2048], indirect=True)


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    """Banks a, b and c of presets called 1, 2 and 3, in the order 3, 1, 2; c has a fourth, lead, for program 10."""
    for bank in "abc":
        folder = tmp_path / "banks" / bank
        folder.mkdir(parents=True)
        for name in "123":
            preset.write(Preset(name, (Gain(0.0), Tone())), folder / f"{name}.toml")
        (folder / "bank.toml").write_text('format = 1\norder = ["3", "1", "2"]\n')
    preset.write(Preset("Lead", (Gain(0.0),)), tmp_path / "banks" / "c" / "lead.toml")
    with (tmp_path / "banks" / "c" / "bank.toml").open("a") as file:
        file.write('[programs]\n10 = "lead"\n11 = "gone"\n')
    return tmp_path / "banks"


class Rig:
    """A pedal in a process of its own, and a controller."""

    def __init__(self, at: Path, server: JackServer) -> None:
        self.at, self.keys, self._marks = at, MidiPlayer(server.name, [], 1), itertools.count(1)
        self.keys.connect("nampedal:midi_in")
        # A connection carries nothing at first.
        wait_for(self._knock)

    def __call__(self, *messages: str) -> dict[str, Any]:
        """The pedal's status once it has heard these messages, and behind them a note that nothing is mapped to."""
        mark = next(self._marks) % 127 + 1
        self.keys.send(*messages, f"9f 7f {mark:02x}")
        wait_for(lambda: status(self.at)["midi"] == f"note 127 = {mark} on channel 16")
        wait_for(lambda: status(self.at)["wanted"] is None)
        return status(self.at)

    def _knock(self) -> bool:
        self.keys.send("8f 00 00")
        return bool(self.ask("midi", since=None)["count"] > 0)

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        return ask(self.at, {"do": what, **more})

    def where(self, *messages: str) -> str:
        found = self(*messages)
        return f"{found['bank']} {found['preset']}"


@pytest.fixture
def rig(jack_server: JackServer, banks: Path, tmp_path: Path) -> Iterator[Rig]:
    with playing(jack_server, banks, tmp_path / "control.sock") as at:
        made = Rig(at, jack_server)
        yield made
        made.keys.close()


def test_programs_count_places_and_banks_are_selected_as_controllers_do(rig: Rig) -> None:
    assert rig.where("c0 00") == "a 3"
    assert rig.where("c0 01") == "a 1"
    # The coarse half alone, then without a bank.
    assert rig.where("b0 00 01", "c0 00") == "b 3"
    assert rig.where("c0 02") == "b 2"
    # Always 0 in one half.
    assert rig.where("b0 00 00", "b0 20 02", "c0 00") == "c 3"
    assert rig.where("b0 20 00", "b0 00 01", "c0 01") == "b 1"
    # The other channels' programs are of the bank that is on.
    assert rig.where("c5 00") == "b 3"


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (["b0 20 05"], "CC 32 = 5: bank 6 is not there; there are 1 a, 2 b, 3 c"),
        (["b0 00 07"], "CC 0 = 7: bank 8 is not there; there are 1 a, 2 b, 3 c"),
        (["b0 00 01", "b0 20 01"], "CC 0 = 1 and CC 32 = 1: bank 130 is not there; there are 1 a, 2 b, 3 c"),
    ],
)
def test_a_bank_that_is_not_there_changes_nothing_and_is_told(rig: Rig, select: list[str], said: str) -> None:
    assert rig.where("c1 01") == "a 1"
    found = rig(*select, "c0 02")
    assert (found["bank"], found["preset"], found["midi_problem"]) == ("a", "1", said)
    # Nor do programs that follow, until a bank is selected that is there.
    assert rig.where("c0 00") == "a 1"
    found = rig("b0 00 00", "b0 20 01", "c0 00")
    assert (found["bank"], found["preset"], found["midi_problem"]) == ("b", "3", "")


def test_a_program_that_its_bank_does_not_have_changes_nothing_not_even_the_bank(rig: Rig) -> None:
    assert rig.where("c1 01") == "a 1"
    found = rig("b0 00 01", "c0 09")
    assert (found["bank"], found["preset"]) == ("a", "1")
    assert found["midi_problem"] == "preset '10': is not in the bank; there are 3, 1, 2"


def test_a_bank_says_which_presets_programs_mean(rig: Rig, banks: Path) -> None:
    assert rig.where("b0 00 02", "c0 09") == "c lead"
    # All others count places.
    assert rig.where("c0 01") == "c 1"
    found = rig("c0 0a")
    assert (found["bank"], found["preset"]) == ("c", "1")
    assert found["midi_problem"] == (
        f"{banks}/c/bank.toml: programs.11: preset 'gone': is not in the bank; there are 3, 1, 2, lead"
    )
    # An edit counts at once.
    text = (banks / "c" / "bank.toml").read_text().replace("11 =", "120 =").replace('"gone"', '"2"')
    (banks / "c" / "bank.toml").write_text(text)
    assert rig.where("c0 77") == "c 2"


def test_a_single_bank_is_the_first_one_of_one(jack_server: JackServer, banks: Path, tmp_path: Path) -> None:
    """Many controllers send a bank with each program, whatever there is."""
    with playing(jack_server, banks / "a", tmp_path / "control.sock") as at:
        rig = Rig(at, jack_server)
        assert rig.where("b0 00 00", "b0 20 00", "c0 01") == "a 1"
        found = rig("b0 20 01", "c0 02")
        said = "CC 0 = 0 and CC 32 = 1: bank 2 is not there; there are 1 a"
        assert (found["preset"], found["midi_problem"]) == ("1", said)
        rig.keys.close()


def count(rig: Rig, *messages: str) -> int:
    """How far `next` has gone, from the first preset on."""
    rig("cf 00")
    for message in messages:
        rig(message)
    return ["3", "1", "2"].index(status(rig.at)["preset"])


def test_an_action_is_done_once_a_press(rig: Rig) -> None:
    rig.ask("map", control_change=66, does="next")
    assert count(rig, *[f"b0 42 {value:02x}" for value in range(0, 128, 3)]) == 1
    assert count(rig, "b0 42 00", *["b0 42 3f", "b0 42 40"] * 4) == 1
    # A switch that sends 127 each time, on a channel of its own.
    assert count(rig, "b1 42 7f", "b1 42 7f") == 2
    assert count(rig, "b2 42 7f", "b2 42 00", "b2 42 7f") == 2


def test_a_latching_switch_is_followed(rig: Rig) -> None:
    rig.ask("map", control_change=64, does="bypass follows")
    rig.ask("map", control_change=65, does="mute follows")
    rig.ask("map", control_change=66, does="tuner follows")
    for number, key in ((64, "bypass"), (65, "muted"), (66, "tuning")):
        values = (127, 127, 0, 0, 64, 63, 1, 127, 0)
        told = [rig(f"b0 {number:02x} {value:02x}")[key] for value in values]
        assert told == [value >= 64 for value in values]


def test_notes_and_programs_do_what_they_are_mapped_to(rig: Rig) -> None:
    rig.ask("map_note", note=60, does="bypass")
    rig.ask("map_note", note=61, does="mute follows")
    rig.ask("map_program", program=128, does="bypass off")
    assert rig("90 3c 40")["bypass"]
    assert rig("80 3c 40", "90 3d 01")["bypass"]
    assert status(rig.at)["muted"]
    # Velocity 0 lets go, too; a note that is not mapped does nothing.
    assert not rig("90 3c 00", "90 3d 00", "90 3e 7f")["muted"]
    assert status(rig.at)["bypass"]
    assert rig("90 3c 7f", "90 3c 7f")["bypass"]
    found = rig("c0 7f")
    assert (found["bypass"], found["preset"], found["midi_problem"]) == (False, "3", "")
    with pytest.raises(ControlRequestError, match=r"learn: notes\.60: 'level' is no action; known are preset"):
        rig.ask("map_note", note=60, does="level")
    with pytest.raises(ControlRequestError, match=r"learn: programs\.1: there is no value that mute could follow"):
        rig.ask("map_program", program=None, does="mute follows")


def test_a_setting_moves_with_every_value_and_its_fine_half_does_not_disturb_it(rig: Rig) -> None:
    rig.ask("map", control_change=16, does="2.bass")
    for value in (127, 0, 64):
        assert rig(f"b0 10 {value:02x}", f"b0 30 {value:02x}")["numbers"]["2.bass"] == pytest.approx(value / 12.7)


def learn(rig: Rig, *words: str, move: Callable[[], object]) -> list[str]:
    command = [sys.executable, "-m", "nampedal.firmware.cli", "learn", "--socket", str(rig.at), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("Move the knob")
        move()
        lines = child.stdout.read().splitlines()
    assert child.returncode == 0
    return lines


def test_learn_hears_a_switch_that_sends_the_same_once_more_and_a_program_with_it(rig: Rig) -> None:
    rig("b0 15 7f")
    assert learn(rig, "bypass", move=lambda: rig("b0 15 7f", "c0 02")) == [
        "heard: control change 21 on channel 1, 127 each time",
        "passed over: program 3 on channel 1",
        "passed over: note 127 on channel 16",
        "control change 21: bypass",
    ]
    assert rig("b0 15 7f")["bypass"]
    assert learn(rig, "mute follows", move=lambda: rig("90 3c 40")) == [
        "heard: note 60 on channel 1",
        "passed over: note 127 on channel 16",
        "note 60: mute follows",
    ]
    assert rig("90 3c 40")["muted"]
