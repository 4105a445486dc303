"""Measures the latency from a footswitch edge to the command in the audio thread's queue, on a machine under load.

    python bench/footswitch_latency.py [--busy 4] [--presses 500]

A pedal with nine presets runs in its own thread, with a jackd on the dummy driver. The mock driver reads keys from a
pseudo-terminal. --busy: number of processes that compute meanwhile. Prints the median, 99th percentile and worst
latency in ms of switches to presets that are ready, from before the key is written to the return of Stage.go_to().
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pty
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from live import PERIOD, SERVER, jackd, until
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.drivers.mock import MockDriver
from nampedal.firmware.actions import bindings
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.controls.control_surface import ControlSurface, attached_controls
from nampedal.firmware.engine import _engine
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset, Tone

PRESETS = 9
# Longer than a preset switch takes, and than the shortest time between two presses of a foot.
PAUSE_S = 0.12


class Watched:
    """A wrapper of the stage that records when it was told to go to another chain."""

    def __init__(self, stage: _engine.Stage) -> None:
        self._stage = stage
        self.told_s = 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self._stage, name)

    def go_to(self, chain: _engine.Chain, dip: bool, seconds: float) -> bool:
        done = self._stage.go_to(chain, dip, seconds)
        self.told_s = time.monotonic()
        return done


def compute() -> None:
    while True:
        np.random.default_rng(0).normal(size=100_000).sum()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--presses", type=int, default=500)
    arguments = parser.parse_args()
    server = jackd()
    others = [multiprocessing.Process(target=compute, daemon=True) for _ in range(arguments.busy)]
    for other in others:
        other.start()
    time.sleep(1.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(1, PRESETS + 1):
            preset.write(Preset(f"{number}", (Gain(), Tone())), folder / f"{number}.toml")
        late_ms = sorted(1e3 * late_s for late_s in presses(folder, arguments.presses))
    for other in others:
        other.kill()
    server.terminate()
    server.wait()
    worst, p99 = late_ms[-1], late_ms[int(0.99 * len(late_ms))]
    print(f"{len(late_ms)} presses, {arguments.busy} busy processes, periods of {PERIOD}:")
    print(f"median {np.median(late_ms):.2f} ms, p99 {p99:.2f} ms, worst {worst:.2f} ms")


def presses(folder: Path, count: int) -> list[float]:
    pedal = Pedal(PedalSetup(sorted(folder.iterdir()), server=SERVER, tier=0))
    switches = [str(number) for number in range(1, PRESETS + 1)]
    keys, terminal = pty.openpty()
    mock = MockDriver(switches, [], switches, reader=terminal, writer=terminal)
    simple = bindings.read({"footswitches": {name: f"preset {name}" for name in switches}}, "bench")
    controls = ControlSurface(pedal, ActionDispatcher(pedal), DriverSupervisor([mock]), simple, lights=switches)

    def run() -> None:
        with attached_controls(pedal, controls):
            pedal.run()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: pedal.manager is not None and all(slot.chain for slot in pedal.manager.slots))
    until(lambda: "●" in os.read(keys, 4096).decode("utf-8", "replace"))
    threading.Thread(target=drain, args=(keys,), daemon=True).start()
    manager = pedal.manager
    assert manager is not None
    watched = Watched(manager._stage)
    manager._stage = watched  # type: ignore[assignment]
    late_s = [press(keys, watched, switches[(n + 1) % PRESETS]) for n in range(count)]
    pedal.stop()
    thread.join()
    return late_s


def drain(keys: int) -> None:
    """Read and discard what the driver prints about the LEDs, so that its writes do not block."""
    while os.read(keys, 4096):
        pass


def press(keys: int, watched: Watched, switch: str) -> float:
    watched.told_s = 0.0
    at_s = time.monotonic()
    os.write(keys, switch.encode())
    until(lambda: watched.told_s > 0.0)
    time.sleep(PAUSE_S)
    return watched.told_s - at_s


if __name__ == "__main__":
    main()
