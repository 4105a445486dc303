"""The events of the soak: by MIDI, in the folder of banks, and at the control socket."""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soak_material as material
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from soak_rig import Keys

HOME = "home"
# The files of the reference preset: no event may change them.
KEPT = ("reference.toml", "amp.stomp", "cab.wav")
BANKS = tuple(f"b{number}" for number in range(6))
MAX_PORTS = 8
SETTINGS = ("gain", "level", "1.gain_db", "1.level_db", "2.gain_db", "3.bass", "1.threshold_db", "level_db", "", "9.x")
NUMBERS: tuple[Any, ...] = (0, 0.0, 1, -1, 3, 6.5, -20, 40, -60, 1e308, -1e308, float("nan"), float("inf"), 10**30)
ACTIONS = (
    *("next", "previous", "bypass", "bypass on", "bypass off", "mute", "mute on", "mute off", "tuner", "tuner on"),
    *("tuner off", "bank next", "bank previous", f"bank {HOME}", "bank b1", "bank 2", "preset 1", "preset 99", "save"),
    *("set level -6", "set gain nan", "set gain 1e999", "preset 1 again bypass", "none", "", "mute perhaps", "bank"),
)
JUNK: tuple[bytes, ...] = (
    *(b"", b"{}", b"[]", b"null", b"5", b'"status"', b'{"do": 5}', b'{"do": null}', b'{"do": "explode"}', b"\0\0\0"),
    *(b"\xff\xfe{", b'{"do": "status", "do": "next"}', b'{"do": "status", "x": 1}', b'{"do": "load"}', b"{" * 3000),
    b'{"do": "load", "preset": "%s"}' % (b"9" * 4301),
    b'{"do": "act", "action": "preset %s"}' % (b"9" * 4301),
    b'{"do": "act", "action": "bank %s"}' % (b"9" * 4301),
    b'{"do": "set", "name": "gain", "value": %s}' % (b"9" * 310),
    b'{"do": "set", "name": "gain", "value": %s}' % (b"9" * 4301),
    b'{"do": "level", "presets": [], "seconds": %s}' % (b"9" * 310),
    b'{"do": "map", "control_change": %s, "does": "mute"}' % (b"9" * 310),
    b'{"do": "map", "control_change": -1, "does": "%s"}' % (b"next again " * 1000),
    b'{"do": "act", "action": "%snext"}' % (b"next again " * 1000),
    b'{"do": "load", "preset": "\\ud800"}',
    b'{"do": "act", "action": "preset \\u00b2"}',
    b'{"do": "load", "preset": "\\u0663\\u00b2"}',
    b'{"do": "announce", "code": %s}' % (b"9" * 400),
    b'{"do": "status"' + b" " * 70_000 + b"}",
    b"[" * 60_000,
)


@dataclass(slots=True)
class Reach:
    """What an event can act on. done: counts by kind of event.  keys: the MIDI ports at the running server."""

    banks: Path
    socket: Path
    done: dict[str, int]
    keys: Keys | None = None

    def count(self, what: str, times: int = 1) -> None:
        """Add to the count of an event."""
        self.done[what] = self.done.get(what, 0) + times


# ---- MIDI ----


def plug(reach: Reach, rng: random.Random) -> str:
    """Plug in some ports and usually unplug others. Every unplugged port is counted."""
    keys = reach.keys
    if keys is None:
        return "no server"
    keys.plug(rng.randint(1, 3))
    if rng.random() < 0.3:
        time.sleep(rng.uniform(0.0, 0.03))
    if keys.ports > MAX_PORTS or rng.random() < 0.6:
        reach.count("MIDI ports unplugged", keys.unplug(rng.randint(1, keys.ports) if keys.ports else 0))
    return f"{keys.ports} ports"


def draw_message(rng: random.Random) -> bytes:
    """Return a random MIDI message, a part of one, or bytes that are not MIDI."""
    channel = rng.randrange(16)
    kind = rng.randrange(10)
    if kind < 4:
        mapped = rng.choice((*map(int, material.CONTROL_CHANGES), 0, 32, 6, 38, 98, 99, 120, 127))
        return bytes([0xB0 | channel, mapped, rng.choice((0, 63, 64, 127, rng.randrange(128)))])
    if kind < 6:
        return bytes([0xC0 | channel, rng.choice((0, 1, 2, 3, 127))])
    if kind == 6:
        return bytes([rng.choice((0x80, 0x90, 0xA0, 0xE0)) | channel, rng.randrange(128), rng.randrange(128)])
    if kind == 7:
        return rng.choice((b"\xf8", b"\xfe", b"\xff", b"\xf6", b"\xf1\x20", b"\xf0\x7e\x7f\x06\x01\xf7"))
    if kind == 8:
        # Parts of messages: running status without a status byte, and pieces of system exclusive messages.
        return rng.choice((b"\x40", b"\x40\x7f", b"\xf0\x01\x02", b"\x03\x04", b"\xf7", b"\xf0" + b"\x01" * 300))
    return rng.randbytes(rng.choice((1, 2, 3, 3, 4, 20)))


def midi(reach: Reach, rng: random.Random) -> str:
    """Send random messages, one or a burst."""
    if reach.keys is None or not reach.keys.ports:
        return "no port"
    messages = [draw_message(rng) for _ in range(rng.choice((1, 3, 10, 100)))]
    reach.keys.send(rng.randrange(MAX_PORTS), messages)
    reach.count("MIDI messages", len(messages))
    return " ".join(message[:4].hex() for message in messages[:6])


# ---- the folder of banks ----


def copy_bank(reach: Reach, rng: random.Random) -> str:
    """Copy a bank into the folder, file by file, possibly over a bank that is there and plays."""
    with tempfile.TemporaryDirectory() as made:
        told = material.draw_bank(Path(made) / "bank", rng)
        target = reach.banks / rng.choice(BANKS)
        if rng.random() < 0.5:
            shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(made) / "bank", target, dirs_exist_ok=True)
    reach.count("banks copied in")
    if rng.random() < 0.7:
        # The pedal looks for new banks only on this request.
        told += f"; rescan: {send(reach, {'do': 'rescan'})}"
    return f"{target.name}: {told}"


def remove_bank(reach: Reach, rng: random.Random) -> str:
    """Remove a bank, or rename it."""
    source = reach.banks / rng.choice(BANKS)
    target = reach.banks / rng.choice(BANKS)
    if rng.random() < 0.5:
        shutil.rmtree(source, ignore_errors=True)
        reach.count("banks removed")
        return source.name
    if not source.is_dir() or target.exists():
        return f"{source.name} stays"
    source.rename(target)
    reach.count("banks renamed")
    return f"{source.name} to {target.name}"


def edit(reach: Reach, rng: random.Random) -> str:
    """Edit, break, delete or replace a preset, or a file that presets use."""
    folders = [path for path in reach.banks.iterdir() if path.is_dir()]
    folder = rng.choice(sorted(folders))
    names = {suffix: sorted(path.name for path in folder.glob(f"*{suffix}")) for suffix in (".toml", ".stomp", ".wav")}
    own = [name for found in names.values() for name in found if not (folder.name == HOME and name in KEPT)]
    if not own or not names[".stomp"]:
        return f"{folder.name}: nothing"
    path = folder / rng.choice(own)
    good = material.good_preset(rng, names[".stomp"], names[".wav"])
    told = "replaced"
    if rng.random() < 0.2:
        path.unlink(missing_ok=True)
        told = "deleted"
    elif path.suffix == ".stomp":
        told, data = material.draw_artifact(rng)
        path.write_bytes(data)
    elif path.suffix == ".wav":
        material.write_cabinet(path, rng)
    elif rng.random() < 0.4 and path.exists():
        # Like an editor that writes in place.
        text = re.sub(rb"(level_db|gain_db) = [-\d.]+", rb"\1 = %.1f" % rng.uniform(-12, 12), path.read_bytes())
        path.write_bytes(text)
        told = "edited"
    elif rng.random() < 0.4:
        told, data = material.broken_preset(rng, good)
        path.write_bytes(data)
    else:
        # Like an editor that writes a new file and renames it.
        beside = path.with_suffix(".new")
        beside.write_bytes(good)
        beside.replace(path)
    reach.count("files edited, deleted, replaced")
    return f"{folder.name}/{path.name}: {told}"


# ---- the control socket ----


def visit(reach: Reach, rng: random.Random) -> str:
    """Go to a random bank and a random preset of it."""
    folder = reach.banks / rng.choice((HOME, *BANKS))
    presets = sorted(path.stem for path in folder.glob("*.toml"))
    told = [send(reach, {"do": "act", "action": f"bank {folder.name}"})]
    if presets:
        told.append(send(reach, {"do": "load", "preset": rng.choice(presets)}))
    reach.count("visits")
    return f"{folder.name} {presets}: {'; '.join(told)}"


def send(reach: Reach, request: Mapping[str, Any]) -> str:
    """Send a request, and return the error message, or "ok"."""
    try:
        ask(reach.socket, request)
    except NampedalError as error:
        return str(error)[:100]
    return "ok"


def draw_request(rng: random.Random) -> dict[str, Any]:
    """Return a request of a known kind, with values that may be refused."""
    on = rng.random() < 0.4
    known: tuple[dict[str, Any], ...] = (
        *({"do": name} for name in ("status", "presets", "next", "previous", "save", "banks", "rescan")),
        *({"do": name} for name in ("level_status", "level_write", "level_stop")),
        {"do": "load", "preset": rng.choice(("1", "2", "p0", "p1", "reference", "gone", "0", "-1", "", "../x"))},
        *({"do": "set", "name": rng.choice(SETTINGS), "value": rng.choice(NUMBERS)} for _ in range(4)),
        *({"do": name, "on": on} for name in ("bypass", "mute", "tuner")),
        *({"do": "act", "action": rng.choice(ACTIONS)} for _ in range(6)),
        {"do": "level", "presets": rng.choice(([], ["1"], ["p0", "gone"])), "seconds": rng.choice((2, 2.5, 10, -1))},
        {"do": "announce", "code": rng.choice((4, 5, 6, 7, 99, None))},
        {"do": "map", "control_change": rng.choice((None, 7, 65, 127, 128, -1)), "does": rng.choice(ACTIONS)},
    )
    return rng.choice(known)


def request(reach: Reach, rng: random.Random) -> str:
    """Send a request of a known kind."""
    drawn = draw_request(rng)
    told = send(reach, drawn)
    reach.count("socket requests")
    return f"{json.dumps(drawn)[:200]}: {told}"


def junk(reach: Reach, rng: random.Random) -> str:
    """Send lines that are not requests, incomplete, or longer than the limit; then disconnect."""
    lines = [rng.choice(JUNK) for _ in range(rng.choice((1, 1, 3)))]
    if rng.random() < 0.2:
        lines = [json.dumps(draw_request(rng)).encode() for _ in range(300)]
    if rng.random() < 0.2:
        lines = [rng.randbytes(rng.choice((1, 100, 30_000)))]
    data = b"\n".join(lines) + (b"\n" if rng.random() < 0.8 else b"")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.3)
        try:
            connection.connect(str(reach.socket))
            connection.sendall(data)
            if rng.random() < 0.7:
                connection.recv(1 << 16)
        except OSError as error:
            return f"{data[:60]!r}: {error}"
        finally:
            reach.count("junk at the socket")
    return f"{len(data)} bytes {data[:60]!r}"


def crowd(reach: Reach, rng: random.Random) -> str:
    """Connect more clients than the pedal accepts. Some subscribe, and none reads."""
    clients = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(20)]
    try:
        for client in clients:
            client.settimeout(0.1)
            try:
                client.connect(str(reach.socket))
                client.sendall(rng.choice((b'{"do": "subscribe"}\n', b'{"do": "status"}\n', b'{"do": "st')))
            except OSError:
                continue
        time.sleep(rng.uniform(0.0, 0.3))
    finally:
        for client in clients:
            client.close()
    reach.count("crowds at the socket")
    return "20 clients"


# The weight and the function of each event.
EVENTS: Mapping[str, tuple[int, Callable[[Reach, random.Random], str]]] = {
    "midi": (20, midi),
    "copy bank": (6, copy_bank),
    "remove bank": (5, remove_bank),
    "edit": (20, edit),
    "visit": (20, visit),
    "request": (20, request),
    "junk": (12, junk),
    "crowd": (2, crowd),
}
