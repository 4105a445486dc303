"""Runs everything that can change, all at once, while the pedal plays. The pedal must keep running and keep sounding.

    python bench/soak.py [--minutes 30 | --events 1000] [--plugs 1000] [--seed 1] [--by-load]

Starts its own jackd with the dummy driver, `nampedal play` with a folder of banks, a client that plays a chord into it
and checks every frame that comes out, and a client that acts as a MIDI keyboard. Random events, drawn from the seed:
MIDI ports plugged and unplugged; jackd ended and started at other rates and periods; banks copied in and removed;
presets edited, deleted and replaced by good, absurd and broken ones while they play; MIDI messages; requests and junk
at the control socket.

Checked all the time: no frame is above the ceiling or NaN, silence has a reason in the status, the status comes within
five seconds, the log has no traceback. Eight times, and at the end, the pedal goes back to a preset that no event
touches: it must be as loud as at the beginning, and memory, threads and open files must be steady. Last, jackd is
restarted at another rate: the state must be the one that was asked for. Prints a line of counts each minute. A fault is
printed with the events before it, and makes the exit status 1. The seed and the event's number give the random numbers
of an event.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soak_material as material
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError
from soak_events import EVENTS, HOME, Reach, plug
from soak_rig import PATIENCE_S, PERIODS, RATES, SILENT, Ear, Heard, Keys, PlayedPedal, Server, SoakError, Wrong, until
from soak_verdict import Rest, reason_for_silence, unsteady

PRESET = "reference"
# The soak has so many parts. At the end of each, the pedal goes back to the reference preset.
PARTS = 8
# One in RESTARTS events restarts jackd; one in LOOKS compares the sound with the status.
RESTARTS, LOOKS = 60, 12
MAX_PAUSE_S = 0.15
# Timeout until a preset sounds, on a busy machine.
SILENCE_S = 15.0
# Tolerance of the loudness at another sample rate, where the preset is resampled.
SAME_DB = 1.5


@dataclass(slots=True)
class Soak:
    """One soak. faults: what was wrong, a line each, with the number of the event before it.

    more: additional arguments of `nampedal play`.
    """

    seed: int
    folder: Path
    plugs: int
    more: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    rests: list[Rest] = field(default_factory=list)
    wrong: Wrong = field(default_factory=Wrong)
    number: int = 0
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=12))
    _log_lines: int = 0
    _wrong_before: tuple[int, int] = (0, 0)
    _ear: Ear | None = None
    _numbers: dict[str, float] = field(default_factory=dict)
    reach: Reach = field(init=False)
    server: Server = field(init=False)
    pedal: PlayedPedal = field(init=False)

    def __post_init__(self) -> None:
        banks = self.folder / "banks"
        (banks / HOME).mkdir(parents=True)
        (banks / HOME / "amp.stomp").write_bytes(material.amp())
        (banks / HOME / f"{PRESET}.toml").write_bytes(material.reference())
        material.write_cabinet(banks / HOME / "cab.wav", random.Random(0))
        good = material.good_preset(random.Random(0), ["amp.stomp"], ["cab.wav"])
        (banks / HOME / "second.toml").write_bytes(good)
        self.reach = Reach(banks, self.folder / "control.sock", self.done)
        self.server = Server(f"nampedal-soak-{os.getpid()}")
        self.pedal = PlayedPedal(banks, self.reach.socket, self.folder / "log")

    def begin(self) -> None:
        """Start everything, and measure how loud the reference preset is."""
        self._start_server(48_000, 128)
        self.pedal.start(self.server, "--preset", PRESET, *self.more)
        self._numbers = {}
        until(self.reach.socket.exists, "the pedal opened no control socket")
        until(lambda: self.pedal.status()["preset"] == PRESET, f"{PRESET} did not begin to play")
        self._numbers = dict(self.pedal.status()["numbers"])
        self.rest()

    def end(self) -> None:
        """Stop everything. It is a fault if the pedal does not end when it is told to."""
        self._let_go()
        if hasattr(self.pedal, "process"):
            dead = self.pedal.process.poll() is not None
            code = self.pedal.end()
            if not dead and code != 0:
                self.fault(f"the pedal ended with {code} when it was told to end")
            self._read_log()
        self.server.close()

    # ---- events ----

    def step(self, part: float) -> None:
        """Run the next event. part: how much of the soak is over, 0 to 1. Raises SoakError."""
        self.number += 1
        rng = random.Random(f"{self.seed}-{self.number}")
        if self.done.get("MIDI ports unplugged", 0) < part * self.plugs:
            self._happen("plug", plug(self.reach, rng))
        elif self.number % RESTARTS == RESTARTS - 1:
            self._happen("jackd", self._restart(rng))
        elif self.number % LOOKS == 0:
            self.look()
        else:
            name = rng.choices(list(EVENTS), [weight for weight, _ in EVENTS.values()])[0]
            try:
                self._happen(name, EVENTS[name][1](self.reach, rng))
            except OSError as error:
                self._happen(name, f"{error}")
        if not self.reach.socket.exists():
            # The pedal removes its socket before it ends.
            until(lambda: self.pedal.process.poll() is not None, "the pedal has no socket any more, and does not end")
        self.pedal.alive()
        self._judge_frames()
        time.sleep(rng.uniform(0.0, MAX_PAUSE_S))

    def _happen(self, name: str, told: str) -> None:
        self._recent.append(f"event {self.number}, {name}: {told}"[:400])

    def _restart(self, rng: random.Random, *, rate: int | None = None) -> str:
        """End jackd and start another one. The player's settings must be as before. rate: Hz; None: any."""
        self._keys_are_still()
        before = self.pedal.status()
        how = rng.choice((signal.SIGKILL, signal.SIGTERM))
        self._let_go()
        self.server.end(how)
        if rng.random() < 0.3:
            time.sleep(rng.uniform(0.0, 1.0))
        self._start_server(rate or rng.choice(RATES), rng.choice(PERIODS))
        until(self._follows, f"the pedal did not come back to a jackd of {self.server.rate} Hz")
        after = self.pedal.status()
        for key in ("muted", "bypass", "tuning"):
            if after[key] != before[key]:
                self.fault(f"{key} was {before[key]} before jackd ended, and is {after[key]} behind it")
        self.reach.count("restarts of jackd")
        return f"{how.name}, {self.server.rate} Hz, {self.server.period} frames"

    def _follows(self) -> bool:
        status = self.pedal.status()
        return (status["playing"], status["sample_rate_hz"]) == (True, self.server.rate)

    def _start_server(self, rate: int, period: int) -> None:
        self.server.start(rate, period)
        self._ear, self.reach.keys = Ear(self.server, self.wrong), Keys(self.server)
        self.reach.keys.plug(2)

    def _let_go(self) -> None:
        if self._ear is not None:
            self._ear.close()
        if self.reach.keys is not None:
            self.reach.keys.close()
        self._ear = self.reach.keys = None

    def _keys_are_still(self) -> None:
        if self.reach.keys is not None:
            self.reach.keys.wait()
        time.sleep(0.1)

    def _listen(self, seconds: float) -> Heard:
        if self._ear is None:
            raise SoakError("there is no ear")
        return self._ear.listen(seconds)

    # ---- looks ----

    def look(self) -> None:
        """Wait until the sound agrees with the status. It is a fault if they do not agree in time."""
        self._keys_are_still()
        end_s = time.monotonic() + SILENCE_S
        wrong = ""
        while time.monotonic() < end_s:
            before = self.pedal.status()
            # Wait for the crossfade of the last request.
            time.sleep(0.2)
            heard = self._listen(0.3)
            after = self.pedal.status()
            same = all(before[key] == after[key] for key in ("preset", "wanted", "muted", "bypass", "tuning"))
            if not same or not heard.frames:
                continue
            if after["muted"]:
                wrong = f"muted, and heard at a peak of {heard.peak:.2g}: {after}" if heard.peak > SILENT else ""
            elif heard.peak <= SILENT and not reason_for_silence(after):
                wrong = f"silence, and no reason for it: {after}"
            else:
                wrong = ""
            if not wrong:
                break
        if wrong:
            self.fault(wrong)
        self._read_log()
        self.reach.count("looks")

    def rest(self) -> None:
        """Go back to the reference preset, and record its loudness and the memory, threads and files of the process."""
        self._ask_for_reference(muted=False)
        heard, undisturbed = self._at_level()
        # On a busy machine the pedal lowers its quality, or drops frames: the loudness is not comparable then.
        status = self.pedal.status()
        rms_db = heard.rms_db if undisturbed else None
        if heard.peak <= SILENT:
            self.fault(f"{PRESET} is not heard: {status}")
        self.rests.append(Rest(rms_db, self.pedal.vitals()))
        first_db = next((rest.rms_db for rest in self.rests if rest.rms_db is not None), None)
        if rms_db is None or first_db is None:
            self.reach.count("rests that were disturbed")
        elif abs(rms_db - first_db) > SAME_DB:
            self.fault(f"{PRESET} sounds at {rms_db:.1f} dBFS; at the beginning {first_db:.1f}: {status}")
        self._judge_frames()
        self._read_log()

    def _at_level(self) -> tuple[Heard, bool]:
        """Return one second of the output, and True if its loudness can be compared.

        It can if the second before was as loud, neither second had an xrun (late frames are not heard), and the quality
        is full.
        """
        end_s = time.monotonic() + SILENCE_S
        heard, xruns = self._listen(1.0), -1
        while time.monotonic() < end_s:
            before, xruns_before = heard, xruns
            heard, status = self._listen(1.0), self.pedal.status()
            xruns = status["xruns"]
            steady = heard.peak > SILENT and abs(before.rms_db - heard.rms_db) < 0.1 and xruns == xruns_before
            if steady and status["quality"] == "tier 0":
                return heard, True
        return heard, False

    def _ask_for_reference(self, *, muted: bool) -> None:
        """Request a known state of everything that can be requested, and wait for it."""
        self._keys_are_still()
        home = self.reach.banks / HOME
        (home / f"{PRESET}.toml").write_bytes(material.reference())
        self._ask({"do": "level_stop"})
        self._ask({"do": "tuner", "on": False})
        self._ask({"do": "bypass", "on": False})
        self._ask({"do": "mute", "on": muted})
        self._ask({"do": "act", "action": "tuner off"})
        self._ask({"do": "act", "action": f"bank {HOME}"})
        self._ask({"do": "rescan"})
        self._ask({"do": "load", "preset": PRESET})
        until(self._at_reference, f"{PRESET} was asked for and is not played")
        for name, value in self._numbers.items():
            self._ask({"do": "set", "name": name, "value": value})

    def _ask(self, request: Mapping[str, Any]) -> None:
        """Send a request. Raises SoakError if it is refused."""
        try:
            ask(self.reach.socket, request, PATIENCE_S)
        except NampedalError as error:
            self.pedal.status()
            raise SoakError(f"{request}: {error}") from error

    def _at_reference(self) -> bool:
        found = self.pedal.status()
        return (found["bank"], found["preset"], found["wanted"]) == (HOME, PRESET, None)

    def finish(self) -> None:
        """Request a known state, restart jackd once more, and check that the state is kept."""
        self._ask_for_reference(muted=True)
        rates = [rate for rate in RATES if rate != self.server.rate]
        self._restart(random.Random(f"{self.seed}-end"), rate=rates[self.seed % len(rates)])
        until(self._at_reference, f"{PRESET} was asked for and is not played behind a restart of jackd")
        self.look()
        found = self.pedal.status()
        asked = {"bank": HOME, "preset": PRESET, "muted": True, "bypass": False, "tuning": False}
        for key, value in asked.items():
            if found[key] != value:
                self.fault(f"at the end {key} is {found[key]!r}; {value!r} was asked for")
        for name, number in self._numbers.items():
            if abs(found["numbers"].get(name, 1e9) - number) > 1e-3:
                self.fault(f"at the end {name} is {found['numbers'].get(name)}; {number} was asked for")
        self.rest()
        for what in unsteady(self.rests):
            self.fault(what)

    # ---- judging ----

    def fault(self, what: str) -> None:
        """Record a fault, and print it with the events before it."""
        self.faults.append(f"seed {self.seed}, event {self.number}: {what}")
        print(f"FAULT {self.faults[-1]}", *self._recent, sep="\n  ", flush=True)

    def _judge_frames(self) -> None:
        now = self.wrong.not_numbers, self.wrong.too_loud
        if now != self._wrong_before:
            more = [there - before for there, before in zip(now, self._wrong_before, strict=True)]
            self.fault(f"{more[0]} frames were no numbers, {more[1]} above the ceiling, up to {self.wrong.peak:g}")
            self._wrong_before = now

    def _read_log(self) -> None:
        lines = self.pedal.lines()
        for at in range(self._log_lines, len(lines)):
            if "Traceback" in lines[at]:
                self.fault("a traceback in the log:\n    " + "\n    ".join(lines[max(at - 1, 0) : at + 40]))
        self._log_lines = len(lines)

    def line(self, minutes: float) -> str:
        """Return a line of text: minutes, events, what the process holds, and the counts."""
        found = self.pedal.vitals()
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))
        held = f"{found.memory_mib:.0f} MiB, {found.threads} threads, {found.files} files"
        return f"{minutes:5.1f} min, {self.number} events, {held}; {counts}"


def run(soak: Soak, *, minutes: float = 0.0, events: int = 0, parts: int = PARTS) -> list[str]:
    """Soak for so many minutes, or so many events, and return the faults."""
    begin_s = told_s = time.monotonic()
    rests = 0
    try:
        soak.begin()
        while True:
            over_s = time.monotonic() - begin_s
            part = soak.number / events if events else over_s / (60.0 * minutes)
            if part >= 1.0:
                break
            soak.step(part)
            if int(part * parts) > rests:
                rests = int(part * parts)
                soak.rest()
            if time.monotonic() - told_s >= 60.0:
                told_s = time.monotonic()
                print(soak.line((told_s - begin_s) / 60.0), flush=True)
        soak.finish()
        print(soak.line((time.monotonic() - begin_s) / 60.0), flush=True)
        compared = sum(rest.rms_db is not None for rest in soak.rests)
        print(
            f"the sound was compared at {compared} of {len(soak.rests)} rests; this machine was too busy at the others"
        )
    except SoakError as error:
        soak.fault(f"{error}")
        print("the log ends:", *soak.pedal.lines()[-25:], sep="\n    ", flush=True)
    finally:
        soak.end()
    return soak.faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=0, help="so many events, however long they take")
    parser.add_argument("--plugs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-load", action="store_true", help="let the pedal give up quality on a busy machine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        more = () if arguments.by_load else ("--tier", "0")
        soak = Soak(arguments.seed, Path(name), arguments.plugs, more)
        faults = run(soak, minutes=arguments.minutes, events=arguments.events)
    for number, rest in enumerate(soak.rests):
        held = f"{rest.vitals.memory_mib:7.1f} MiB {rest.vitals.threads:4} threads {rest.vitals.files:4} files"
        print(f"rest {number}: {held} {'disturbed' if rest.rms_db is None else f'{rest.rms_db:7.2f} dBFS'}")
    for what, count in sorted(soak.done.items()):
        print(f"{count:8} {what}")
    print(f"{len(faults)} faults, the highest peak was above the ceiling: {soak.wrong.peak:g}")
    for fault in faults:
        print(fault.splitlines()[0])
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
