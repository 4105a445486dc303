"""Checks the first line of a commit's message: `area: change`, as pre-commit's hook for messages.

The area is a folder, a command or a topic, or several with commas; the change is said in the imperative.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MAX_LENGTH = 80
_SUBJECT = re.compile(r"(?P<area>[a-z0-9][A-Za-z0-9._/+-]*(?:,? [A-Za-z0-9._/+-]+)*): (?P<change>\S.*)")
# What git writes by itself, or takes away again.
_OF_GIT = ("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")
# Git's line above the diff that `git commit --verbose` shows; nothing below it is kept.
_SCISSORS = "# ------------------------ >8 ------------------------"


def problem(message: str) -> str | None:
    """Return what is wrong with a commit's message, or None."""
    kept = message.partition(_SCISSORS)[0]
    lines = [line.rstrip() for line in kept.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if subject.startswith(_OF_GIT):
        return None
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        return (
            f"the first line is {subject!r}; it has the form 'area: change', such as 'image: keep the root read-only'"
        )
    if len(subject) > MAX_LENGTH:
        return f"the first line has {len(subject)} characters; at most {MAX_LENGTH} fit: move the reason into the body"
    if subject.endswith("."):
        return "the first line ends with a full stop; leave it out"
    if len(lines) > 1 and lines[1]:
        return "the second line is not empty; leave one empty line before the body"
    return None


def main() -> None:
    """Check the file that git names, the message of a commit that is about to be made."""
    if len(sys.argv) != 2:
        sys.exit("usage: python release/commit_subject.py FILE")
    wrong = problem(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if wrong is not None:
        sys.exit(f"commit message: {wrong}")


if __name__ == "__main__":
    main()
