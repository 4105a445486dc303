"""The pedal's life: a JACK server is waited for, played to, and waited for again when it is gone."""

from __future__ import annotations

import logging
import math
import selectors
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nampedal.board.errors import NampedalError
from nampedal.firmware import _engine, last_resort
from nampedal.firmware.audio_cpu import pin
from nampedal.firmware.bank import Bank, read_bank
from nampedal.firmware.chain import Chain
from nampedal.firmware.changes import Changes, Rescans
from nampedal.firmware.content import Contents
from nampedal.firmware.errors import JackPortError, JackRefusedError, NoJackServerError, NoSuchBankError
from nampedal.firmware.jack_client import JackClient
from nampedal.firmware.listener import Listener
from nampedal.firmware.load import LoadMeter, Peaks
from nampedal.firmware.loudness_cache import LoudnessCache
from nampedal.firmware.pedal_setup import PedalSetup
from nampedal.firmware.preparation import Preparation
from nampedal.firmware.preset_manager import PresetManager
from nampedal.firmware.quality import NEAR, Quality, Step, steps
from nampedal.firmware.state import State
from nampedal.firmware.watch import Followed, Seen, Watch

TICK_S = 0.02
# JACK's thread wakes nobody: how often is looked for MIDI.
MIDI_S = 0.004
KNOCK_S = 0.25
# Within this time a client learns that its server is gone.
LOST_S = 1.0
# How often a server that is not there is told of.
COMPLAIN_S = 10.0
# What chains are prepared for at least: a server may grow its periods.
LEAST_FRAMES = 256
# For presets of up to so many tiers, as many as a capture is converted to at most, and one more.
STEPS = steps(4)

_log = logging.getLogger(__name__)


class Pedal:
    """run() in one thread; stop() from any."""

    def __init__(self, setup: PedalSetup) -> None:
        self.setup = setup
        # Called in run()'s thread, some fifty times a second, and whenever one of `wakes` can be read.
        self.ticks: list[Callable[[], None]] = []
        self.wakes = selectors.DefaultSelector()
        # When a tick is due though nothing comes; None: never.
        self.due: Callable[[], float | None] = lambda: None
        # Called with what MIDI says, as it comes.
        self.on_midi: Callable[[list[bytes]], None] = lambda messages: None
        # Called when a preset that was asked for can't be played.
        self.on_refused: Callable[[], None] = lambda: None
        self.manager: PresetManager | None = None
        self.client: JackClient | None = None
        self.callback: _engine.JackCallback | None = None
        self.stage: _engine.Stage | None = None
        self.listener: Listener | None = None
        self.quality = Quality()
        self.worst = 0.0
        self.xruns = 0
        self.steps_down = 0
        # No Event: a signal's handler may not take a lock that the thread it interrupts holds.
        self._stopped = False
        self.meter = LoadMeter()
        self.peaks = Peaks()
        self.bank = setup.bank[0].parent if setup.bank else last_resort.PATH.parent
        self.banks = list(setup.banks)
        self._presets = list(setup.bank)
        # The bank that sounds, and its presets, while another one is gone to.
        self._from: tuple[Path, list[Path]] | None = None
        # Those behind the first one, for a pedal that finds nothing there that it can play.
        here = self.banks.index(self.bank) if self.bank in self.banks else 0
        self._untried = self.banks[here + 1 :] + self.banks[:here]
        self._changes = Changes(self.banks, self.bank, self._presets)
        self._contents = Contents()
        self._loudness = LoudnessCache(setup.loudness) if setup.loudness is not None else None
        self._watch: Watch | None = None
        self._rescans = Rescans()
        self._rate = 0.0
        self._period_frames = 0

    def stop(self) -> None:
        """The sound ends, and run() returns. From any thread, and from a signal's handler."""
        self._stopped = True

    def plays(self) -> bool:
        """Whether there is a server, and a preset on its stage."""
        return self.client is not None and self.manager is not None and self.manager.current is not None

    def says(self) -> str:
        """What it does, for people."""
        if self.client is None:
            return "waits for the JACK server"
        if self.manager is None or self.manager.current is None:
            return "plays nothing yet"
        if self.manager.resorts:
            return f"plays dry: {'it is the safe start' if self.setup.safe else 'no preset can be played'}"
        return f"plays {self.manager.current.name} of {self.bank.name}"

    def change_bank(self, name: str) -> None:
        """next, previous, a folder's name or a number from 1 on. Raises NoSuchBankError, SettingsError of that bank."""
        names = [folder.name for folder in self.banks]
        if not names or self.manager is None:
            raise NoSuchBankError(f"bank {name!r}: there is no other bank; play a folder of several")
        if name in ("next", "previous"):
            here = self.banks.index(self.bank) if self.bank in self.banks else -1
            folder = self.banks[(here + (1 if name == "next" else -1)) % len(names)]
        elif name in names:
            folder = self.banks[names.index(name)]
        elif name.isdecimal() and 1 <= int(name) <= len(names):
            folder = self.banks[int(name) - 1]
        else:
            raise NoSuchBankError(f"bank {name!r}: is not there; there are {', '.join(names)}")
        if folder != self.bank:
            self._go_to(folder)

    def _go_to(self, folder: Path) -> None:
        """Raises EmptyBankError, SettingsError."""
        found = read_bank(folder)
        if self.manager is not None and self.manager.current in self.manager.slots:
            self._from = self.bank, self._presets
        self.bank, self._presets = folder, list(found.presets)
        self._changes.enter(self.bank, self._presets)
        if self.manager is not None:
            self.manager.change_bank(self._presets)
        self._follow()
        _log.info("bank %s", found.name)

    def _follow_refusals(self, manager: PresetManager) -> None:
        """Where nothing of a bank can be played, the one that sounds counts again; where none does, go to the next."""
        if manager.take_refused():
            self.on_refused()
        if not manager.dead_end:
            return
        manager.dead_end = False
        if self._from is not None and manager.current is not None and manager.current.path in self._from[1]:
            _log.warning("bank %s: no preset of it can be played; %s plays on", self.bank.name, self._from[0].name)
            self.bank, self._presets = self._from
            self._changes.enter(self.bank, self._presets)
            manager.renew(self._presets)
            self._follow()
        elif manager.current is None or manager.resorts:
            self._begin_elsewhere()

    def _begin_elsewhere(self) -> None:
        """In the next bank that was not tried yet and can be read, if there is one."""
        while self._untried:
            folder = self._untried.pop(0)
            try:
                self._go_to(folder)
            except NampedalError as error:
                _log.warning("%s", error)
            else:
                return

    def rescan(self) -> int:
        """Has the watching thread read everything anew: banks, the one that plays, its presets and their files.

        The number is what to ask `rescanned` for. Raises NoSuchBankError.
        """
        if self.setup.banks_folder is None or self._watch is None:
            raise NoSuchBankError("rescan: no folder of banks is played; play one")
        return self._watch.ask()

    def rescanned(self, number: int) -> Mapping[str, Any] | None:
        """What changed since the last rescan, once; None: that rescan is not done yet.

        Raises SettingsError of the folder of banks.
        """
        return self._rescans.take(number)

    def _follow(self) -> None:
        """Tells the watching thread what to look at."""
        if self._watch is None:
            return
        folder = self.setup.banks_folder
        bank = self.bank if folder is not None and self._presets else None
        self._watch.follow(Followed(tuple(self._presets), bank, folder))

    def _see(self, seen: Seen) -> None:
        """What plays plays on, unless that is nothing."""
        if seen.banks is not None:
            self.banks = list(seen.banks)
        for problem in (seen.bank_problem, seen.banks_problem):
            if problem is not None:
                _log.warning("%s", problem)
        if not self._presets:
            self._begin()
        elif seen.bank is not None and seen.bank.folder == self.bank:
            self._renew(seen.bank)
        if self.manager is not None:
            self._changes.see(self.manager.see(seen.contents))
        for number in seen.asked:
            slots = self.manager.slots if self.manager is not None else []
            told = self._changes.tell(self.banks, self._presets)
            told["broken"] = {slot.name: slot.error for slot in slots if slot.error}
            self._rescans.put(number, seen.banks_problem or told)

    def _begin(self) -> None:
        """With the first bank that can be played."""
        for folder in self.banks:
            try:
                self._go_to(folder)
                return
            except NampedalError as error:
                _log.warning("%s", error)

    def _renew(self, bank: Bank) -> None:
        if not bank.presets:
            _log.warning("%s: holds no presets any more; what was there can be played on", bank.folder)
        elif list(bank.presets) != self._presets:
            self._presets = list(bank.presets)
            _log.info("bank %s: its presets are now %s", bank.name, ", ".join(bank.preset_names))
            if self.manager is not None:
                self.manager.renew(self._presets)
            self._follow()

    def run(self) -> None:
        """Until stop(). Raises JackPortError, NoSuchPresetError of the first preset, RecordingError."""
        self._watch = Watch(self._contents)
        self._follow()
        try:
            while not self._stopped:
                client = self._wait_for_server()
                if client is None:
                    return
                try:
                    self._play(client)
                except (JackPortError, JackRefusedError):
                    # A server that ends just now refuses everything: a USB interface that is pulled takes jackd along.
                    if not client.lost.wait(LOST_S):
                        raise
                    _log.warning("the JACK server is gone; waiting for it")
                finally:
                    self.client = self.callback = None
                    client.close()
        finally:
            self._watch.close()
            self._watch = None
            self._end()
            if self.setup.keeper is not None:
                self.setup.keeper.close()

    def _wait_for_server(self) -> JackClient | None:
        complained_s = -COMPLAIN_S
        while not self._stopped:
            try:
                return JackClient(self.setup.server, channels=self.setup.channels)
            except NoJackServerError as error:
                if time.monotonic() - complained_s >= COMPLAIN_S:
                    complained_s = time.monotonic()
                    _log.warning("%s", error)
            self._tick()
            self.wakes.select(KNOCK_S)
        return None

    def _play(self, client: JackClient) -> None:
        stage, manager = self._ready(client)
        callback = client.play(stage, self.setup.wiring)
        if self.setup.audio_cpu is not None:
            pin(client.thread, self.setup.audio_cpu)
        self.client, self.callback = client, callback
        self.meter.restart()
        xruns = client.xruns
        _log.info(
            "playing at %.0f Hz in periods of %d frames as JACK client %s",
            *(client.sample_rate, client.period_frames, client.name),
        )
        while not self._stopped and not client.lost.is_set():
            manager.tick()
            self._follow_refusals(manager)
            self._hear(callback, client.xruns - xruns)
            xruns = client.xruns
            client.connect_midi()
            self._tick()
            self._wait_and_hear_midi(callback, MIDI_S if client.hears_midi else TICK_S)
        if client.lost.is_set():
            _log.warning("the JACK server is gone; waiting for it")

    def _tick(self) -> None:
        current = self.manager.current if self.manager is not None else None
        resorts = self.manager is not None and self.manager.resorts
        if self.setup.keeper is not None and current is not None and not resorts:
            edits = self.manager.edits if self.manager is not None else {}
            self.setup.keeper.see(time.monotonic(), State(self.bank.resolve(), current.name, edits))
        for seen in self._watch.take() if self._watch is not None else ():
            self._see(seen)
        for tick in self.ticks:
            tick()

    def _wait_and_hear_midi(self, callback: _engine.JackCallback, look_s: float) -> None:
        """Until something comes, or it is time for the next tick."""
        due_s = self.due()
        end_s = min(time.monotonic() + TICK_S, math.inf if due_s is None else due_s)
        while (left_s := end_s - time.monotonic()) > 0.0 and not self._stopped:
            woken = self.wakes.select(min(look_s, left_s))
            messages = callback.take_midi()
            if messages:
                self.on_midi(messages)
            if woken or messages:
                return

    def _ready(self, client: JackClient) -> tuple[_engine.Stage, PresetManager]:
        """Everything prepared stays while the sample rate does: larger periods are played in pieces."""
        if self.stage is not None and self.manager is not None and client.sample_rate == self._rate:
            return self.stage, self.manager
        before, first = self.manager, self.stage is None
        self._end()
        self._rate, self._period_frames = client.sample_rate, client.period_frames
        frames = max(client.period_frames, LEAST_FRAMES)
        self.stage = _engine.Stage(self._rate, frames, self.setup.channels)
        self.listener = Listener(self.stage, self._rate, self.setup.channels)
        if self.setup.record is not None and first:
            self.listener.record(self.setup.record)
        self.manager = PresetManager(
            *(self._presets, self.stage, self._preparation(frames), self.setup.most_bytes),
            carries=self._carries,
            last_resort=last_resort.PATH if self.setup.last_resort else None,
            contents=self._contents,
        )
        kept = self.setup.keeper.kept if first and self.setup.keeper is not None else None
        if kept is not None and kept.bank == self.bank.resolve():
            self.manager.restore(kept.edits)
        if before is not None:
            self.manager.restore(before.edits)
            self.manager.bypass = before.bypass
        self.manager.set_step(STEPS[self.quality.step] if self.setup.tier is None else Step(self.setup.tier))
        wanted = (before.wanted or before.current) if before is not None else None
        if before is not None and wanted is not None and wanted in before.slots:
            self.manager.select(wanted.name)
        elif self._presets:
            self.manager.select((self.setup.first if first else None) or "1")
        return self.stage, self.manager

    def _preparation(self, most_frames: int) -> Preparation:
        return Preparation(
            *(self._contents, self._loudness, self._rate, self._period_frames, most_frames),
            full_scale_dbu=self.setup.full_scale_dbu,
            channels=self.setup.channels,
        )

    def _end(self) -> None:
        if self.manager is not None:
            self.manager.close()
        if self.listener is not None:
            self.listener.close()

    def _carries(self, old: Chain, new: Chain) -> bool:
        """Whether a period has time for both."""
        step = STEPS[self.quality.step] if self.setup.tier is None else Step(self.setup.tier)
        return old.load(step) + new.load(step) <= NEAR

    def _hear(self, callback: _engine.JackCallback, xruns: int) -> None:
        assert self.manager is not None
        assert self.stage is not None
        self.peaks.hear(self.stage.take_input_peak(), self.stage.take_output_peak())
        loads = self.meter.hear(time.monotonic(), callback.load_bins)
        self.xruns += xruns
        self.worst = max(self.worst, callback.take_worst())
        if self.setup.tier is not None:
            return
        change = self.quality.hear(time.monotonic(), loads, xruns, len(STEPS) - 1)
        if change is None:
            return
        while self._changes_nothing(STEPS[self.quality.step]):
            self.quality.step += 1 if change.down else -1
        step = STEPS[self.quality.step]
        self.steps_down += change.down
        _log.log(logging.WARNING if change.down else logging.INFO, "now at %s: %s", step, change.reason)
        self.manager.set_step(step)

    def _changes_nothing(self, step: Step) -> bool:
        """Whether it is a tier beyond those that the preset has."""
        assert self.manager is not None
        current = self.manager.current
        tiers = current.chain.tiers if current is not None and current.chain is not None else 1
        return step.tail and step.tier >= tiers
