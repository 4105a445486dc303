"""What a pedal hears while it plays: its control socket, MIDI, a microcontroller."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz import mutators
from fuzz.explore import Target, UnfitError, check_text
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.drivers.serial_protocol import Decoder, Hello, KnobPosition, SwitchEdge, encode
from nampedal.firmware.actions import bindings
from nampedal.firmware.actions.control_socket import MAX_LINE, ControlServer
from nampedal.firmware.actions.midi import MidiDecoder
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_api import ControlApi
from nampedal.firmware.controls.control_surface import ControlSurface
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Gain, Preset, Tone

RATE_HZ, FRAMES = 48_000.0, 64
HUGE = int("9" * 310)
AGAIN = "next again " * 1000 + "next"
REQUESTS = (
    *({"do": name} for name in ("status", "presets", "next", "previous", "save", "banks", "rescan", "subscribe")),
    *({"do": name} for name in ("level_status", "level_write", "level_stop")),
    *({"do": name, "on": True} for name in ("bypass", "mute", "tuner")),
    *({"do": "load", "preset": text} for text in ("half", "2", "9" * 4301)),
    *({"do": "set", "name": "bass", "value": value} for value in (3, HUGE, float("nan"))),
    *({"do": "act", "action": text} for text in ("preset 2 again bypass", "set bass 7", AGAIN)),
    *({"do": "act", "action": f"{kind} {'9' * 4301}"} for kind in ("preset", "bank")),
    *({"do": "map", "control_change": 7, "does": text} for text in ("gain -6 12", AGAIN)),
    {"do": "level", "presets": ["half"], "seconds": 8},
    {"do": "announce", "code": 4},
)


def _requests(folder: Path) -> list[bytes]:
    return [json.dumps(one).encode() for one in REQUESTS]


def _mutate_request(dice: Random, data: bytes) -> bytes:
    """More than one line now and then."""
    if dice.random() < 0.1:
        return data + b"\n" + json.dumps(dice.choice(REQUESTS)).encode()
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = mutators.json_text(dice, lines[at])
    return b"\n".join(lines)


class _Bench:
    """A pedal without JACK: three presets, all ready, and a socket. The same for each input."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "bank"
        self._folder.mkdir()
        self._path = folder / "control.sock"
        for name, blocks in (("crunch", (Tone(),)), ("half", (Gain(-6.0),)), ("lead", (Gain(3.0), Tone(bass=7.0)))):
            preset.write(Preset(name, blocks), self._folder / f"{name}.toml")
        self._kept = {path: path.read_bytes() for path in self._folder.iterdir()}

    def _prepare(self, path: Path) -> Chain:
        return Chain.prepare(preset.read(path), self._folder, sample_rate=RATE_HZ, max_frames=FRAMES)

    def run(self, data: bytes) -> None:
        for path, text in self._kept.items():
            if path.read_bytes() != text:
                path.write_bytes(text)
        presets = sorted(self._kept)
        pedal = Pedal(PedalSetup(presets, banks=[self._folder]))
        pedal.stage = _engine.Stage(RATE_HZ, FRAMES, 1)
        pedal.tap = AudioTap(pedal.stage, RATE_HZ, 1)
        manager = PresetManager(presets, pedal.stage, self._prepare, 1 << 26)
        pedal.playback.attach(pedal.stage, pedal.tap, manager)
        dispatcher = ActionDispatcher(pedal)
        panel = DriverSupervisor([])
        controls = ControlSurface(pedal, dispatcher, panel, bindings.default(("1", "2")))
        commands = ControlApi(pedal, dispatcher, controls)
        server = ControlServer(self._path, commands.answer)
        try:
            _wait_until_ready(manager)
            self._talk(server, manager, data)
        finally:
            server.close()
            panel.close()
            manager.close()
            pedal.tap.close()

    def _talk(self, server: ControlServer, manager: PresetManager, data: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self._path))
            client.setblocking(False)
            sent, heard = 0, b""
            whole = data[:MAX_LINE] + b'\n{"do": "status"}\n'
            for _ in range(100):
                if sent < len(whole):
                    sent += client.send(whole[sent:])
                server.poll()
                manager.tick()
                try:
                    got = client.recv(1 << 16)
                except BlockingIOError:
                    continue
                heard += got
                if not got or (sent == len(whole) and b'"period_frames"' in heard and heard.endswith(b"\n")):
                    break
        for line in heard.split(b"\n")[:-1]:
            answer = json.loads(line)
            if "error" in answer and not answer.get("ok", True):
                check_text(answer["error"])
        if b'"period_frames"' not in heard and b'"do": "level_write"' not in data:
            raise UnfitError("no status was answered behind it")


def _wait_until_ready(manager: PresetManager) -> None:
    for _ in range(5000):
        manager.tick()
        if manager.current is not None and all(slot.chain is not None for slot in manager.slots):
            return
        time.sleep(0.0005)
    raise UnfitError("the presets were not ready after a while")


def _frames(folder: Path) -> list[bytes]:
    frames = [encode(SwitchEdge(1, True, 5)), encode(KnobPosition(0, 512)), encode(Hello(1, 4, 2, 1, 0))]
    return [b"".join(frames), *frames]


def _decode(data: bytes) -> None:
    whole, bytewise = Decoder(), Decoder()
    messages = whole.feed(data)
    pieces = [message for at in range(len(data)) for message in bytewise.feed(data[at : at + 1])]
    if messages != pieces or (whole.good, whole.bad) != (bytewise.good, bytewise.bad):
        raise UnfitError("another cut gives other messages")
    for message in messages:
        if Decoder().feed(encode(message)) != [message]:
            raise UnfitError("a message is another one when it is sent again")


def _hear(data: bytes) -> None:
    """Messages of a length that their first byte says."""
    midi, at = MidiDecoder(), 0
    while at < len(data):
        length = 1 + data[at] % 4
        heard = midi.decode(data[at : at + length])
        if heard is not None and not 1 <= heard.channel <= 16:
            raise UnfitError("there is no such channel")
        at += length


def _midi(folder: Path) -> list[bytes]:
    return [bytes((0xC2, 5, 0, 0)), bytes((0xB2, 7, 100, 0xB2, 0, 1, 0xB2, 32, 2)), bytes((0xC5, 127))]


def _control(folder: Path) -> Callable[[bytes], object]:
    return _Bench(folder).run


TARGETS = (
    Target("control", _requests, _control, _mutate_request, MAX_LINE, slow=4),
    Target("serial", _frames, lambda folder: _decode, mutators.havoc, 256),
    Target("midi", _midi, lambda folder: _hear, mutators.havoc, 256),
)
