"""Installs and uninstalls the pedal software: checks, Debian packages, the plan, and reloading the running system."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base.errors import DeployError, ProgramError
from nampedal.firmware.system.install.plan import plan
from nampedal.firmware.system.install.steps import install_tools
from nampedal.firmware.system.install.steps.apply import apply
from nampedal.firmware.system.install.steps.debian_packages import missing_packages
from nampedal.firmware.system.install.steps.runtime_copy import check_wheel
from nampedal.firmware.system.install.steps.target import BASES, InstallTarget, machine_of, python_of, suite_of
from nampedal.firmware.system.install.steps.undo import undo

Say = Callable[[str], None]
REBOOT = "restart the Raspberry Pi: sudo reboot"


def install(
    profile: str | Path,
    target: InstallTarget,
    say: Say,
    *,
    dry: bool = False,
    run: install_tools.Run = install_tools.run,
) -> int:
    """Install the pedal of a profile on a system.

    Return how many changes that took: 0 if the system was that pedal already.

    profile: a pedal key, or the path of a .toml file.
    say: called with one line of text for each change.
    dry: only tell what would be done.
    run: starts programs of this computer.
    Raises an DeployError, or a SettingsError for the profile.
    """
    _check(target, dry=dry)
    if target.wheel is not None:
        check_wheel(target.wheel, python_of(target.root), machine_of(target.root))
    steps = plan(profile, target)
    count = _packages(target, say, run, dry=dry)
    if count and not dry:
        # The new packages bring units to mask and groups to use.
        steps = plan(profile, target)
    count += apply(steps, target, say, run, dry=dry)
    if not count:
        say("nothing to do: everything is as it should be")
    elif target.is_running_system and not dry:
        run(["systemctl", "daemon-reload"])
        say(REBOOT)
    return count


def uninstall(
    target: InstallTarget, say: Say, *, dry: bool = False, run: install_tools.Run = install_tools.run
) -> None:
    """Restore a system to its state before `install`. Raises DeployError."""
    _check_root(target, dry=dry)
    if target.is_running_system and not dry:
        # Stopping fails if the units do not run or are no longer known; that does not matter here.
        with contextlib.suppress(ProgramError):
            run(["systemctl", "stop", "nampedal*"])
    undo(target, say, dry=dry)
    if target.is_running_system and not dry:
        run(["systemctl", "daemon-reload"])
        say(REBOOT)


def _check(target: InstallTarget, *, dry: bool) -> None:
    _check_root(target, dry=dry)
    if target.base not in BASES:
        raise DeployError(f"base {target.base!r}: is unknown; known are {', '.join(BASES)}")
    if target.wheel is None and not target.is_running_system:
        raise DeployError(
            f"{target.root}: is not the system that runs here, whose nampedal could be copied; name a wheel with "
            "--wheel, as make wheel-aarch64 makes it"
        )


def _check_root(target: InstallTarget, *, dry: bool) -> None:
    if not (target.root / "etc").is_dir() or not (target.root / "usr").is_dir():
        raise DeployError(f"{target.root}: is no root of a system: it has no etc and usr; name one that has")
    if target.is_running_system and os.geteuid() != 0 and not dry:
        raise DeployError(f"{target.root}: only root changes the running system; put sudo in front, or add --dry-run")


def _packages(target: InstallTarget, say: Say, run: install_tools.Run, *, dry: bool) -> int:
    missing = missing_packages(target)
    if not missing:
        return 0
    names = ", ".join(missing)
    if not target.is_running_system:
        raise DeployError(
            f"{target.root}: lacks {names}; install them there first, as with mmdebstrap --include={','.join(missing)} "
            f"{suite_of(target.root) or 'SUITE'}"
        )
    if not dry:
        if shutil.which("apt-get") is None:
            raise DeployError(f"{target.root}: lacks {names}, and has no apt-get; install them")
        quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        run([*quiet, "update"])
        run([*quiet, "install", "--no-install-recommends", *missing])
    say(f"packages: {names}: {'would be installed' if dry else 'installed'}")
    return len(missing)
