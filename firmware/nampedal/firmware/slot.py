"""One preset of the bank that a pedal plays, with its prepared chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.firmware.chain import Chain
from nampedal.firmware.content import Content
from nampedal.firmware.preset import Block, Preset
from nampedal.firmware.quality import Step


@dataclass(slots=True, eq=False)
class Slot:
    """One preset of the bank. chain: once it is prepared.  error: why it can't be, or why its newest version can't.

    edits: numbers that were set, and not saved.  played: when last, in turns.
    """

    path: Path
    chain: Chain | None = None
    error: str = ""
    played: int = 0
    preparing: bool = False
    # Was on the stage since it was prepared or rewound.
    used: bool = False
    # What it was rewound for: step and bypass.
    ready_for: tuple[Step, bool] | None = None
    edits: dict[str, float] = field(default_factory=dict)
    # What it was prepared from, or could not be; None: nobody looked.
    content: Content | None = None
    # Why that could not be prepared, or is not the newest version.
    failed: str = ""
    # Its files have changed: it is to be prepared anew.
    stale: bool = False
    # Found while it was prepared.
    seen: Content | None = None
    # Prepared anew while the chain plays, and to take its place.
    fresh: Chain | None = None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def playable(self) -> bool:
        """Return True if there is a chain, or one may be prepared."""
        return self.chain is not None or not self.error

    def see(self, content: Content) -> bool:
        """Take what its files hold now. Return True if it was prepared from something else."""
        if self.preparing:
            # Perhaps from this: that is known once it is done.
            self.seen = content
            return self.content is not None and content != self.content
        if self.content is None:
            # It is read when it is prepared.
            return False
        if content == self.content and not self.stale:
            self.error = self.failed
            return False
        if content.problem and self.chain is not None:
            # The sound stays as it is until the files are whole again.
            changed = self.error != content.problem
            self.error, self.stale = content.problem, False
            return changed
        changed = not self.stale
        self.error, self.stale = "", True
        return changed

    def begin(self) -> None:
        """It is prepared from now on."""
        self.preparing, self.stale = True, False

    def take(self, made: Chain | str, content: Content | None) -> None:
        """What was prepared from that content, or why nothing could be."""
        self.preparing = False
        self._take(made, content)
        seen, self.seen = self.seen, None
        if seen is not None:
            self.see(seen)

    def _take(self, made: Chain | str, content: Content | None) -> None:
        before, self.content = self.content, content
        problem = content.problem if content is not None else ""
        if isinstance(made, str):
            self.error = self.failed = made
            return
        self.error = self.failed = problem
        if self.chain is not None and content is not None and content == before:
            return
        if before is not None and content is not None:
            self.edits = kept(self.edits, before.preset, content.preset)
        if self.chain is not None and self.used:
            self.fresh = made
            return
        self.put(made, used=False)

    def put(self, chain: Chain, *, used: bool) -> None:
        """In the place of the one before. used: it is on the stage."""
        self.chain, self.fresh, self.used = chain, None, used
        self.ready_for = None if self.edits else (Step(0), False)

    def is_saved(self) -> None:
        """Its file says what the chain plays."""
        self.edits.clear()
        if self.content is not None and self.chain is not None:
            self.content = Content(self.chain.preset, self.content.files)
            self.error = self.failed = ""


def kept(edits: Mapping[str, float], before: Preset | None, now: Preset | None) -> dict[str, float]:
    """Of numbers that a player has set, those that are still what they were in the file."""
    if before is None or now is None:
        return dict(edits)
    return {name: value for name, value in edits.items() if _number(before, name) == _number(now, name)}


def _number(preset: Preset, name: str) -> tuple[type[Block] | type[Preset], float] | None:
    """name: of a setting, as '2.gain_db'. What it is a number of, and what the preset says; None: there is none."""
    number, _, field_name = name.rpartition(".")
    if not number:
        return Preset, getattr(preset, field_name)
    at = int(number) - 1
    if at >= len(preset.blocks) or not hasattr(preset.blocks[at], field_name):
        return None
    return type(preset.blocks[at]), getattr(preset.blocks[at], field_name)
