"""Makes the user that runs the pedal with systemd-sysusers, which edits the root's files and runs nothing of it."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.system.install.steps.install_tools import Run
from nampedal.firmware.system.install.steps.path_states import convert_os_errors
from nampedal.firmware.system.install.steps.step_types import Users
from nampedal.firmware.system.install.steps.target import InstallTarget

_COMMAND = "systemd-sysusers"


def users_exist(target: InstallTarget, step: Users) -> bool:
    """Return True if the user exists and is in all its groups."""
    members = {fields[0]: fields[-1].split(",") for fields in _table(target, "group")}
    return _ids(target, step.user) is not None and all(step.user in members.get(name, ()) for name in step.memberships)


def make_users(target: InstallTarget, run: Run) -> None:
    """Make the users and groups that the root's sysusers.d files define. Raises ProgramError."""
    run([_COMMAND] if target.is_running_system else [_COMMAND, f"--root={target.root.resolve()}"])


def _ids(target: InstallTarget, user: str) -> tuple[int, int] | None:
    for fields in _table(target, "passwd"):
        if fields[0] == user and len(fields) > 3:
            return int(fields[2]), int(fields[3])
    return None


def _table(target: InstallTarget, name: str) -> list[list[str]]:
    path = target.under_root(Path("/etc") / name)
    with convert_os_errors(path):
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    return [line.split(":") for line in text.splitlines()]
