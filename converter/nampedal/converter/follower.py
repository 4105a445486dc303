"""Receives the progress of a conversion, and can ask it to stop early."""

from __future__ import annotations


class ConversionProgress:
    """Progress callbacks of a conversion. This base class ignores all messages and never asks to stop.

    The command line and worker processes have subclasses of their own.
    keeping: what would be kept after an early stop, in words; None: nothing can be kept yet, so a stop aborts.
    """

    keeping: str | None = None

    def report_progress(self, doing: str, ends_s: float | None = None) -> None:
        """Report the current work. Called repeatedly.

        doing: what is being done, in words.
        ends_s: when the whole conversion will be done, by time.monotonic(); None: unknown.
        """

    def note(self, text: str) -> None:
        """Show one line that a person should read now, before the work is done."""

    def asks_to_end(self) -> bool:
        """Return True if the conversion should stop early and keep what it has. Called between steps."""
        return False

    def check(self) -> None:
        """Raise KeyboardInterrupt if a stop is requested and there is nothing to keep yet."""
        if self.keeping is None and self.asks_to_end():
            raise KeyboardInterrupt
