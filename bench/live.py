"""Measures how fast the pedal is on this machine: to the first sound, after jackd is killed, and under overload.

    PYTHONPATH=tests python bench/live.py --artifact standard.stomp

Starts its own jackd with the dummy driver, and a bank of eight presets of the artifact with a tone and a cabinet; for
the overload, also one that needs several periods for each block. Times are wall-clock times, so a busy machine shows
in them. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Cabinet, Nam, Preset, Tone
from support.makers.heavy_network import heavy_network

SERVER = "nampedal-bench"
PERIOD = 128
PRESETS = 8


def jackd() -> subprocess.Popen[bytes]:
    command = ["jackd", "-n", SERVER, "--no-realtime", "-d", "dummy", "-r", "48000", "-p", str(PERIOD)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def play(folder: Path, at: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(folder)]
    return subprocess.Popen([*command, "--server", SERVER, "--socket", str(at)], stderr=subprocess.DEVNULL)


def make_bank(folder: Path, amp: Path) -> None:
    shutil.copy(amp, folder / "amp.stomp")
    taps = np.random.default_rng(0).normal(0.0, 0.2, 8000) * np.exp(-np.arange(8000) / 800.0)
    soundfile.write(folder / "cab.wav", taps, 48_000)
    for number in range(PRESETS):
        blocks = Nam("amp.stomp", gain_db=float(number)), Tone(bass=6.0), Cabinet("cab.wav")
        preset.write(Preset(f"Preset {number}", blocks), folder / f"{number}.toml")


def add_overload(folder: Path) -> None:
    """Add a preset that needs several periods for each block."""
    capture = artifact.read(folder / "amp.stomp")
    tier = replace(capture.tiers[0], network=heavy_network(), proof=None, golden=None)
    (folder / "heavy.stomp").write_bytes(artifact.pack(replace(capture, tiers=(tier,))))
    preset.write(Preset("Overload", (Nam("heavy.stomp"),), normalise=False), folder / "overload.toml")


def status(path: Path) -> dict[str, Any]:
    try:
        return ask(path, {"do": "status"})
    except NampedalError:
        return {}


def until(what: Callable[[], object]) -> float:
    """Wait until the function returns a true value. Return the seconds that it took."""
    start = time.monotonic()
    while not what():
        time.sleep(0.002)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifact", type=Path, required=True)
    amp = parser.parse_args().artifact
    with tempfile.TemporaryDirectory() as name:
        folder, at = Path(name), Path(name) / "control.sock"
        make_bank(folder, amp)
        server = jackd()
        time.sleep(1.0)
        pedal = play(folder, at)
        print(f"start to first sound, a bank of {PRESETS}: {until(lambda: sounds(at)):.2f} s")
        print(f"until all {PRESETS} are ready: {until(lambda: ready(at)):.2f} s more")
        print(f"a switch to a preset that is ready: {switch(at):.3f} s")
        server.send_signal(signal.SIGKILL)
        server.wait()
        until(lambda: status(at).get("playing") is False)
        server = jackd()
        print(f"jackd killed and started again, to sound: {until(lambda: sounds(at)):.2f} s")
        pedal.send_signal(signal.SIGTERM)
        pedal.wait()
        add_overload(folder)
        pedal = play(folder, at)
        until(lambda: sounds(at) and ready(at))
        if status(at)["quality"] == "tier 0":
            ask(at, {"do": "load", "preset": "overload"})
            print(f"overload, from its load to a step down: {until(lambda: status(at)['quality'] != 'tier 0'):.3f} s")
        else:
            print("overload: not measured: the machine is so busy that the pedal had stepped down before")
        pedal.send_signal(signal.SIGTERM)
        pedal.wait()
        server.terminate()
        server.wait()


def sounds(at: Path) -> bool:
    """Return True if the pedal plays and its output is not silent: even at rest an amplifier hums a little."""
    found = status(at)
    return bool(found.get("playing")) and found.get("output_dbfs") is not None


def ready(at: Path) -> bool:
    return all(one["ready"] for one in ask(at, {"do": "presets"})["presets"])


def switch(at: Path) -> float:
    wanted = ask(at, {"do": "next"})["preset"]
    return until(lambda: status(at)["preset"] == wanted)


if __name__ == "__main__":
    main()
