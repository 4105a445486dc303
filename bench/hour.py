"""Plays for an hour and switches presets every second; reports crashes, xruns and memory.

    python bench/hour.py --artifact standard.stomp --material guitar.wav [--minutes 60]

Starts its own jackd with the dummy driver in periods of 128 frames, `nampedal play` with a bank of eight presets of the
artifact, and a client that plays the material into it in a loop. It runs in real time: a busy machine causes xruns.
Prints every minute, and at the end: switches, xruns, quality steps down, the worst block so far, and the memory of the
daemon (/proc/PID/status), for the first time after one pass through the bank.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jack
import numpy as np
from live import PRESETS, SERVER, jackd, make_bank, ready, status, until
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine.inference import Audio

SWITCH_S = 1.0


def feed(audio: Audio) -> jack.Client:
    """Return a JACK client that plays the audio into the pedal in a loop."""
    client = jack.Client("guitar", no_start_server=True, servername=SERVER)
    out = client.outports.register("out")
    place = 0

    def process(frames: int) -> None:
        nonlocal place
        out.get_array()[:] = audio[place : place + frames]
        place = place + frames if place + 2 * frames <= len(audio) else 0

    client.set_process_callback(process)
    client.activate()
    client.connect(out.name, "nampedal:in")
    return client


def memory_kib(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmSize"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifact", type=Path, required=True)
    parser.add_argument("--material", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, at = Path(name), Path(name) / "control.sock"
        make_bank(folder, arguments.artifact)
        server = jackd()
        time.sleep(1.0)
        command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(folder)]
        log = (folder / "log").open("w")
        pedal = subprocess.Popen([*command, "--server", SERVER, "--socket", str(at)], stderr=log)
        until(lambda: status(at).get("playing"))
        until(lambda: ready(at))
        guitar = feed(read_recording(arguments.material).loudest_channel())
        print("minute switches  reached  xruns  down  worst        RSS       size")
        soak(at, pedal, arguments.minutes)
        guitar.close()
        pedal.send_signal(signal.SIGTERM)
        lines = len((folder / "log").read_text().splitlines())
        print(f"the daemon ended with {pedal.wait(30.0)}; its log has {lines} lines")
        server.terminate()
        server.wait()


def soak(at: Path, pedal: subprocess.Popen[bytes], minutes: float) -> None:
    rng = np.random.default_rng(0)
    switches = reached = 0
    begin_s = told_s = time.monotonic()
    while time.monotonic() - begin_s < 60.0 * minutes:
        assert pedal.poll() is None, f"the daemon ended with {pedal.returncode}"
        wanted = str(rng.integers(PRESETS))
        ask(at, {"do": "load", "preset": wanted})
        switches += 1
        time.sleep(SWITCH_S)
        reached += status(at).get("preset") == wanted
        if switches == PRESETS or time.monotonic() - told_s >= 60.0:
            told_s = time.monotonic()
            print(line((told_s - begin_s) / 60.0, switches, reached, status(at), memory_kib(pedal.pid)), flush=True)
    print(line(minutes, switches, reached, status(at), memory_kib(pedal.pid)), flush=True)


def line(minute: float, switches: int, reached: int, found: dict[str, Any], kib: dict[str, int]) -> str:
    worst = f"{100 * found['load']['worst']:.0f} %"
    counts = f"{minute:6.1f} {switches:8} {reached:8} {found['xruns']:6} {found['steps_down']:5} {worst:>6}"
    return f"{counts} {kib['VmRSS']:6} KiB {kib['VmSize']:6} KiB"


if __name__ == "__main__":
    main()
