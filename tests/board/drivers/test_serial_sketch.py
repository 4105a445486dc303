"""The reference sketch, compiled for this computer: it speaks as the driver does, and does as the docs say."""

from __future__ import annotations

import itertools
import os
import queue
import select
import shutil
import subprocess
import tty
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.serial_protocol import (
    Decoder,
    EncoderClicks,
    Hello,
    KnobPosition,
    LightLevel,
    Message,
    Started,
    SwitchEdge,
    Who,
    encode,
)
from nampedal.board.inputs.control_events import Clicks, Edge, Event, Failure, Light, Position

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wold-style-cast")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PATIENCE_S = 20.0
# Pins of the sketch, as docs/reference/serial-controls.md has them.
SWITCHES, KNOBS, ENCODER, LIGHTS = (2, 3, 4, 5), (26, 27, 28, 29), (6, 7), (8, 9, 10, 11)
MIDDLE = 2048
PASSES_PER_MS = 10


def compiled(root: Path, folder: Path, name: str, standard: str) -> Path:
    compiler = shutil.which("g++")
    assert compiler is not None, "g++ is not installed"
    here = root / "tests" / "board" / "sketch"
    program = folder / name
    done = subprocess.run(
        [
            *(compiler, f"-std={standard}", "-O1", *WARNINGS, "-Werror", *SANITIZERS),
            *("-I", root / "board" / "serial-controls", "-I", here, here / f"{name}.cpp", "-o", program),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def frames(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(root, tmp_path_factory.mktemp("frames"), "frames", "c++11")


@pytest.fixture(scope="module")
def sketch(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(root, tmp_path_factory.mktemp("sketch"), "main", "c++17")


class Microcontroller:
    """The sketch at the master's end of a pty."""

    def __init__(self, program: Path) -> None:
        self._master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self._process = subprocess.Popen(
            [program, str(self._master)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[self._master],
        )
        self._decoder = Decoder()

    def do(self, *commands: str) -> None:
        """Until all is done."""
        assert self._process.stdin is not None
        print(*commands, sep="\n", file=self._process.stdin, flush=True)
        for _ in filter(lambda command: command.startswith("run"), commands):
            assert self.describe() == "ran"

    def describe(self) -> str:
        """What it says next of its pins."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def told(self) -> list[Message]:
        """What has come over the line until now. Without a driver, as all that follows."""
        return self._hear()[0]

    def ask(self) -> list[Message]:
        """What it answers."""
        return self._hear()[1]

    def _hear(self) -> tuple[list[Message], list[Message]]:
        os.write(self.slave, encode(Who()))
        heard: list[Message] = []
        # Hello, then four switches and four knobs.
        while not any(isinstance(message, Hello) for message in heard[: -4 - 4]):
            ready, _, _ = select.select([self.slave], [], [], PATIENCE_S)
            assert ready, heard
            heard += self._decoder.feed(os.read(self.slave, 4096))
        return heard[:-9], heard[-9:]

    def unplug(self) -> None:
        self._process.kill()
        self._process.communicate()
        for end in (self._master, self.slave):
            if end >= 0:
                os.close(end)
        self._master = self.slave = -1


@pytest.fixture
def device(sketch: Path) -> Iterator[Microcontroller]:
    made = Microcontroller(sketch)
    yield made
    made.unplug()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


@pytest.fixture
def driver(device: Microcontroller, events: queue.SimpleQueue[Event]) -> Iterator[SerialDriver]:
    names = {"gain": 0, "tone": 1, "level": 2, "mix": 3}
    switches = {"1": 0, "2": 1, "3": 2, "4": 3}
    made = SerialDriver("serial", device.port, 115_200, switches, names, {"menu": 0}, switches)
    made.open(events.put)
    yield made
    made.close()


def messages(rng: np.random.Generator, count: int) -> list[Message]:
    def any_of(*limits: int) -> list[int]:
        return [int(rng.integers(limit)) for limit in limits]

    made: list[Message] = []
    for _ in range(count):
        number, down, clicks = any_of(128, 2, 1 << 14)
        made += [
            Hello(1, *any_of(128, 128, 128, 128)),
            SwitchEdge(number, down == 1, *any_of(1 << 21)),
            KnobPosition(number, *any_of(1 << 16)),
            EncoderClicks(number, clicks - (1 << 13)),
        ]
    return [*made, Started()]


def run(program: Path, lines: list[str]) -> list[str]:
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_header_makes_the_same_frames_as_the_pedal(frames: Path) -> None:
    sent = messages(np.random.default_rng(1), 500)
    lines = [" ".join([type(message).__name__, *(str(int(field)) for field in astuple(message))]) for message in sent]
    assert run(frames, lines) == [encode(message).hex() for message in sent]


def test_an_age_beyond_what_can_be_said_is_the_oldest(frames: Path) -> None:
    (frame,) = run(frames, ["SwitchEdge 3 1 4000000000"])
    assert Decoder().feed(bytes.fromhex(frame)) == [SwitchEdge(3, True, SwitchEdge.MAX_AGE_US)]


def test_the_header_hears_every_whole_frame_in_garbage_and_nothing_else(frames: Path) -> None:
    rng = np.random.default_rng(2)
    sent = [encode(LightLevel(*(int(value) for value in rng.integers(0, 128, 5)))) for _ in range(500)]
    garbage = [rng.integers(0, 256, int(rng.integers(60)), np.uint8).tobytes() for _ in sent]
    # Halves of frames, too.
    garbage[::7] = [frame[: int(rng.integers(9))] for frame in sent[::7]]
    data = b"".join(itertools.chain.from_iterable(zip(garbage, sent, strict=True)))
    (heard,) = run(frames, [f"hear {data.hex()}"])
    assert heard == "".join(frame[:6].hex() for frame in sent)


@pytest.mark.parametrize("bit", range(72))
def test_the_header_takes_no_frame_with_a_flipped_bit(frames: Path, bit: int) -> None:
    flipped = bytearray(encode(LightLevel(1, 127, 127, 64, 0)))
    flipped[bit // 8] ^= 1 << bit % 8
    assert run(frames, [f"hear {(flipped + encode(Who())).hex()}"]) == [encode(Who())[:6].hex()]


def test_asked_it_says_hello_and_where_everything_stands(device: Microcontroller) -> None:
    device.do(f"set {SWITCHES[2]} 0", "run 100")
    assert device.told() == [Started(), Started()]
    middle = KnobPosition(0, 32775).position
    assert device.ask() == [
        Hello(1, 4, 4, 1, 4),
        *(SwitchEdge(number, number == 2, 0) for number in range(4)),
        *(KnobPosition(number, middle) for number in range(4)),
    ]


def test_until_it_is_asked_all_it_says_is_that_it_started(device: Microcontroller) -> None:
    device.do(f"set {SWITCHES[0]} 0", f"set {KNOBS[1]} 0", "run 1000")
    assert device.told() == [Started(), Started(), Started()]


def test_an_edge_is_told_at_once_and_bouncing_once_when_it_is_over(device: Microcontroller) -> None:
    device.ask()
    device.do(f"set {SWITCHES[1]} 0", "run 1")
    assert device.told() == [SwitchEdge(1, True, 0)]
    bounce = [f"set {SWITCHES[1]} {level}\nrun {PASSES_PER_MS // 2}" for level in (1, 0, 1, 0, 1, 0)]
    device.do(*"\n".join(bounce).split("\n"), f"run {100 * PASSES_PER_MS}")
    assert device.told() == []
    device.do(f"set {SWITCHES[1]} 1", "run 1")
    assert device.told() == [SwitchEdge(1, False, 0)]


def test_a_tap_that_is_over_while_contacts_bounce_is_told_with_its_age(device: Microcontroller) -> None:
    device.ask()
    device.do(f"set {SWITCHES[1]} 0", f"run {2 * PASSES_PER_MS}", f"set {SWITCHES[1]} 1", f"run {5 * PASSES_PER_MS}")
    down, up = device.told()
    assert down == SwitchEdge(1, True, 0)
    # Told 5 ms after the first edge; it came up 2 ms after that.
    assert up == SwitchEdge(1, False, 3000)


@pytest.mark.parametrize("at", [0, 5, 40, 1000, MIDDLE, 4060, 4095])
def test_a_still_knob_says_nothing(device: Microcontroller, at: int) -> None:
    device.ask()
    device.do("noise 8", f"set {KNOBS[3]} {at}", "run 1000")
    device.told()
    # Twenty seconds: two thousand looks at each.
    device.do("run 200000")
    assert device.told() == []


def test_a_turned_knob_reaches_both_ends_and_never_turns_back(device: Microcontroller) -> None:
    device.ask()
    for way in (range(MIDDLE, 4096, 13), range(4095, -1, -13)):
        device.do("noise 4", *itertools.chain.from_iterable((f"set {KNOBS[0]} {at}", "run 100") for at in way))
        told = device.told()
        positions = [message.position for message in told if isinstance(message, KnobPosition)]
        assert len(positions) == len(told) > 50
        assert positions == sorted(positions, reverse=way.step < 0)
        assert positions[-1] == (65535 if way.step > 0 else 0)


def turn(device: Microcontroller, states: str) -> list[Message]:
    """states: of both contacts, one after the other, such as "11 01"."""
    device.do(
        *itertools.chain.from_iterable(
            (f"set {ENCODER[0]} {state[0]}", f"set {ENCODER[1]} {state[1]}", "run 3") for state in states.split()
        )
    )
    return device.told()


def test_an_encoder_clicks_once_a_detent(device: Microcontroller) -> None:
    device.ask()
    assert turn(device, "01 00 10 11") == [EncoderClicks(0, 1)]
    assert turn(device, "10 00 01 11") == [EncoderClicks(0, -1)]
    assert turn(device, "01 11 01 11") == []
    assert turn(device, "01 00 01 11") == []
    # With bouncing, and with a state that went by unseen.
    assert turn(device, "01 11 01 00 01 00 10 00 10 11") == [EncoderClicks(0, 1)]
    assert turn(device, "01 10 11") == [EncoderClicks(0, 1)]


def test_lights_follow_the_pedal(device: Microcontroller, driver: SerialDriver) -> None:
    driver.show({"1": Light(1.0), "4": Light(0.5), "2": Light(0.4)})
    assert [device.describe() for _ in range(3)] == [f"pin {LIGHTS[0]} 1", f"pin {LIGHTS[3]} 1", f"pin {LIGHTS[1]} 0"]
    driver.close()
    assert [device.describe() for _ in range(3)] == [f"pin {LIGHTS[0]} 0", f"pin {LIGHTS[3]} 0", f"pin {LIGHTS[1]} 0"]


def test_the_driver_hears_what_is_done(
    device: Microcontroller, driver: SerialDriver, events: queue.SimpleQueue[Event]
) -> None:
    stand = [events.get(timeout=PATIENCE_S) for _ in range(8)]
    assert [(event.switch, event.down) for event in stand if isinstance(event, Edge)] == [
        (name, False) for name in "1234"
    ]
    assert [event.knob for event in stand if isinstance(event, Position)] == ["gain", "tone", "level", "mix"]
    device.do(f"set {SWITCHES[3]} 0", "run 1", f"set {KNOBS[2]} 4095", "run 100", f"set {ENCODER[0]} 0", "run 1")
    device.do(f"set {ENCODER[1]} 0", "run 1", f"set {ENCODER[0]} 1", "run 1", f"set {ENCODER[1]} 1", "run 1")
    edge, position, clicks = (events.get(timeout=PATIENCE_S) for _ in range(3))
    assert edge == Edge(edge.time_s, "4", True)
    assert position == Position(position.time_s, "level", 1.0)
    assert clicks == Clicks(clicks.time_s, "menu", 1)
    device.unplug()
    assert isinstance(events.get(timeout=PATIENCE_S), Failure)
