"""The thread that prepares presets one after another. A failed preset does not stop it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.pedal.switching.slot import Slot
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset_content import Content, PresetContents

_log = logging.getLogger(__name__)


class PrepareThread:
    """Prepares presets in its own thread. Call begin(), take() and close() from one thread.

    prepare: makes a chain from the file of a preset. Any exception becomes the error of that preset.
    contents: the contents of preset files; None: they are not read.
    """

    def __init__(self, prepare: Callable[[Path], Chain], contents: PresetContents | None = None) -> None:
        self._prepare = prepare
        self._contents = contents
        self._asked: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[tuple[Slot, Chain | str, Content | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="prepare", daemon=True)
        self._thread.start()

    def close(self, *, wait: bool = True) -> None:
        """End the thread after the preset that it is working on.

        wait: block until then.
        """
        self._asked.put(None)
        if wait:
            self._thread.join()

    def begin(self, slot: Slot) -> None:
        """Queue a preset. The thread reads its files when its turn comes."""
        slot.begin()
        self._asked.put(slot)

    def take(self) -> Iterator[tuple[Slot, Chain | str, Content | None]]:
        """Yield the results since the last call.

        A result is the slot; its chain, or the error in one line; and the content that it was made from.
        """
        while not self._made.empty():
            yield self._made.get()

    def _work(self) -> None:
        while (slot := self._asked.get()) is not None:
            made: Chain | str
            content = None
            try:
                # Read it before the preparation: the next scan then detects changes that are written meanwhile.
                content = self._contents.read(slot.path) if self._contents is not None else None
                made = self._prepare(slot.path)
            except BaseException as error:
                # Catch everything: the next preset needs this thread.
                _log.debug("preset %s", slot.name, exc_info=True)
                made = describe_failure(slot.path, "can't be prepared", error)
            self._made.put((slot, made, content))
            # Free the chain now, not only when the next preset comes.
            del made
