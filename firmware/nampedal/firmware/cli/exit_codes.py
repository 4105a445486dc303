"""The exit codes of nampedal, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130

# What `nampedal --help` and `nampedal help exit-codes` print: in short, and in full.
MEANINGS: Mapping[int, tuple[str, str]] = {
    EXIT_DONE: ("done", "What was asked for is done, and what was checked is right."),
    EXIT_FAILED: (
        "a check failed",
        "The command worked, but the answer is no: 'verify' and 'doctor' found something wrong, 'card check' an error; "
        "no size of a capture fits what 'convert' was given, or one of several captures could not be converted; an "
        "import left something out; an update was not kept; or you answered no before a card was written.",
    ),
    EXIT_MISTAKE: (
        "a mistake",
        "An option or an argument is wrong, a file can't be read or written, the pedal does not answer, or something "
        "is missing here. One line on stderr says what, and what to do.",
    ),
    EXIT_INTERRUPTED: ("ended by Ctrl-C", "Ctrl-C ended it before it was done."),
}
