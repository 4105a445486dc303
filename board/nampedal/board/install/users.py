"""Who plays: made by systemd-sysusers, which reads and writes the root's own files and runs nothing of it."""

from __future__ import annotations

from pathlib import Path

from nampedal.board.install.files import failing_at
from nampedal.board.install.steps import Users
from nampedal.board.install.target import Target
from nampedal.board.install.tools import Run

_COMMAND = "systemd-sysusers"


def are_there(target: Target, step: Users) -> bool:
    """The user, and in all the groups."""
    members = {fields[0]: fields[-1].split(",") for fields in _table(target, "group")}
    return _ids(target, step.user) is not None and all(step.user in members.get(name, ()) for name in step.memberships)


def make(target: Target, run: Run) -> None:
    """Raises ToolMissingError, ToolFailedError."""
    run([_COMMAND] if target.runs else [_COMMAND, f"--root={target.root.resolve()}"])


def _ids(target: Target, user: str) -> tuple[int, int] | None:
    for fields in _table(target, "passwd"):
        if fields[0] == user and len(fields) > 3:
            return int(fields[2]), int(fields[3])
    return None


def _table(target: Target, name: str) -> list[list[str]]:
    path = target.at(Path("/etc") / name)
    with failing_at(path):
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    return [line.split(":") for line in text.splitlines()]
