"""nampedal learn, beside a pedal that answers at a socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.board.pedals import read_pedal
from nampedal.converter.cli import cli
from nampedal.firmware.cli.learn import wait_for_control_change
from nampedal.firmware.control import ControlServer, Json
from nampedal.firmware.errors import ControlMapError, ControlRequestError, NothingMovedError


class Pedal:
    """Answers as a pedal would that hears, after a while, a control change."""

    def __init__(self, path: Path) -> None:
        self.told: list[Json] = []
        self.asked = 0
        self.said = ["program 1 on channel 1"] * 3 + ["control change 20 = 3 on channel 1"]
        self._server = ControlServer(path, self._answer)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _answer(self, request: Json) -> Json:
        if request["do"] == "status":
            self.asked += 1
            return {"midi": self.said[min(self.asked, len(self.said)) - 1]}
        if request["does"] == "nonsense x":
            raise ControlMapError("learn: control_changes.1: is 'nonsense x'; a setting is needed")
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
        "Move the knob, or press the switch, of your MIDI controller.",
        "control change 20: level",
        f"written: {path}",
    ]
    assert [told["control_change"] for told in pedal.told] == [None, 20]
    assert read_pedal("pi-5-serial").map["control_changes"] == {"20": "level"}
    pedal.said[3] = "control change 21 = 64 on channel 1"
    pedal.asked = 0
    assert learn("--pedal", "pi-5-serial", "--", "gain", "-6", "18").exit_code == 0
    assert read_pedal("pi-5-serial").map["control_changes"] == {"20": "level", "21": "gain -6 18"}


def test_what_can_not_be_is_refused_before_anything_has_to_be_moved(pedal: Pedal, learn: Callable[..., Result]) -> None:
    done = learn("nonsense", "x")
    assert isinstance(done.exception, ControlRequestError)
    assert done.output == ""
    assert pedal.asked == 0


def test_a_controller_that_says_nothing_is_told_of(pedal: Pedal, tmp_path: Path) -> None:
    pedal.said = [""]
    with pytest.raises(NothingMovedError, match="learn: no control change came in 0 s; connect the controller"):
        wait_for_control_change(tmp_path / "control.sock", 0.2)
