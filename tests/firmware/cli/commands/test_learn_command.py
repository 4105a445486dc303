"""nampedal learn, beside a pedal that answers at a socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.board.errors import ControlsError
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.actions.bindings import read
from nampedal.firmware.actions.control_socket import ControlServer, Json
from nampedal.firmware.actions.midi import MidiDecoder
from nampedal.firmware.base.errors import ControlRequestError
from nampedal.firmware.cli.commands.learn_command import wait_for_control
from nampedal.firmware.cli.main import cli
from nampedal.firmware.controls.midi_learn import as_json


class Pedal:
    """Answers as a pedal would that hears such messages, at the first question after the prompt."""

    def __init__(self, path: Path) -> None:
        self.told: list[Json] = []
        self.asked = 0
        self.said = ["b0 14 7f", "c0 02"]
        self._server = ControlServer(path, self._answer)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _answer(self, request: Json) -> Json:
        if request["do"] == "midi":
            self.asked += 1
            midi = MidiDecoder()
            heard = [midi.decode(bytes.fromhex(text)) for text in self.said] if self.asked == 2 else []
            return {"count": self.asked, "messages": [as_json(one) for one in heard if one is not None]}
        table = {"map": "control_changes", "map_note": "notes", "map_program": "programs"}[request["do"]]
        read({table: {"1": request["does"]}}, "learn")
        self.told.append(request)
        return {}

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            self._server.poll()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    made = Pedal(tmp_path / "control.sock")
    yield made
    made.close()


@pytest.fixture
def learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return lambda *words: CliRunner().invoke(cli, ["learn", "--socket", str(tmp_path / "control.sock"), *words])


def test_what_moves_next_is_mapped_and_kept_in_the_pedals_profile(
    pedal: Pedal, learn: Callable[..., Result], tmp_path: Path
) -> None:
    done = learn("--pedal", "pi-5-serial", "level")
    path = tmp_path / "config" / "nampedal" / "pedals" / "pi-5-serial.toml"
    assert done.output.splitlines() == [
        "Move the knob from end to end, or press the switch, of your MIDI controller.",
        "heard: control change 20 on channel 1, 127 each time",
        "passed over: program 3 on channel 1",
        "control change 20: level",
        f"written: {path}",
    ]
    assert [told["control_change"] for told in pedal.told] == [None, 20]
    assert read_pedal("pi-5-serial").map["control_changes"] == {"20": "level"}
    pedal.said, pedal.asked = ["b0 15 00", "b0 15 40"], 0
    assert learn("--pedal", "pi-5-serial", "--", "gain", "-6", "18").exit_code == 0
    assert read_pedal("pi-5-serial").map["control_changes"] == {"20": "level", "21": "gain -6 18"}


def test_a_note_and_a_program_are_kept_in_tables_of_their_own(pedal: Pedal, learn: Callable[..., Result]) -> None:
    for message, does in (("90 3c 40", "mute follows"), ("c0 04", "bypass on")):
        pedal.said, pedal.asked = [message], 0
        assert learn("--pedal", "pi-5-serial", *does.split()).exit_code == 0
    found = read_pedal("pi-5-serial").map
    assert (found["notes"], found["programs"]) == ({"60": "mute follows"}, {"5": "bypass on"})


def test_what_can_not_be_is_refused_before_anything_has_to_be_moved(pedal: Pedal, learn: Callable[..., Result]) -> None:
    done = learn("nonsense", "x")
    assert isinstance(done.exception, ControlRequestError)
    assert done.output == ""
    assert pedal.asked == 0


def test_a_controller_that_says_nothing_is_told_of(pedal: Pedal, tmp_path: Path) -> None:
    pedal.said = []
    with pytest.raises(ControlsError, match="learn: no MIDI came in 0 s; connect the controller"):
        wait_for_control(tmp_path / "control.sock", patience_s=0.2)


def test_a_controller_that_sends_nothing_that_can_be_learnt_is_told_what_it_sent(pedal: Pedal, tmp_path: Path) -> None:
    pedal.said = ["b0 63 01", "b0 62 08", *[f"b0 {number:02x} 40" for number in range(2, 12)]]
    with pytest.raises(ControlsError) as caught:
        wait_for_control(tmp_path / "control.sock", ["control change"], 0.2)
    assert str(caught.value).startswith(
        "learn: in 0 s nothing was moved that can be learnt; what came is control change 99 on channel 1, a part of an "
        "RPN or NRPN; control change 98 on channel 1, a part of an RPN or NRPN; control change 2 on channel 1; "
    )
    assert str(caught.value).endswith(
        "; and 4 more; have the controller send plain control changes, and move one from end to end"
    )
