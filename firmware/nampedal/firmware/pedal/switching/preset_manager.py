"""Manages the presets of the current bank: which one plays, which are prepared, and the switch between them.

All presets of the bank are prepared in the background, the nearest first, within a memory limit. The chain that was not
played for the longest time is evicted. A preset that is not ready never blocks: the old one plays until the new one is
ready.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nampedal.firmware.base.errors import ArgumentError, SettingsUnwritableError
from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.engine import _engine
from nampedal.firmware.pedal.switching.play_state import Edits
from nampedal.firmware.pedal.switching.prepare_thread import PrepareThread
from nampedal.firmware.pedal.switching.slot import ChainSetup, Slot, surviving_edits
from nampedal.firmware.presets import preset, time_check
from nampedal.firmware.presets.chain import Chain, StageSink
from nampedal.firmware.presets.preset_content import Content, PresetContents
from nampedal.firmware.presets.quality import QualityLevel

CROSSFADE_S = 0.02
DIP_S = 0.005
# The pause before a failed preparation of the fallback preset is retried.
FALLBACK_RETRY_S = 1.0

_log = logging.getLogger(__name__)


class PresetManager:
    """Manages presets on one stage. For the control thread; the preparation has its own thread.

    bank: the presets.
    prepare: makes a chain from the file of a preset. Any exception becomes the error of that preset.
    max_bytes: the memory limit for all prepared chains.
    carries: returns True if a period has time for both chains of a crossfade.
    fallback: the fallback preset, which plays if no other one plays or will play; None: silence.
    contents: the contents of preset files; None: changes of files are not watched.
    """

    def __init__(
        self,
        bank: list[Path],
        stage: _engine.Stage,
        prepare: Callable[[Path], Chain],
        max_bytes: int,
        carries: Callable[[Chain, Chain], bool] = lambda old, new: True,
        fallback: Path | None = None,
        contents: PresetContents | None = None,
    ) -> None:
        self.slots = [Slot(path) for path in bank]
        self._fallback = Slot(fallback) if fallback is not None else None
        # The slots of banks that were left. They keep their chains while these are on the stage.
        self._left_slots: dict[Path, Slot] = {}
        self.current: Slot | None = None
        self.wanted: Slot | None = None
        # The last request that cannot be played, and the reason; empty: none.
        self.refused = ""
        # True if no preset of the requested bank can be played; the pedal then returns to the old one.
        self.dead_end = False
        # The candidates to try, in this order, if the requested preset cannot be played.
        self._alternatives: list[Slot] = []
        self._newly_refused = False
        self.step, self.bypass = QualityLevel(0), False
        # The edits of the play state.
        self.edits: Edits = {}
        self._stage = stage
        self._prepare = prepare
        self._max_bytes = max_bytes
        self._carries = carries
        self._fallback_retry_s = -math.inf
        self._turns = itertools.count(1)
        self._preparing = PrepareThread(prepare, contents)

    def close(self, *, wait: bool = True) -> None:
        """End the preparation thread. The current preset plays on.

        wait: block until the thread has ended.
        """
        self._preparing.close(wait=wait)

    @property
    def in_fallback(self) -> bool:
        """Return True if the fallback preset plays."""
        return self.current is not None and self.current is self._fallback

    # ---- requests ----

    def go_to(self, preset: Path, direction: int = 0) -> None:
        """Request a preset of the bank, if it is not the one that plays or will play.

        direction: if the preset cannot be played, the next ones in that direction are tried. 0: no other preset is
        tried, unless nothing of its bank plays yet.
        """
        slot = next((slot for slot in self.slots if slot.path == preset), None)
        if slot is not None and slot is not (self.wanted or self.current):
            self._want(slot, direction)

    def update_presets(self, bank: list[Path]) -> None:
        """Update the list of presets of the same bank. The current preset plays on, even if it is not in the list."""
        self._lay_out(bank)
        if self.wanted not in self.slots:
            self.wanted = None
        self._alternatives = [slot for slot in self._alternatives if slot in self.slots]

    def take_refused(self) -> bool:
        """Return True if, since the last call, a requested or edited preset turned out to be unplayable."""
        newly_refused, self._newly_refused = self._newly_refused, False
        return newly_refused

    def setting(self, name: str, value: float) -> tuple[Path, str]:
        """Return the file and the full name of a setting of the current preset.

        value: for it, in the preset's unit.
        Raises ArgumentError if there is no such setting, or the value is outside its limits.
        """
        slot, chain = self.current, self._playing()
        full = chain.full_name(name) if chain is not None else None
        if slot is None or chain is None or full is None:
            known = ", ".join(chain.settings) if chain is not None else "none: no preset plays"
            raise ArgumentError(f"setting {name!r}: can't be set now; those that can are {known}")
        low, high = chain.settings[full].limits
        if not low <= value <= high:
            raise ArgumentError(f"setting {name!r}: {value:g} was asked for; allowed are {low:g} to {high:g}")
        return slot.path, full

    def apply_edits(self, edits: Edits) -> None:
        """Make these the edits of all presets. The current one takes its new values at once."""
        before, self.edits = self.edits, edits
        chain = self._playing()
        if chain is None or self.current is None:
            return
        old, new = (one.get(self.current.path, {}) for one in (before, edits))
        for name, value in new.items():
            if name in chain.settings and old.get(name) != value:
                chain.set(name, value, StageSink(self._stage, chain.native))

    def save(self) -> None:
        """Save the current preset with its edits. Raises SettingsUnwritableError."""
        slot, chain = self.current, self._playing()
        if slot is None or chain is None:
            raise SettingsUnwritableError("save: no preset plays")
        if slot is self._fallback:
            raise SettingsUnwritableError(f"save: {slot.name} is built in; go to another preset")
        if suffix_of(slot.path) != preset.SUFFIX:
            raise SettingsUnwritableError(
                f"{slot.path}: is no preset, but a capture alone; its numbers can't be kept in it"
            )
        preset.write(chain.edited(), slot.path)
        chain.keep()
        slot.mark_saved()
        self._keep_edits(slot.path, {})
        _log.info("preset %s is saved", slot.name)

    def play_at(self, step: QualityLevel, *, bypass: bool) -> None:
        """Play every preset at a quality level, or bypass its blocks."""
        if (step, bypass) == (self.step, self.bypass):
            return
        self.step, self.bypass = step, bypass
        chain = self._playing()
        if chain is not None:
            chain.set_quality(step, bypass, StageSink(self._stage, chain.native))

    def update_contents(self, contents: Mapping[Path, Content]) -> list[str]:
        """Handle the current contents of preset files. Return the names of the presets that have changed.

        Changed presets are prepared again. The current one is crossfaded to its new version; a broken one stays as it
        was.
        """
        changed = [slot for slot in self.slots if slot.path in contents and slot.update_content(contents[slot.path])]
        for slot in changed:
            if slot.error:
                self._newly_refused = True
                _log.warning("preset %s stays as it was: %s", slot.name, slot.error)
            else:
                _log.info("preset %s: its files have changed", slot.name)
        return [slot.name for slot in changed]

    def _lay_out(self, bank: list[Path]) -> None:
        """Set the slots to these presets. A preset that had a slot before gets the same one."""
        self._left_slots |= {slot.path: slot for slot in self.slots}
        self.slots = [self._left_slots.pop(path) if path in self._left_slots else Slot(path) for path in bank]
        self.dead_end = False

    # ---- periodic work ----

    def tick(self) -> None:
        """Collect prepared chains, switch, free memory and schedule the next preparation. Call it often."""
        self._stage.collect()
        self._take_made()
        self._switch()
        self._refresh()
        self._play_fallback()
        for slot in self.slots:
            # A chain that left the stage is reset, so that it is ready to play again.
            if slot.used and slot.chain is not None and not self._stage.has(slot.chain.native):
                if slot.fresh is not None:
                    slot.put(slot.fresh, used=False)
                elif self._rewind(slot, slot.chain):
                    slot.used = False
        for slot in self._left_slots.values():
            if slot.chain is not None and not self._stage.has(slot.chain.native):
                slot.chain, slot.fresh, slot.used = None, None, False
        self._ask()

    @property
    def memory_bytes(self) -> int:
        slots = (*self.slots, *self._left_slots.values())
        return sum(slot.chain.native.memory_bytes for slot in slots if slot.chain is not None)

    def _playing(self) -> Chain | None:
        return self.current.chain if self.current is not None else None

    def _want(self, slot: Slot, direction: int) -> None:
        """Request a slot. direction: as in `go_to`."""
        self.wanted, self.refused, self.dead_end = slot, "", False
        at, way = self.slots.index(slot), direction or 1
        on = [self.slots[(at + way * step) % len(self.slots)] for step in range(1, len(self.slots))]
        self._alternatives = on if direction or self.current not in self.slots else []
        if not slot.playable:
            # Retry: its files may have been repaired.
            slot.error = ""
        self.tick()

    def _switch(self) -> None:
        slot = self.wanted
        if slot is None:
            return
        if slot is self.current:
            self.wanted = None
            return
        if not slot.playable:
            self._pass_over(slot)
            return
        if slot.chain is None or slot.used:
            return
        chain = slot.chain
        if slot.ready_for != self._setup_of(slot) and not self._rewind(slot, chain):
            return
        if not self._go_to(slot, chain):
            return
        slot.used = True
        slot.played = next(self._turns)
        self.current, self.wanted = slot, None
        late = f", resampled: {1e3 * chain.latency_s:.1f} ms later" if chain.latency_s else ""
        _log.info("preset %s%s", slot.name, late)

    def _pass_over(self, slot: Slot) -> None:
        """Handle a requested slot that cannot be played: request the next candidate, if there is one."""
        self._newly_refused = True
        self.refused = self.refused or f"{slot.name}: {slot.error}"
        self.wanted = self._alternatives.pop(0) if self._alternatives else None
        if self.wanted is None:
            self.dead_end = self.current not in self.slots
            return
        if not self.wanted.playable:
            self.wanted.error = ""
        self._switch()

    def _refresh(self) -> None:
        """Switch the current preset to its newly prepared version, if there is one."""
        slot = self.current
        if slot is None or slot.fresh is None:
            return
        fresh = slot.fresh
        if self._rewind(slot, fresh) and self._go_to(slot, fresh):
            slot.put(fresh, used=True)
            _log.info("preset %s plays as its files are now", slot.name)

    def _go_to(self, slot: Slot, chain: Chain) -> bool:
        """Start a crossfade or a dip to a chain. Return True if the stage accepts it."""
        old = self._playing()
        try:
            dip = old is not None and not self._carries(old, chain)
            return self._stage.go_to(chain.native, dip, DIP_S if dip else CROSSFADE_S)
        except Exception as error:
            self._fail(slot, chain, error)
            return False

    def _play_fallback(self) -> None:
        """Switch to the fallback preset if nothing plays and nothing is requested."""
        slot = self._fallback
        if (
            slot is None
            or self.current is not None
            or self.wanted is not None
            or time.monotonic() < self._fallback_retry_s
        ):
            return
        if slot.chain is None:
            # Prepare it here, although that blocks this thread: it is fast, without a file, a capture or a cabinet.
            try:
                slot.chain = self._prepare(slot.path)
            except Exception as error:
                self._fail(slot, slot.chain, error)
                self._fallback_retry_s = time.monotonic() + FALLBACK_RETRY_S
                return
        self.wanted = slot
        self._switch()

    def _rewind(self, slot: Slot, chain: Chain) -> bool:
        """Reset a chain to its steady state, with the current settings. Return True if that succeeds.

        This is fast enough for this thread: it sets numbers and clears the history. The prewarm of a network was done
        when it was prepared (`Lstm::settle`, firmware/dsp/rt/lstm.cpp).
        """
        try:
            chain.reset_to(self.step, bypass=self.bypass, edits=self.edits.get(slot.path, {}))
        except Exception as error:
            self._fail(slot, chain, error)
            return False
        if chain is slot.chain:
            slot.ready_for = self._setup_of(slot)
        return True

    def _setup_of(self, slot: Slot) -> ChainSetup:
        return ChainSetup(self.step, self.bypass, dict(self.edits.get(slot.path, {})))

    def _fail(self, slot: Slot, chain: Chain | None, error: Exception) -> None:
        """Handle an unexpected error with a chain: it becomes the error of its preset."""
        slot.drop(chain, describe_failure(slot.path, "can't be played", error))
        _log.warning("preset %s: %s", slot.name, slot.error, exc_info=error)

    def _take_made(self) -> None:
        for slot, made, content in self._preparing.take():
            before = slot.content
            slot.store_result(made, content)
            if not isinstance(made, str) and before is not None and content is not None and content != before:
                edits = surviving_edits(self.edits.get(slot.path, {}), before.preset, content.preset)
                self._keep_edits(slot.path, edits)
            if isinstance(made, str):
                self._newly_refused = self._newly_refused or slot.chain is not None
                stays = "stays as it was" if slot.chain is not None else "can't be played"
                _log.warning("preset %s %s: %s", slot.name, stays, made)
            elif problem := time_check.problem_of(made, slot.path):
                _log.warning("preset %s %s", slot.name, problem)

    def _keep_edits(self, preset: Path, edits: Mapping[str, float]) -> None:
        """Replace the edits of one preset."""
        if self.edits.get(preset, {}) != edits:
            kept = {path: other for path, other in self.edits.items() if path != preset}
            self.edits = {**kept, preset: edits} if edits else kept

    def _ask(self) -> None:
        """Schedule the preparation of one chain, the most needed one, and make room for it."""
        missing = [slot for slot in self.slots if slot.stale or (slot.chain is None and not slot.error)]
        if not missing or any(slot.preparing for slot in self.slots):
            return
        slot = next(slot for slot in self._by_need() if slot in missing)
        if slot.chain is None and self.memory_bytes >= self._max_bytes and not self._leave(slot):
            return
        self._preparing.begin(slot)

    def _by_need(self) -> list[Slot]:
        """Return the slots by need: the requested or current one, then its neighbours, the nearest first."""
        at, count = self._place(self.wanted or self.current) or 0, len(self.slots)
        order = [self.slots[(at + way * by) % count] for by in range(count // 2 + 1) for way in (1, -1)]
        return list(dict.fromkeys(order))

    def _place(self, slot: Slot | None) -> int | None:
        """Return the index of a slot in the bank; None: it belongs to another bank."""
        return self.slots.index(slot) if slot in self.slots else None

    def _leave(self, needed: Slot) -> bool:
        """Make room for `needed`. Return False if the player did not request it.

        The least recently played idle chain is evicted.
        """
        if needed is not self.wanted:
            return False
        idle = [slot for slot in self.slots if slot.chain is not None and not slot.used and slot is not self.current]
        if idle:
            min(idle, key=lambda slot: slot.played).chain = None
        return True
