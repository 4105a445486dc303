"""The main loop of the pedal: waits for a JACK server, plays, and waits again when the server is gone."""

from __future__ import annotations

import logging
import math
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import BankError, JackRefusedError, NampedalError, NoJackServerError
from nampedal.firmware.base.faults import FaultIsolator, qualified_name
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.audio_cpu import pin
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.jack.dsp_load import LoadMeter, Peaks
from nampedal.firmware.jack.jack_client import JackClient
from nampedal.firmware.jack.midi_sources import MidiSources
from nampedal.firmware.pedal.block_faults import BlockFaultLog
from nampedal.firmware.pedal.daemon_options import PedalSetup
from nampedal.firmware.pedal.saved_state import SavedState
from nampedal.firmware.pedal.scene import Scene
from nampedal.firmware.pedal.switching.changes import Changes, Rescans
from nampedal.firmware.pedal.switching.file_watch import FileWatch, ScanResult, WatchedFiles
from nampedal.firmware.pedal.switching.load_shedding import LoadShedding
from nampedal.firmware.pedal.switching.play_state import Edits, PlayState
from nampedal.firmware.pedal.switching.playback import Playback
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets import fallback_preset
from nampedal.firmware.presets.banks.bank import Bank, find_bank, index_of_preset, read_bank
from nampedal.firmware.presets.loudness_cache import LoudnessCache
from nampedal.firmware.presets.preset_content import PresetContents
from nampedal.firmware.presets.quality import QualityControl

TICK_S = 0.02
# The polling interval for MIDI: JACK's thread does not wake this one.
MIDI_S = 0.004
# The pause before the next attempt to connect to the server. An event ends it early.
KNOCK_S = 0.25
# A client learns within this time that its server is gone.
LOST_S = 1.0
# The interval between log messages about a missing server.
LOG_INTERVAL_S = 10.0
# The pedal gives up after this many failures in a row, each sooner than LASTING_S after its start.
MAX_FAILURES = 3
LASTING_S = 10.0

_log = logging.getLogger(__name__)


class Pedal:
    """One pedal. Call run() in one thread; stop() can be called from any thread."""

    def __init__(self, setup: PedalSetup) -> None:
        self.setup = setup
        # Called in run()'s thread, about 50 times a second, and when something in `selector` can be read.
        self.ticks: list[Callable[[], None]] = []
        self.selector = selectors.DefaultSelector()
        # Returns the time at which the next tick is due, even if no event arrives; None: no such time.
        self.due: Callable[[], float | None] = lambda: None
        # Called with the MIDI messages as they arrive.
        self.on_midi: Callable[[list[bytes]], None] = lambda messages: None
        # Called when a requested preset, or an edited one, cannot be played.
        self.on_refused: Callable[[], None] = lambda: None
        self.client: JackClient | None = None
        self.callback: _engine.JackCallback | None = None
        self.stage: _engine.Stage | None = None
        self.tap: AudioTap | None = None
        self.load_shedding = LoadShedding(setup.tier)
        # Since the start: the maximum load of a block, as a part of its period, and the number of xruns.
        self.worst = 0.0
        self.xruns = 0
        # Not an Event: a signal handler must not take a lock that the interrupted thread holds.
        self._stopped = False
        self.meter = LoadMeter()
        self.peaks = Peaks()
        self._block_faults = BlockFaultLog()
        bank = setup.bank[0].parent if setup.bank else fallback_preset.PATH.parent
        edits = _kept_edits(setup, bank)
        self.playback = Playback(PlayState(bank, edits=edits, quality=self.load_shedding.step), setup.bank)
        self.banks = list(setup.banks)
        # The bank that still sounds, and its presets, while the pedal changes to another bank.
        self._sounding_bank: tuple[Path, list[Path]] | None = None
        # The banks after the first one, to try if none of its presets can be played.
        here = self.banks.index(bank) if bank in self.banks else 0
        self._untried_banks = self.banks[here + 1 :] + self.banks[:here]
        self._changes = Changes(self.banks, bank, self.playback.presets)
        self._contents = PresetContents()
        self._loudness = LoudnessCache(setup.loudness) if setup.loudness is not None else None
        self._watch: FileWatch | None = None
        self._rescans = Rescans()
        self._scene: Scene | None = None
        self._faults = FaultIsolator()
        self._midi_sources = MidiSources(setup.wiring.midi)
        # True after the pedal has played to a server.
        self._has_played = False

    @property
    def state(self) -> PlayState:
        return self.playback.state

    @property
    def bank(self) -> Path:
        return self.playback.state.bank

    @property
    def manager(self) -> PresetManager | None:
        return self.playback.manager

    @property
    def quality(self) -> QualityControl:
        return self.load_shedding.quality

    def stop(self) -> None:
        """End the sound and make run() return. It is safe in any thread, and in a signal handler."""
        self._stopped = True

    def plays(self) -> bool:
        """Return True if a JACK server is connected and a preset is on the stage."""
        return self.client is not None and self.manager is not None and self.manager.current is not None

    def describe(self) -> str:
        """Return the status as text, for the user."""
        if self.client is None:
            return "waits for the JACK server"
        if self.manager is None or self.manager.current is None:
            return "plays nothing yet"
        if self.manager.in_fallback:
            return f"plays dry: {'it is the safe start' if self.setup.safe else 'no preset can be played'}"
        return f"plays {self.manager.current.name} of {self.bank.name}"

    def bring_to(self, state: PlayState) -> None:
        """Make this the state of the pedal, and bring the stage to it if there is one. Raises ArgumentError."""
        self.playback.bring_to(state)

    def change_bank(self, asked: str) -> None:
        """Change to another bank.

        asked: text that `find_bank` accepts.
        Raises BankError, SettingsError of that bank.
        """
        folder = find_bank(asked, self.banks, self.bank)
        if folder != self.bank:
            self._go_to(folder)

    def go_to(self, folder: Path, preset: str) -> None:
        """Change to a preset of a bank.

        preset: text that `index_of_preset` accepts.
        Raises NoSuchPresetError, EmptyBankError, SettingsError of that bank. Then nothing has changed.
        """
        if folder != self.bank:
            self._go_to(folder, preset)
        else:
            self.playback.select(preset)

    def _go_to(self, folder: Path, preset: str | None = None) -> None:
        """Change the bank.

        preset: None: the one with the same number as now.
        Raises NoSuchPresetError, EmptyBankError, SettingsError.
        """
        found = read_bank(folder)
        at = index_of_preset(preset, found.preset_names) if preset is not None else None
        if self.manager is not None and self.manager.current in self.manager.slots:
            self._sounding_bank = self.bank, self.playback.presets
        self._changes.enter(folder, found.presets)
        self.playback.change_bank(folder, found.presets, at)
        self._follow()
        _log.info("bank %s", found.name)

    def _follow_refusals(self, manager: PresetManager) -> None:
        """Handle presets that cannot be played.

        If no preset of the new bank can be played, return to the bank that still sounds. If none sounds, try the next
        bank.
        """
        if manager.take_refused():
            self.on_refused()
        if not manager.dead_end:
            return
        manager.dead_end = False
        if (
            self._sounding_bank is not None
            and manager.current is not None
            and manager.current.path in self._sounding_bank[1]
        ):
            _log.warning(
                "bank %s: no preset of it can be played; %s plays on", self.bank.name, self._sounding_bank[0].name
            )
            self._changes.enter(*self._sounding_bank)
            self.playback.return_to(*self._sounding_bank)
            self._follow()
        elif manager.current is None or manager.in_fallback:
            self._begin_elsewhere()

    def _begin_elsewhere(self) -> None:
        """Change to the next untried bank that can be read, if there is one."""
        while self._untried_banks:
            folder = self._untried_banks.pop(0)
            try:
                self._go_to(folder)
            except NampedalError as error:
                _log.warning("%s", error)
            else:
                return

    def rescan(self) -> int:
        """Make the watch thread read everything again: the banks, the current one, its presets and their files.

        Returns a number for `rescanned`.
        Raises BankError.
        """
        if self.setup.banks_folder is None or self._watch is None:
            raise BankError("rescan: no folder of banks is played; play one")
        return self._watch.ask()

    def rescanned(self, number: int) -> Mapping[str, Any] | None:
        """Return the changes since the last rescan, once; None: this rescan is not finished.

        Raises SettingsError of the folder of banks.
        """
        return self._rescans.take(number)

    def _follow(self) -> None:
        """Tell the watch thread which files to watch."""
        if self._watch is None:
            return
        folder = self.setup.banks_folder
        bank = self.bank if folder is not None and self.playback.presets else None
        self._watch.follow(WatchedFiles(tuple(self.playback.presets), bank, folder))

    def _on_files_changed(self, result: ScanResult) -> None:
        """Handle a result of the watch thread.

        A playing preset is not stopped. If the pedal has no presets yet, it starts with the first bank.
        """
        if result.banks is not None:
            self.banks = list(result.banks)
        for problem in (result.bank_problem, result.banks_problem):
            if problem is not None:
                _log.warning("%s", problem)
        if not self.playback.presets:
            self._begin()
        elif result.bank is not None and result.bank.folder == self.bank:
            self._update_presets(result.bank)
        if self.manager is not None:
            self._changes.add_changed(self.manager.update_contents(result.contents))
        for number in result.asked:
            slots = self.manager.slots if self.manager is not None else []
            changes = self._changes.take_changes(self.banks, self.playback.presets)
            changes["broken"] = {slot.name: slot.error for slot in slots if slot.error}
            self._rescans.put(number, result.banks_problem or changes)

    def _begin(self) -> None:
        """Change to the first bank that can be read."""
        for folder in self.banks:
            try:
                self._go_to(folder)
                return
            except NampedalError as error:
                _log.warning("%s", error)

    def _update_presets(self, bank: Bank) -> None:
        """Update the presets of the current bank."""
        if not bank.presets:
            _log.warning("%s: holds no presets any more; what was there can be played on", bank.folder)
        elif list(bank.presets) != self.playback.presets:
            _log.info("bank %s: its presets are now %s", bank.name, ", ".join(bank.preset_names))
            self.playback.update_presets(bank.presets)
            self._follow()

    def run(self) -> None:
        """Play until stop(). Raises JackRefusedError, NoSuchPresetError of the first preset, FileAccessError.

        JackRefusedError: only before it has played; later, it waits for a new server instead.
        """
        self._watch = FileWatch(self._contents)
        self._follow()
        try:
            failures = 0
            while not self._stopped:
                client = self._wait_for_server()
                if client is None:
                    return
                begun_s = time.monotonic()
                try:
                    self._play(client)
                except Exception as error:
                    failures = 1 if time.monotonic() - begun_s >= LASTING_S else failures + 1
                    self._handle_failure(error, client, failures)
                finally:
                    self.client = self.callback = None
                    client.close()
        finally:
            self._watch.close()
            self._watch = None
            if self._scene is not None:
                self._scene.close()
            if self.setup.autosave is not None:
                self.setup.autosave.close()

    def _handle_failure(self, error: Exception, client: JackClient, failures: int) -> None:
        """Handle an error while playing to a server. Raise it again if the pedal must end.

        failures: the number of failures in a row.
        """
        end_s = time.monotonic() + LOST_S
        while not (client.lost.is_set() or self._stopped) and time.monotonic() < end_s:
            self._tick()
            self._wait()
        # A server that is just ending refuses everything: when a USB interface is unplugged, jackd ends too.
        if isinstance(error, JackRefusedError) and client.lost.is_set():
            _log.warning("%s is gone; waiting for it", client.server.shown)
            return
        if failures >= MAX_FAILURES if not isinstance(error, NampedalError) else not self._has_played:
            raise error
        self._faults.report("playing", error)

    def _wait(self) -> None:
        if not self._faults.run("waiting", lambda: self.selector.select(KNOCK_S)):
            time.sleep(KNOCK_S)

    def _wait_for_server(self) -> JackClient | None:
        logged_s = -LOG_INTERVAL_S
        while not self._stopped:
            try:
                return JackClient(self.setup.server, channels=self.setup.channels)
            except NoJackServerError as error:
                if time.monotonic() - logged_s >= LOG_INTERVAL_S:
                    logged_s = time.monotonic()
                    _log.warning("%s", error)
            except Exception as error:
                self._faults.report("meeting the JACK server", error)
            self._tick()
            self._wait()
        return None

    def _play(self, client: JackClient) -> None:
        scene = self._ready(client)
        stage, manager = scene.stage, scene.manager
        callback = client.play(stage, self.setup.wiring, self._midi_sources)
        if self.setup.audio_cpu is not None:
            cpu = self.setup.audio_cpu
            self._faults.run("keeping JACK's thread on its core", lambda: pin(client.thread, cpu))
        self.client, self.callback = client, callback
        self._has_played = True
        self.meter.restart()
        xruns = client.xruns
        _log.info(
            "playing at %.0f Hz in periods of %d frames as JACK client %s",
            *(client.sample_rate, client.period_frames, client.name),
        )

        def update_load() -> None:
            nonlocal xruns
            before, xruns = xruns, client.xruns
            self._update_load(stage, manager, callback, xruns - before)

        # An error in one part does not stop the others.
        parts: dict[str, Callable[[], None]] = {
            "preparing and switching": self.playback.tick,
            "passing over what can't be played": lambda: self._follow_refusals(manager),
            "hearing levels and load": update_load,
            "connecting what has come": client.follow,
            "muting": self.playback.catch_up,
        }

        def wait() -> None:
            self._wait_and_handle_midi(callback, MIDI_S if client.hears_midi else TICK_S)

        while not self._stopped and not client.lost.is_set():
            for what, do in parts.items():
                self._faults.run(what, do)
            self._tick()
            if not self._faults.run("hearing MIDI", wait):
                time.sleep(TICK_S)
        if client.lost.is_set():
            _log.warning("%s is gone; waiting for it", client.server.shown)

    def _tick(self) -> None:
        """Run all periodic work. An error in one part does not stop the others."""
        self._faults.run("keeping where the player is", self._autosave)
        for result in self._watch.take_results() if self._watch is not None else ():
            self._faults.run("following files that have changed", partial(self._on_files_changed, result))
        for tick in list(self.ticks):
            self._faults.run(qualified_name(tick), tick)

    def _autosave(self) -> None:
        current = self.manager.current if self.manager is not None else None
        in_fallback = self.manager is not None and self.manager.in_fallback
        if self.setup.autosave is not None and current is not None and not in_fallback:
            edits = {path.stem: self.state.edits[path] for path in self.playback.presets if path in self.state.edits}
            self.setup.autosave.update(time.monotonic(), SavedState(self.bank.resolve(), current.name, edits))

    def _wait_and_handle_midi(self, callback: _engine.JackCallback, poll_s: float) -> None:
        """Wait until an event arrives or the next tick is due. Pass on the MIDI messages, which are polled for."""
        due_s = self.due()
        end_s = min(time.monotonic() + TICK_S, math.inf if due_s is None else due_s)
        while (left_s := end_s - time.monotonic()) > 0.0 and not self._stopped:
            woken = self.selector.select(min(poll_s, left_s))
            messages = callback.take_midi()
            if messages:
                self.on_midi(messages)
            if woken or messages:
                return

    def _ready(self, client: JackClient) -> Scene:
        """Return the scene for this client.

        The prepared chains are kept while the sample rate stays the same. The stage splits larger periods.
        """
        scene, before = self._scene, self._scene
        if scene is None or client.sample_rate != scene.sample_rate:
            scene = Scene(
                *(client.sample_rate, client.period_frames, self.setup, self.playback.presets),
                *(self._contents, self._loudness, self.load_shedding),
            )
            self._scene, self.stage, self.tap = scene, scene.stage, scene.tap
            if before is None:
                scene.begin()
            else:
                scene.take_over(before)
            first = self.setup.first if before is None else None
            self.playback.attach(scene.stage, scene.tap, scene.manager, first)
        # Also for a kept stage: it may have missed requests that came while there was no server.
        self.playback.reconcile()
        return scene

    def _update_load(
        self, stage: _engine.Stage, manager: PresetManager, callback: _engine.JackCallback, xruns: int
    ) -> None:
        """Update the meters, log faults of blocks, and change the quality level if needed. xruns: new ones."""
        self.peaks.update(stage.take_input_peak(), stage.take_output_peak())
        current = manager.current
        self._block_faults.update(current.chain if current is not None else None)
        loads = self.meter.update(time.monotonic(), callback.load_bins)
        self.xruns += xruns
        self.worst = max(self.worst, callback.take_worst())
        if self.load_shedding.update(loads, xruns, manager):
            self.bring_to(replace(self.state, quality=self.load_shedding.step))


def _kept_edits(setup: PedalSetup, bank: Path) -> Edits:
    """Return the edits of the saved state, if it is of this bank."""
    kept = setup.autosave.kept if setup.autosave is not None else None
    if kept is None or kept.bank != bank.resolve():
        return {}
    return {path: kept.edits[path.stem] for path in setup.bank if path.stem in kept.edits}
