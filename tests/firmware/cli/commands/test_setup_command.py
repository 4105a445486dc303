"""nampedal setup, on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nampedal.board.drivers.serial_protocol import (
    Decoder,
    Hello,
    KnobPosition,
    LightLevel,
    Message,
    SwitchEdge,
    Who,
    encode,
)
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.actions.control_socket import ControlServer

PATIENCE_S = 30.0
HEAD = 'name = "Mine"\nboard = "5"\nhat = "hifiberry-dac-adc"\n'
PROFILE = HEAD + (
    "[gpio]\nswitches = { 1 = 5, 2 = 6 }\nlights = { 1 = 12, 2 = 13 }\n"
    '[mcp3008]\nbus = 0\ndevice = 0\nknobs = { gain = 0 }\n[footswitches]\n"1 long" = "tuner"\n'
)
UP = "\x1b["


class Terminal:
    """A nampedal whose terminal is ours. said: all that it has written so far."""

    def __init__(self, folder: Path, *arguments: str, kind: str = "xterm", rows: int = 30) -> None:
        self.said = ""
        self._seen = 0
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 200, 0, 0))
        # They come before the terminal's own size, and whatever runs the tests may have set them.
        around = {name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nampedal.firmware.cli", "setup", *arguments],
            cwd=folder,
            env={**around, "TERM": kind, "XDG_RUNTIME_DIR": str(folder / "run")},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def type(self, *lines: str) -> None:
        os.write(self._master, "".join(f"{line}\n" for line in lines).encode())

    def wait_for(self, text: str) -> None:
        """Behind all that was waited for before."""
        end_s = time.monotonic() + PATIENCE_S
        while (at := self.said.find(text, self._seen)) < 0:
            assert time.monotonic() < end_s, f"{text!r} is not in {self.said[self._seen :]!r}"
            if not self._read():
                pytest.fail(f"{text!r} was never said in {self.said[self._seen :]!r}")
        self._seen = at + len(text)

    def end(self) -> int:
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], PATIENCE_S)[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        # Nobody has the other end any more.
        except OSError:
            return False
        self.said += data.decode().replace("\r\n", "\n")
        return bool(data)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "mine.toml").write_text(PROFILE)
    made: list[Terminal] = []

    def start(*arguments: str, kind: str = "xterm", rows: int = 30) -> Terminal:
        made.append(Terminal(tmp_path, *arguments, kind=kind, rows=rows))
        return made[-1]

    yield start
    for terminal in made:
        terminal.close()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "config" / "nampedal" / "pedals" / "mine.toml"


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_a_profile_is_made_by_pressing_and_turning(run: Callable[..., Terminal], mine: Path, kind: str) -> None:
    terminal = run("mine.toml", "--controls", "mock", kind=kind)
    terminal.wait_for("Press the 2 footswitches from left to right: now number 1.")
    terminal.type("2")
    terminal.wait_for("this is footswitch 1")
    terminal.wait_for("footswitch 2          up    pressed 1")
    terminal.type("2")
    terminal.wait_for("that was footswitch 1; press the next one to the right")
    terminal.type("1")
    terminal.wait_for("Knob gain: turn it fully left")
    terminal.type("-" * 10)
    terminal.wait_for("0.000 ....")
    terminal.type("")
    terminal.wait_for("Knob gain: fully right and fully left")
    for keys, stands in [("+" * 19, "0.950 "), ("-" * 20, "0.000 ")] * 3:
        terminal.type(keys)
        terminal.wait_for(stands)
    terminal.type("")
    terminal.wait_for("gain: goes from 0 to 0.95")
    terminal.wait_for("One light is lit, number 1 of 2")
    terminal.type("clip")
    terminal.wait_for("this is light clip")
    terminal.type("")
    terminal.wait_for("Noise: let go of all knobs")
    terminal.type("")
    terminal.wait_for("write ")
    terminal.wait_for("mine.toml? y and Enter")
    terminal.type("y")
    assert terminal.end() == 0
    assert f"written: {mine}" in terminal.said
    assert (UP in terminal.said) == (kind == "xterm")
    pedal = read_pedal("mine")
    assert pedal.wiring.gpio is not None
    assert pedal.wiring.gpio.switches == {"1": 6, "2": 5}
    assert pedal.wiring.gpio.lights == {"2": 13, "clip": 12}
    assert (pedal.knobs["gain"].spec.low, pedal.knobs["gain"].spec.high) == (0.0, 0.95)
    assert pedal.map == {"footswitches": {"1 long": "tuner"}}


def test_a_file_is_replaced_only_after_a_look_at_what_changes(run: Callable[..., Terminal], mine: Path) -> None:
    mine.parent.mkdir(parents=True)
    mine.write_text("# my own words\n" + PROFILE)
    for answer, word in (("", "nothing is written"), ("y", f"written: {mine}")):
        terminal = run("mine", "--controls", "mock")
        terminal.wait_for("now number 1")
        terminal.type("2")
        terminal.wait_for("now number 2")
        terminal.type("1")
        terminal.wait_for("Knob gain")
        terminal.type(*[""] * 4)
        terminal.wait_for("-1 = 5\n-2 = 6\n+1 = 6\n+2 = 5\n")
        terminal.wait_for(f"replace {mine}? ")
        terminal.type(answer)
        terminal.wait_for(word)
        assert terminal.end() == 0
    changed = PROFILE.replace("{ 1 = 5, 2 = 6 }", "{ 1 = 6, 2 = 5 }")
    assert changed != PROFILE
    assert mine.read_text() == "# my own words\n" + changed


def test_what_nobody_changes_is_not_written(run: Callable[..., Terminal], mine: Path) -> None:
    terminal = run("mine.toml", "--controls", "mock")
    terminal.wait_for("now number 1")
    terminal.type(*[""] * 5)
    assert terminal.end() == 0
    assert terminal.said.endswith("nothing has changed, and nothing is written\n")
    assert not mine.exists()


def test_q_and_the_end_of_input_write_nothing(run: Callable[..., Terminal], mine: Path) -> None:
    for typed in ("q\n", "\x04"):
        terminal = run("mine.toml", "--controls", "mock")
        terminal.wait_for("now number 1")
        terminal.type("2")
        terminal.wait_for("now number 2")
        os.write(terminal._master, typed.encode())
        assert terminal.end() == 0
        assert terminal.said.endswith("nothing is written\n")
    assert not mine.exists()


def test_ctrl_c_ends_it(run: Callable[..., Terminal], mine: Path) -> None:
    terminal = run("mine.toml", "--controls", "mock")
    terminal.wait_for("now number 1")
    terminal.process.send_signal(2)
    assert terminal.end() == 130
    assert terminal.said.endswith("nampedal: interrupted\n")


def test_a_terminal_that_is_too_low_gets_lines(run: Callable[..., Terminal]) -> None:
    terminal = run("mine.toml", "--controls", "mock", rows=6)
    terminal.wait_for("now number 1")
    terminal.type("q")
    assert terminal.end() == 0
    assert UP not in terminal.said


def test_a_pedal_without_controls_is_refused(run: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "bare.toml").write_text(HEAD)
    terminal = run("bare.toml")
    assert terminal.end() == 2
    assert terminal.said == (
        "nampedal: bare.toml: no control is wired; say in [gpio], [mcp3008], [strip] or [serial] what is\n"
    )


# ---- a microcontroller ----


class Microcontroller:
    """Two footswitches, a knob and two lights; says hello whenever it is asked. lit: numbers of lights."""

    def __init__(self, port: Path) -> None:
        self.lit: set[int] = set()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        port.symlink_to(os.ttyname(self._slave))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def press(self, number: int) -> None:
        os.write(self._master, encode(SwitchEdge(number, True, 0)))
        time.sleep(0.05)
        os.write(self._master, encode(SwitchEdge(number, False, 0)))

    def shows(self, lit: set[int]) -> None:
        """Waits for it."""
        end_s = time.monotonic() + PATIENCE_S
        while self.lit != lit:
            assert time.monotonic() < end_s, f"lit are {self.lit}"
            time.sleep(0.01)

    def close(self) -> None:
        os.write(self._slave, b"\xff")
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def _run(self) -> None:
        decoder = Decoder()
        states: tuple[Message, ...] = (
            Hello(1, 2, 1, 0, 2),
            SwitchEdge(0, False, 0),
            SwitchEdge(1, False, 0),
            KnobPosition(0, 9),
        )
        while not (data := os.read(self._master, 1000)).endswith(b"\xff"):
            for message in decoder.feed(data):
                if isinstance(message, Who):
                    os.write(self._master, b"".join(map(encode, states)))
                elif isinstance(message, LightLevel):
                    self.lit = self.lit | {message.number} if message.level else self.lit - {message.number}


SERIAL = HEAD + (
    '[serial]\nport = "PORT"\nswitches = { 1 = 0, 2 = 1 }\nknobs = { gain = 0 }\nlights = { 1 = 0, 2 = 1 }\n'
)


@pytest.fixture
def port(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(SERIAL.replace("PORT", str(tmp_path / "port")))
    return tmp_path / "port"


@pytest.fixture
def microcontroller(port: Path) -> Iterator[Microcontroller]:
    made = Microcontroller(port)
    yield made
    made.close()


def test_real_switches_name_themselves_and_the_lights_beside_them(
    run: Callable[..., Terminal], microcontroller: Microcontroller, mine: Path
) -> None:
    terminal = run("mine.toml")
    terminal.wait_for("now number 1")
    microcontroller.press(1)
    terminal.wait_for("now number 2")
    microcontroller.press(0)
    terminal.wait_for("Knob gain")
    terminal.type("")
    terminal.wait_for("number 1 of 2")
    microcontroller.shows({0})
    microcontroller.press(0)
    terminal.wait_for("this is light 2")
    microcontroller.shows({1})
    microcontroller.press(1)
    terminal.wait_for("this is light 1")
    terminal.type("", "y")
    assert terminal.end() == 0
    microcontroller.shows(set())
    serial = read_pedal("mine").wiring.serial
    assert serial is not None
    assert (serial.wires.switches, serial.wires.lights) == ({"1": 1, "2": 0}, {"1": 1, "2": 0})


def test_without_any_hardware_it_ends_and_says_why(run: Callable[..., Terminal], port: Path) -> None:
    terminal = run("mine.toml")
    assert terminal.end() == 2
    assert terminal.said == f"nampedal: serial: {port}: there is no such port; plug the microcontroller in\n"


def test_a_pedal_that_plays_is_named_where_hardware_is_taken(
    run: Callable[..., Terminal], port: Path, tmp_path: Path
) -> None:
    server = ControlServer(tmp_path / "run" / "nampedal" / "control.sock", lambda request: {})
    terminal = run("mine.toml")
    while terminal.process.poll() is None:
        server.poll()
        time.sleep(0.01)
    server.close()
    assert terminal.end() == 2
    assert re.search(
        r"; a pedal plays here and may have it: end it, as with 'systemctl stop nampedal'\n$", terminal.said
    )


def test_what_works_is_set_up_without_the_rest(
    run: Callable[..., Terminal], microcontroller: Microcontroller, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(path.read_text() + "[mcp3008]\nbus = 6\ndevice = 2\nknobs = { tone = 0 }\n")
    terminal = run("mine.toml")
    terminal.wait_for("mcp3008: ")
    terminal.wait_for("not everything works; what is missing can be skipped")
    terminal.wait_for("knob       tone       nothing heard yet")
    terminal.wait_for("now number 1")
    microcontroller.press(0)
    terminal.wait_for("this is footswitch 1")
    terminal.type("q")
    assert terminal.end() == 0
