"""What the soak connects to the pedal: a JACK server, an audio client, and a client with MIDI ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jack
import numpy as np
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.jack.python_callback import PythonCallback

RATES = (44_100, 48_000, 96_000)
PERIODS = (64, 128, 256, 512, 1024)
CEILING = 1.0
# A peak below this counts as silence: -80 dBFS.
SILENT = 1e-4
PATIENCE_S = 60.0
# Longer than any period: after it, the audio thread no longer uses a port that was removed from its list.
_APART_S = 0.03


class SoakError(Exception):
    """The soak cannot go on."""


def until(what: Callable[[], bool], why: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until the function returns True. Raises SoakError with the text `why` after patience_s seconds."""
    end_s = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > end_s:
            raise SoakError(f"{why} within {patience_s:g} s")
        time.sleep(0.02)


class Server:
    """jackd with its dummy driver. rate: Hz.  period: frames."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rate, self.period = 48_000, 128
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def start(self, rate: int, period: int) -> None:
        """Start jackd, and return when it accepts clients. Raises SoakError."""
        jackd = shutil.which("jackd")
        if jackd is None:
            raise SoakError("jackd is not installed; install jackd2")
        self.rate, self.period = rate, period
        command = [jackd, "-n", self.name, "--no-realtime", "-d", "dummy", "-r", str(rate), "-p", str(period)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"},
            start_new_session=True,
        )
        until(self._answers, "jackd took no client")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End jackd by a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None
            self._killed = how == signal.SIGKILL

    def close(self) -> None:
        """End jackd so that JACK frees its place. JACK has eight places for servers, and a killed server keeps its
        place.
        """
        if self._process is None and self._killed:
            self.start(self.rate, self.period)
        self.end()

    def _answers(self) -> bool:
        with quiet(), contextlib.suppress(jack.JackOpenError):
            jack.Client("soak-probe", no_start_server=True, servername=self.name).close()
            return True
        return False


@contextlib.contextmanager
def quiet() -> Any:
    """Suppress JACK's error messages while the context is open."""
    jack.set_error_function(lambda message: None)
    try:
        yield
    finally:
        jack.set_error_function(None)


@dataclass(slots=True)
class Heard:
    """The output of the pedal: frames, the highest peak, the sum of the left output's squares."""

    frames: int = 0
    peak: float = 0.0
    squares: float = 0.0

    @property
    def rms_db(self) -> float:
        """Return the RMS in dBFS; -200: silence."""
        return 10.0 * float(np.log10(max(self.squares / max(self.frames, 1), 1e-20)))


@dataclass(slots=True)
class Wrong:
    """Counts since the soak began: frames that were NaN, frames above the ceiling, and the highest peak."""

    not_numbers: int = 0
    too_loud: int = 0
    peak: float = 0.0


class Ear:
    """A client that plays a steady chord into the pedal and checks every frame that comes out."""

    def __init__(self, server: Server, wrong: Wrong) -> None:
        self._client = jack.Client("soak-ear", no_start_server=True, servername=server.name)
        self._out = self._client.outports.register("guitar")
        self._ins = [self._client.inports.register(name) for name in ("left", "right")]
        self._wrong, self._heard, self._at = wrong, Heard(), 0
        time_s = np.arange(server.rate) / server.rate
        chord = np.sin(2.0 * np.pi * np.outer((110, 220, 331), time_s)).sum(axis=0)
        # All frequencies are whole numbers of Hz, so one second can be looped. One more period follows it, so that a
        # block can begin at any frame of the second.
        self._chord = np.r_[chord, chord[: PERIODS[-1]]].astype(np.float32) * 0.08
        self._callback = PythonCallback(self._client, self._process)
        self._client.activate()

    def join(self) -> None:
        """Connect to the pedal's ports, as far as they exist."""
        cables = (
            (self._out.name, "nampedal:in"),
            *((f"nampedal:{side}", port.name) for side, port in zip(("left", "right"), self._ins, strict=True)),
        )
        with quiet():
            for source, target in cables:
                # The port does not exist yet, or is connected already.
                with contextlib.suppress(jack.JackError):
                    self._client.connect(source, target)

    def listen(self, seconds: float) -> Heard:
        """Return what came out in the next seconds."""
        self.join()
        heard = self._heard = Heard()
        time.sleep(seconds)
        self._heard = Heard()
        return heard

    def close(self) -> None:
        """Close the client, also if the server is gone."""
        self._callback.close()

    def _process(self, frames: int) -> None:
        heard, wrong = self._heard, self._wrong
        self._out.get_array()[:] = self._chord[self._at : self._at + frames]
        self._at = (self._at + frames) % (len(self._chord) - PERIODS[-1])
        for number, port in enumerate(self._ins):
            # Copied, because a late pedal may write into the buffer meanwhile.
            got = port.get_array().copy()
            peak = float(np.abs(got).max())
            if not peak <= CEILING:
                wrong.not_numbers += int(np.count_nonzero(np.isnan(got)))
                wrong.too_loud += int(np.count_nonzero(np.abs(got) > CEILING))
                wrong.peak = max(wrong.peak, peak)
            heard.peak = max(heard.peak, peak)
            if number == 0:
                heard.frames += frames
                heard.squares += float(np.dot(got, got))


class Keys:
    """A client with physical MIDI outputs that are plugged and unplugged, like those of a USB MIDI bridge."""

    def __init__(self, server: Server) -> None:
        self._client = jack.Client("soak-keys", no_start_server=True, servername=server.name)
        self._live: tuple[tuple[Any, deque[bytes]], ...] = ()
        self._count = 0
        self._callback = PythonCallback(self._client, self._process)
        self._client.activate()

    @property
    def ports(self) -> int:
        """Return the number of plugged ports."""
        return len(self._live)

    def plug(self, count: int) -> None:
        """Plug in so many more ports."""
        for _ in range(count):
            self._count += 1
            with contextlib.suppress(jack.JackError):
                port = self._client.midi_outports.register(f"port-{self._count}", is_terminal=True, is_physical=True)
                self._live = *self._live, (port, deque(maxlen=1000))

    def unplug(self, count: int) -> int:
        """Unplug so many of the oldest ports, and return how many there were."""
        gone, self._live = self._live[:count], self._live[count:]
        time.sleep(_APART_S)
        for port, _ in gone:
            with contextlib.suppress(jack.JackError):
                port.unregister()
        return len(gone)

    def send(self, which: int, messages: list[bytes]) -> None:
        """Send from one of the plugged ports, if there is one. which: taken modulo the number of ports."""
        live = self._live
        if live:
            live[which % len(live)][1].extend(messages)

    def wait(self) -> None:
        """Wait until everything was sent, at most one second."""
        end_s = time.monotonic() + 1.0
        while any(queue for _, queue in self._live) and time.monotonic() < end_s:
            time.sleep(0.01)

    def close(self) -> None:
        """Close the client and with it all ports."""
        self._callback.close()

    def _process(self, frames: int) -> None:
        for port, queue in self._live:
            port.clear_buffer()
            for at in range(min(len(queue), 16, frames)):
                with contextlib.suppress(jack.JackError):
                    port.write_midi_event(at, queue.popleft())


@dataclass(frozen=True, slots=True)
class Vitals:
    """The resources of the pedal's process: memory in MiB (RSS), threads, open files."""

    memory_mib: float
    threads: int
    files: int


@dataclass(slots=True)
class PlayedPedal:
    """`nampedal play` with a folder of banks, in a process of its own."""

    folder: Path
    socket: Path
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self, server: Server, *more: str) -> None:
        """Start the pedal as a user would, with a full scale in dBu so that captures are calibrated."""
        command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(self.folder), "--server", server.name]
        command += ["--socket", str(self.socket), "--full-scale-dbu", "8.7", *more]
        home = {"HOME": str(self.log.parent), "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "XDG_CACHE_HOME": ""}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, **home})

    def status(self) -> dict[str, Any]:
        """Return the pedal's status. Raises SoakError if it does not come within five seconds, or
        the pedal has ended.
        """
        end_s = time.monotonic() + 5.0
        while True:
            self.alive()
            try:
                return ask(self.socket, {"do": "status"}, max(end_s - time.monotonic(), 0.1))
            except NampedalError as error:
                # The pedal has the maximum of sixteen clients, or has just been started.
                if time.monotonic() > end_s:
                    raise SoakError(f"status: {error}") from error
                time.sleep(0.05)

    def alive(self) -> None:
        """Raise SoakError if the pedal has ended."""
        if self.process.poll() is not None:
            raise SoakError(f"the pedal ended with {self.process.returncode}")

    def vitals(self) -> Vitals:
        """Return the resources that the process holds now."""
        of = Path(f"/proc/{self.process.pid}")
        lines = dict(line.split(":", 1) for line in (of / "status").read_text().splitlines())
        return Vitals(int(lines["VmRSS"].split()[0]) / 1024, int(lines["Threads"]), len(list((of / "fd").iterdir())))

    def lines(self) -> list[str]:
        """Return the lines of the pedal's log."""
        return self.log.read_text(errors="replace").splitlines()

    def end(self) -> int | None:
        """End the pedal as a service manager does, and return its exit status; None: it had to be killed."""
        self.process.terminate()
        try:
            return self.process.wait(30.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
