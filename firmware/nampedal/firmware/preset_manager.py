"""Which preset plays, which are ready, and how one becomes the other.

Every preset of the bank is prepared in the background, nearest first, as far as memory allows; what was not played for
longest leaves. A preset that is not ready never blocks: the old one plays on until it is.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from nampedal.board.errors import NampedalError
from nampedal.firmware import _engine, preset
from nampedal.firmware.bank import which
from nampedal.firmware.chain import Chain, OnStage
from nampedal.firmware.content import Content, Contents
from nampedal.firmware.errors import NoSuchPresetError, NoSuchSettingError, NotSavedError, SettingLimitError
from nampedal.firmware.quality import Step
from nampedal.firmware.slot import Slot

CROSSFADE_S = 0.02
DIP_S = 0.005

_log = logging.getLogger(__name__)


class PresetManager:
    """For the control thread; preparing has a thread of its own.

    prepare: a preset's file to a chain; raises NampedalError.  most_bytes: of memory for all prepared chains.
    carries: whether there is time for two chains at once, while one becomes the other.
    last_resort: plays where nothing does and nothing is going to; None: then it is silent.
    contents: what the files of presets hold; None: nobody looks whether they change.
    """

    def __init__(
        self,
        bank: list[Path],
        stage: _engine.Stage,
        prepare: Callable[[Path], Chain],
        most_bytes: int,
        carries: Callable[[Chain, Chain], bool] = lambda old, new: True,
        last_resort: Path | None = None,
        contents: Contents | None = None,
    ) -> None:
        self.slots = [Slot(path) for path in bank]
        self._last_resort = Slot(last_resort) if last_resort is not None else None
        # Of banks that were left: what was set and not saved is still there when the player comes back.
        self._left: dict[Path, Slot] = {}
        self.current: Slot | None = None
        self.wanted: Slot | None = None
        # What was asked for last and can't be played, and why; empty: all is well.
        self.refused = ""
        # Of a bank that was gone to nothing can be played: who has gone there goes back.
        self.dead_end = False
        # Tried in their order where what is wanted can't be played.
        self._instead: list[Slot] = []
        self._news = False
        self.step = Step(0)
        self.bypass = False
        self._stage = stage
        self._prepare = prepare
        self._most_bytes = most_bytes
        self._carries = carries
        self._contents = contents
        self._turns = itertools.count(1)
        self._asked: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[tuple[Slot, Chain | str, Content | None]] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._work, name="prepare", daemon=True)
        self._worker.start()

    def close(self) -> None:
        """Ends the thread; what plays plays on."""
        self._asked.put(None)
        self._worker.join()

    @property
    def resorts(self) -> bool:
        """Whether the last resort plays."""
        return self.current is not None and self.current is self._last_resort

    # ---- what a player asks for ----

    def find(self, name: str) -> Slot:
        """By its file's name, or its number from 1 on. Raises NoSuchPresetError."""
        return self.slots[which(name, [slot.name for slot in self.slots])]

    def is_at(self, name: str) -> bool:
        """Whether a preset plays, or will as soon as it is ready."""
        here = self.wanted or self.current
        try:
            return here is not None and self.find(name) is here
        except NoSuchPresetError:
            return False

    def select(self, name: str) -> None:
        """By its file's name, or its number from 1 on. Raises NoSuchPresetError."""
        self._want(self.find(name))

    def move(self, by: int) -> None:
        """So many presets on, around the end; from the one that is wanted, if it does not play yet."""
        if not self.slots:
            return
        here = self._place(self.wanted or self.current)
        at = here if here is not None else -1 if by > 0 else 0
        self._want(self.slots[(at + by) % len(self.slots)], by)

    def change_bank(self, bank: list[Path]) -> None:
        """To the preset of another bank that has the same number, or to its last."""
        here = self._place(self.wanted or self.current) or 0
        self._lay_out(bank)
        self._want(self.slots[min(here, len(self.slots) - 1)])

    def renew(self, bank: list[Path]) -> None:
        """The same bank has other presets by now: what plays plays on, even if it is gone."""
        self._lay_out(bank)
        if self.wanted not in self.slots:
            self.wanted = None
        self._instead = [slot for slot in self._instead if slot in self.slots]

    def take_refused(self) -> bool:
        """Return True if, since the last call, something that was asked for turned out not to be playable."""
        news, self._news = self._news, False
        return news

    def set(self, name: str, value: float) -> None:
        """A number of the preset that plays. Raises NoSuchSettingError, SettingLimitError."""
        chain = self._playing()
        full = chain.full_name(name) if chain is not None else None
        if chain is None or full is None:
            known = ", ".join(chain.settings) if chain is not None else "none: no preset plays"
            raise NoSuchSettingError(f"setting {name!r}: can't be set now; those that can are {known}")
        low, high = chain.settings[full].limits
        if not low <= value <= high:
            raise SettingLimitError(f"setting {name!r}: {value:g} was asked for; allowed are {low:g} to {high:g}")
        chain.set(full, value, OnStage(self._stage, chain.native))
        if self.current is not None:
            self.current.edits[full] = value

    def save(self) -> None:
        """What plays, with the numbers that were set. Raises NotSavedError, SettingsUnwritableError."""
        slot, chain = self.current, self._playing()
        if slot is None or chain is None:
            raise NotSavedError("save: no preset plays")
        if slot is self._last_resort:
            raise NotSavedError(f"save: {slot.name} is built in; go to another preset")
        if slot.path.suffix != preset.SUFFIX:
            raise NotSavedError(f"{slot.path}: is no preset, but an artifact alone; its numbers can't be kept in it")
        preset.write(chain.edited(), slot.path)
        chain.keep()
        slot.is_saved()
        _log.info("preset %s is saved", slot.name)

    def set_bypass(self, on: bool) -> None:
        self.bypass = on
        self._apply()

    def set_step(self, step: Step) -> None:
        """How well everything plays, from now on."""
        self.step = step
        self._apply()

    def see(self, seen: Mapping[Path, Content]) -> list[str]:
        """What files of presets hold now. The names of those that are something else than what was prepared.

        They are prepared anew, and the one that plays is crossfaded to once that is done; a broken one stays as it was.
        """
        changed = [slot for slot in self.slots if slot.path in seen and slot.see(seen[slot.path])]
        for slot in changed:
            if slot.error:
                _log.warning("preset %s stays as it was: %s", slot.name, slot.error)
            else:
                _log.info("preset %s: its files have changed", slot.name)
        return [slot.name for slot in changed]

    def _lay_out(self, bank: list[Path]) -> None:
        self._left |= {slot.path: slot for slot in self.slots}
        self.slots = [self._left.pop(path) if path in self._left else Slot(path) for path in bank]
        self.dead_end = False

    # ---- what goes on by itself ----

    def tick(self) -> None:
        """Call it often: takes what was prepared, switches, frees and asks for more."""
        self._stage.collect()
        self._take_made()
        self._switch()
        self._refresh()
        self._resort()
        for slot in self.slots:
            # A chain that left the stage begins again where it was prepared.
            if slot.used and slot.chain is not None and not self._stage.has(slot.chain.native):
                if slot.fresh is not None:
                    slot.put(slot.fresh, used=False)
                    continue
                self._rewind(slot, slot.chain)
                slot.used = False
        for slot in self._left.values():
            if slot.chain is not None and not self._stage.has(slot.chain.native):
                slot.chain, slot.fresh, slot.used = None, None, False
        self._ask()

    @property
    def edits(self) -> dict[str, dict[str, float]]:
        """By preset of this bank, numbers that were set and not saved."""
        return {slot.name: dict(slot.edits) for slot in self.slots if slot.edits}

    def restore(self, edits: Mapping[str, Mapping[str, float]]) -> None:
        """As they were; before anything is selected."""
        for slot in self.slots:
            slot.edits = dict(edits.get(slot.name, {}))

    @property
    def memory_bytes(self) -> int:
        slots = (*self.slots, *self._left.values())
        return sum(slot.chain.native.memory_bytes for slot in slots if slot.chain is not None)

    def _playing(self) -> Chain | None:
        return self.current.chain if self.current is not None else None

    def _apply(self) -> None:
        chain = self._playing()
        if chain is not None:
            chain.play_at(self.step, self.bypass, OnStage(self._stage, chain.native))

    def _want(self, slot: Slot, by: int = 0) -> None:
        """by: the way that was gone; 0: this one alone was asked for.

        If it can't be played, those further on that way are tried. What was asked for alone is not replaced by another,
        unless nothing of its bank plays yet.
        """
        self.wanted, self.refused, self.dead_end = slot, "", False
        at, way = self.slots.index(slot), by or 1
        on = [self.slots[(at + way * step) % len(self.slots)] for step in range(1, len(self.slots))]
        self._instead = on if by or self.current not in self.slots else []
        if not slot.playable:
            # It may have been mended meanwhile.
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
        if slot.ready_for != (self.step, self.bypass):
            self._rewind(slot, slot.chain)
        if not self._go_to(slot.chain):
            return
        chain = slot.chain
        slot.used = True
        slot.played = next(self._turns)
        self.current, self.wanted = slot, None
        late = f", resampled: {1e3 * chain.latency_s:.1f} ms later" if chain.latency_s else ""
        _log.info("preset %s%s", slot.name, late)

    def _pass_over(self, slot: Slot) -> None:
        """It is wanted, and can't be played."""
        self._news = True
        self.refused = self.refused or f"{slot.name}: {slot.error}"
        self.wanted = self._instead.pop(0) if self._instead else None
        if self.wanted is None:
            self.dead_end = self.current not in self.slots
            return
        if not self.wanted.playable:
            self.wanted.error = ""
        self._switch()

    def _refresh(self) -> None:
        """Has what plays go on as its files are now."""
        slot = self.current
        if slot is None or slot.fresh is None:
            return
        slot.fresh.rewind(self.step, bypass=self.bypass, edits=slot.edits)
        if self._go_to(slot.fresh):
            slot.put(slot.fresh, used=True)
            _log.info("preset %s plays as its files are now", slot.name)

    def _go_to(self, chain: Chain) -> bool:
        """Whether the stage takes it already."""
        old = self._playing()
        dip = old is not None and not self._carries(old, chain)
        return self._stage.go_to(chain.native, dip, DIP_S if dip else CROSSFADE_S)

    def _resort(self) -> None:
        slot = self._last_resort
        if slot is None or self.current is not None or self.wanted is not None:
            return
        if slot.chain is None:
            # At once: it is a matter of a moment, and there is no sound that would wait for it.
            slot.chain = self._prepare(slot.path)
        self.wanted = slot
        self._switch()

    def _rewind(self, slot: Slot, chain: Chain) -> None:
        chain.rewind(self.step, bypass=self.bypass, edits=slot.edits)
        slot.ready_for = self.step, self.bypass

    def _take_made(self) -> None:
        while not self._made.empty():
            slot, made, content = self._made.get()
            slot.take(made, content)
            if isinstance(made, str):
                stays = "stays as it was" if slot.chain is not None else "can't be played"
                _log.warning("preset %s %s: %s", slot.name, stays, made)

    def _ask(self) -> None:
        """For one chain at a time, the most needed first; makes room for it."""
        missing = [slot for slot in self.slots if slot.stale or (slot.chain is None and not slot.error)]
        if not missing or any(slot.preparing for slot in self.slots):
            return
        slot = next(slot for slot in self._by_need() if slot in missing)
        if slot.chain is None and self.memory_bytes >= self._most_bytes and not self._leave(slot):
            return
        slot.begin()
        self._asked.put(slot)

    def _by_need(self) -> list[Slot]:
        """The wanted, the current and then its neighbours, the near ones first."""
        at, count = self._place(self.wanted or self.current) or 0, len(self.slots)
        order = [self.slots[(at + way * by) % count] for by in range(count // 2 + 1) for way in (1, -1)]
        return list(dict.fromkeys(order))

    def _place(self, slot: Slot | None) -> int | None:
        """In the bank; None: it is of another one."""
        return self.slots.index(slot) if slot in self.slots else None

    def _leave(self, needed: Slot) -> bool:
        """Has the chain go that was not played for longest, if `needed` is wanted: else it may stay."""
        if needed is not self.wanted:
            return False
        idle = [slot for slot in self.slots if slot.chain is not None and not slot.used and slot is not self.current]
        if idle:
            min(idle, key=lambda slot: slot.played).chain = None
        return True

    def _work(self) -> None:
        while (slot := self._asked.get()) is not None:
            made: Chain | str
            # Before it is prepared: what is written meanwhile is seen at the next look.
            content = self._contents.read(slot.path) if self._contents is not None else None
            try:
                made = self._prepare(slot.path)
            except NampedalError as error:
                made = str(error)
            self._made.put((slot, made, content))
