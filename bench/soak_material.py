"""Random captures, presets and banks for the soak: good, absurd and broken ones."""

from __future__ import annotations

import json
import random
import tempfile
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions import bindings
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Block, Cabinet, Gain, Gate, Nam, Preset, Tone

DEMO = Path(__file__).parent.parent / "demo" / "overdriven-amp.nam"
LEVELS = ("loudness", "gain", "input_level_dbu", "output_level_dbu")
ABSURD: tuple[Any, ...] = (
    *(None, True, "12.5", "loud", "", [], {}, [[1]], 0, -0.0, 5e-324, 8.7, 1e308, -1e308, 10**400, -(10**4000)),
    *(-9999, -7000, -999, -120, -60, -20, 40, 60, 120, 999, 9999, float("nan"), float("inf"), float("-inf")),
)
# Scales of a small capture's weights: from inaudible to far above what a sound card can play.
SCALES = (1e-30, 1e-9, 1e-4, 0.3, 0.3, 0.3, 3.0, 1e3, 1e9, 1e30)
# With these, MIDI can trigger every kind of action.
CONTROL_CHANGES = {
    "1": "gain",
    "7": "level",
    "64": "bypass",
    "65": "mute",
    "66": "tuner",
    "67": "next",
    "68": "previous",
    "69": "save",
    "70": "bank next",
    "71": "preset 1 again bypass",
}
DEEP = 20_000


@cache
def demo() -> Capture:
    """Return the demo's amplifier, a WaveNet."""
    return nam_file.read(DEMO)


@cache
def amp() -> bytes:
    """Return the artifact of the demo's amplifier."""
    return artifact.pack(demo())


def small(rng: random.Random, scale: float) -> Capture:
    """Return a capture with a few multiplications. Its random weights are at most `scale`."""
    taps = rng.randint(1, 8)
    weights = [rng.uniform(-scale, scale) for _ in range(taps)]
    config = {"receptive_field": taps, "bias": False}
    nam = {"version": "0.7.0", "architecture": "Linear", "config": config, "weights": weights, "sample_rate": 48_000}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.nam"
        path.write_text(json.dumps(nam))
        return nam_file.read(path)


def draw_artifact(rng: random.Random) -> tuple[str, bytes]:
    """Return a description and the bytes of an artifact: good, absurd or broken."""
    kind = rng.choices(("good", "absurd", "deep", "truncated", "flipped", "empty"), (4, 6, 1, 1, 1, 1))[0]
    if kind == "good":
        return (kind, amp()) if rng.random() < 0.3 else (kind, artifact.pack(small(rng, 0.3)))
    if kind == "absurd":
        return _absurd(rng)
    if kind == "deep":
        return kind, _with_deep_metadata(rng)
    data = artifact.pack(small(rng, 0.3))
    if kind == "flipped":
        at = rng.randrange(len(data))
        return f"{kind} at {at}", data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    return kind, data[: rng.randrange(len(data))] if kind == "truncated" else b""


def _absurd(rng: random.Random) -> tuple[str, bytes]:
    """Return an artifact whose weights, or levels in its metadata, are beyond any amplifier."""
    scale = rng.choice(SCALES)
    capture = demo() if rng.random() < 0.2 else small(rng, scale)
    metadata = {key: rng.choice(ABSURD) for key in LEVELS if rng.random() < 0.6}
    shown = {key: value if len(str(value)) < 20 else f"{str(value)[:6]}..." for key, value in metadata.items()}
    data = artifact.pack(replace(capture, source=replace(capture.source, metadata=metadata)))
    return f"absurd {shown} weights {scale:g}", data


def _with_deep_metadata(rng: random.Random) -> bytes:
    """Return an artifact whose metadata is nested deeper than Python can recurse."""
    capture = small(rng, 0.3)
    room = "x" * 2 * DEEP
    data = artifact.pack(replace(capture, source=replace(capture.source, metadata={"x": room})))
    opening = b"[" * DEEP if rng.random() < 0.5 else b'{"a":' * (DEEP // 5)
    body = data[:-4].replace(b'"' + room.encode() + b'"', opening.ljust(2 * DEEP + 2, b"]"))
    return body + zlib.crc32(body).to_bytes(4, "little")


def controls() -> bindings.Bindings:
    """Return the control change bindings of the soak's presets."""
    return bindings.read({"control_changes": CONTROL_CHANGES}, "soak")


def reference() -> bytes:
    """Return the reference preset, whose sound the soak compares."""
    blocks = (Gate(), Nam("amp.stomp"), Tone(bass=6.0), Cabinet("cab.wav"))
    return preset.pack(Preset("Reference", blocks, controls=controls()))


def good_preset(rng: random.Random, artifacts: list[str], cabinets: list[str]) -> bytes:
    """Return a preset of random blocks, with the given artifacts and cabinets and audible levels."""
    blocks: list[Block] = [Nam(rng.choice(artifacts), gain_db=rng.uniform(-10, 20))]
    if rng.random() < 0.3:
        blocks.insert(0, Gain(rng.uniform(-6, 6)))
    if rng.random() < 0.3:
        blocks.append(Tone(bass=rng.uniform(0, 10), mid=rng.uniform(0, 10), treble=rng.uniform(0, 10)))
    if cabinets and rng.random() < 0.5:
        blocks.append(Cabinet(rng.choice(cabinets)))
    own = controls() if rng.random() < 0.7 else bindings.Bindings()
    level_db = rng.uniform(-20, 20)
    return preset.pack(Preset("Drawn", tuple(blocks), level_db=level_db, normalise=rng.random() < 0.7, controls=own))


def broken_preset(rng: random.Random, good: bytes) -> tuple[str, bytes]:
    """Return a description, and a preset that cannot be played, or only by tolerating errors."""
    text = good.decode()
    digits = "9" * rng.choice((20, 310, 4301))
    mistakes: dict[str, bytes] = {
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": text.encode("utf-16"),
        "hex integer": text.replace("level_db =", f"level_db = 0x{'f' * rng.choice((2, 300, 5000))} #").encode(),
        "many digits": text.replace("level_db =", f"level_db = {digits} #").encode(),
        "not a number": text.replace("level_db =", f"level_db = {rng.choice(('nan', 'inf', '-inf'))} #").encode(),
        "absurd loudness": f"loudness_lufs = {rng.choice((-1e9, 1e308, 999.0))}\n{text}".encode(),
        "deep": f"x = {'[' * DEEP}\n{text}".encode(),
        "again": f'{text}\n[footswitches]\n1 = "{"next again " * 1000}next"\n'.encode(),
        "missing file": text.replace(".stomp", ".gone").encode(),
        "cut off": good[: rng.randrange(len(good))],
        "bytes": rng.randbytes(rng.choice((1, 300, 100_000))),
        "NULs": b"\0" * len(good),
        "empty": b"",
    }
    kind = rng.choice(list(mistakes))
    return kind, mistakes[kind]


def write_cabinet(path: Path, rng: random.Random) -> None:
    """Write an impulse response with one strong tap and a short random tail."""
    noise = np.random.default_rng(rng.randrange(1 << 32)).normal(0.0, 0.02, rng.randint(1, 2000))
    soundfile.write(path, np.r_[1.0, noise], rng.choice((44_100, 48_000, 96_000)))


def draw_bank(folder: Path, rng: random.Random) -> str:
    """Write a bank of a few presets into a new folder, and return a description of it."""
    folder.mkdir(parents=True)
    artifacts, told = [], []
    for number in range(rng.randint(1, 4)):
        kind, data = draw_artifact(rng)
        artifacts.append(f"a{number}.stomp")
        told.append(f"{artifacts[-1]}: {kind}")
        (folder / artifacts[-1]).write_bytes(data)
    cabinets = ["cab.wav"] if rng.random() < 0.5 else []
    for name in cabinets:
        write_cabinet(folder / name, rng)
    for number in range(rng.randint(1, 5)):
        data = good_preset(rng, artifacts, cabinets)
        if rng.random() < 0.3:
            kind, data = broken_preset(rng, data)
            told.append(f"p{number}: {kind}")
        (folder / f"p{number}.toml").write_bytes(data)
    if rng.random() < 0.3:
        (folder / rng.choice(("._p0.toml", ".DS_Store", "Thumbs.db", "._a0.stomp"))).write_bytes(rng.randbytes(200))
    if rng.random() < 0.2:
        own = rng.choice((b'format = 1\nname = "Drawn"\norder = ["p1", "p0"]\n', b"order = 0x", rng.randbytes(50)))
        (folder / "bank.toml").write_bytes(own)
    return ", ".join(told)
