"""The core of JACK's thread, with a real server."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact
from nampedal.firmware.jack.audio_cpu import audio_cpu
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Nam, Preset
from support.makers.heavy_network import heavy_network
from support.players.jack_server import JackServer, wait_for


def test_a_core_is_a_number_and_anything_else_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert audio_cpu({}) is None
    assert audio_cpu({"NAMPEDAL_AUDIO_CPU": ""}) is None
    assert audio_cpu({"NAMPEDAL_AUDIO_CPU": "3"}) == 3
    assert not caplog.messages
    for text in ("-1", "three", "1024", "2-3"):
        assert audio_cpu({"NAMPEDAL_AUDIO_CPU": text}) is None
        assert caplog.messages[-1] == (
            f"NAMPEDAL_AUDIO_CPU: is {text!r}; a core is needed, from 0 on; JACK's thread runs on any"
        )


def cpu_ns() -> dict[int, int]:
    """By thread of this process, what it ran so far."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        found[int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return found


def busiest(pedal: Pedal) -> int:
    """The thread that blocks are played in, if they take long."""
    assert pedal.callback is not None
    played = sum(pedal.callback.load_bins)
    before = cpu_ns()
    wait_for(lambda: pedal.callback is not None and sum(pedal.callback.load_bins) - played > 100)
    now = cpu_ns()
    return max(now, key=lambda thread: now[thread] - before.get(thread, 0))


class Running:
    def __init__(self, setup: PedalSetup) -> None:
        self.pedal = Pedal(setup)
        self._thread = threading.Thread(target=self.pedal.run)
        self._thread.start()

    def stop(self) -> None:
        self.pedal.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("jack_server", [1024], indirect=True)
def test_blocks_are_played_on_the_core_that_is_named_and_nothing_else_is(
    server: JackServer, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    heavy = replace(demo, tiers=(replace(demo.tiers[0], network=heavy_network(layers=4)),))
    (tmp_path / "heavy.stomp").write_bytes(artifact.pack(heavy))
    preset.write(Preset("Heavy", (Nam("heavy.stomp"),)), tmp_path / "heavy.toml")
    caplog.set_level(logging.INFO)
    cores = os.sched_getaffinity(0)
    core = max(cores)
    running = Running(PedalSetup([tmp_path / "heavy.toml"], server=server.name, tier=0, audio_cpu=core))
    wait_for(running.pedal.plays)
    for _ in range(2):
        plays = busiest(running.pedal)
        assert os.sched_getaffinity(plays) == {core}
        others = [task for task in cpu_ns() if task != plays]
        assert others
        assert all(os.sched_getaffinity(task) == cores for task in others)
        # The next server's thread is another one.
        server.kill()
        wait_for(lambda: running.pedal.client is None)
        server.start()
        wait_for(running.pedal.plays)
    assert caplog.messages.count(f"JACK's thread runs on core {core}") == 3
    running.stop()


def test_a_core_that_is_not_there_is_told_and_the_sound_goes_on(
    server: JackServer, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running(PedalSetup([], server=server.name, fallback=True, audio_cpu=1023))
    wait_for(running.pedal.plays)
    assert "core 1023: JACK's thread can't be kept on it: Invalid argument; it runs on any" in caplog.messages
    running.stop()
