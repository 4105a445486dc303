"""One preset of the current bank, with its prepared chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Block, Preset
from nampedal.firmware.presets.preset_content import Content
from nampedal.firmware.presets.quality import QualityLevel


@dataclass(frozen=True, slots=True)
class ChainSetup:
    """What a chain is reset for: a quality level, bypass, and edited settings by their full names."""

    step: QualityLevel
    bypass: bool
    edits: Mapping[str, float]


@dataclass(slots=True, eq=False)
class Slot:
    """One preset of the current bank.

    chain: None until it is prepared.
    error: why it, or its newest version, cannot be prepared; empty: no error.
    played: the number of the turn in which it was played last.
    """

    path: Path
    chain: Chain | None = None
    error: str = ""
    played: int = 0
    preparing: bool = False
    # It was on the stage since it was prepared or reset.
    used: bool = False
    # What the chain is reset for.
    ready_for: ChainSetup | None = None
    # The content that was used for the last preparation; None: no preparation, or the content was not read.
    content: Content | None = None
    # The error of that preparation, or the reason why the content is not the newest version.
    failed: str = ""
    # The files have changed, so a new preparation is needed.
    stale: bool = False
    # Content that was found during the preparation.
    seen: Content | None = None
    # The new version of the chain, prepared while the old one plays. It will replace the old one.
    fresh: Chain | None = None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def playable(self) -> bool:
        """Return True if there is a chain, or one may be prepared."""
        return self.chain is not None or not self.error

    def update_content(self, content: Content) -> bool:
        """Handle the current content of the files. Return True if it differs from the prepared content."""
        if self.preparing:
            # This may be the content that is being prepared: store_result() checks it.
            self.seen = content
            return self.content is not None and content != self.content
        if self.content is None:
            # Its preparation will read the content.
            return False
        if content == self.content and not self.stale:
            self.error = self.failed
            return False
        if content.problem and self.chain is not None:
            # Keep the sound until the files are valid again.
            changed = self.error != content.problem
            self.error, self.stale = content.problem, False
            return changed
        changed = not self.stale
        self.error, self.stale = "", True
        return changed

    def begin(self) -> None:
        """Mark the slot as being prepared."""
        self.preparing, self.stale = True, False

    def store_result(self, made: Chain | str, content: Content | None) -> None:
        """Store the result of a preparation: a chain, or an error text; and the content that it was made from."""
        self.preparing = False
        self._store_result(made, content)
        seen, self.seen = self.seen, None
        if seen is not None:
            self.update_content(seen)

    def _store_result(self, made: Chain | str, content: Content | None) -> None:
        before, self.content = self.content, content
        problem = content.problem if content is not None else ""
        if isinstance(made, str):
            self.error = self.failed = made
            return
        self.error = self.failed = problem
        if self.chain is not None and content is not None and content == before:
            return
        if self.chain is not None and self.used:
            self.fresh = made
            return
        self.put(made, used=False)

    def put(self, chain: Chain, *, used: bool) -> None:
        """Replace the chain.

        used: True if the new one is on the stage.
        """
        self.chain, self.fresh, self.used = chain, None, used
        self.ready_for = ChainSetup(QualityLevel(0), False, {})

    def drop(self, chain: Chain | None, error: str) -> None:
        """Remove a chain that failed, with its error. Another chain of this slot that plays is kept."""
        if chain is self.fresh:
            self.fresh = None
        else:
            self.chain, self.used = None, False
        self.error = self.failed = error

    def mark_saved(self) -> None:
        """Mark the edits as saved: the file now has the settings of the chain."""
        if self.content is not None and self.chain is not None:
            self.content = Content(self.chain.preset, self.content.files)
            self.error = self.failed = ""


def surviving_edits(edits: Mapping[str, float], before: Preset | None, now: Preset | None) -> dict[str, float]:
    """Return the edits of settings whose value in the file has not changed."""
    if before is None or now is None:
        return dict(edits)
    return {name: value for name, value in edits.items() if _number(before, name) == _number(now, name)}


def _number(preset: Preset, name: str) -> tuple[type[Block] | type[Preset], float] | None:
    """Return the type of the block (or Preset) and the value of a setting in the preset; None: no such setting.

    name: the full name of a setting, such as '2.gain_db'.
    """
    number, _, field_name = name.rpartition(".")
    if not number:
        return Preset, getattr(preset, field_name)
    at = int(number) - 1
    if at >= len(preset.blocks) or not hasattr(preset.blocks[at], field_name):
        return None
    return type(preset.blocks[at]), getattr(preset.blocks[at], field_name)
