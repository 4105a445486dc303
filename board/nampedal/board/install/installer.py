"""Installs and uninstalls: what is checked first, the packages, the plan, and what the running system is told."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from nampedal.board.install import tools
from nampedal.board.install.apply import apply
from nampedal.board.install.errors import (
    NotRootError,
    PackagesMissingError,
    RootMissingError,
    ToolFailedError,
    UnknownBaseError,
    WheelNeededError,
)
from nampedal.board.install.packages import missing_packages
from nampedal.board.install.plan import plan
from nampedal.board.install.runtime import check_wheel
from nampedal.board.install.target import BASES, Target, machine_of, python_of, suite_of
from nampedal.board.install.undo import undo

Say = Callable[[str], None]
REBOOT = "restart the Raspberry Pi: sudo reboot"


def install(profile: str | Path, target: Target, say: Say, *, dry: bool = False, run: tools.Run = tools.run) -> int:
    """Makes a system into the pedal of a profile: a key, or the path of a file that ends in .toml.

    How many changes that took; none, if it was that pedal already. dry: only tells what would be done.  run: starts
    programs of this machine's.  Raises an InstallError, or a SettingsError of the profile's.
    """
    _check(target, dry=dry)
    if target.wheel is not None:
        check_wheel(target.wheel, python_of(target.root), machine_of(target.root))
    steps = plan(profile, target)
    count = _packages(target, say, run, dry=dry)
    if count and not dry:
        # Their units are masked, their groups used.
        steps = plan(profile, target)
    count += apply(steps, target, say, run, dry=dry)
    if not count:
        say("nothing to do: everything is as it should be")
    elif target.runs and not dry:
        run(["systemctl", "daemon-reload"])
        say(REBOOT)
    return count


def uninstall(target: Target, say: Say, *, dry: bool = False, run: tools.Run = tools.run) -> None:
    """Puts a system back as it was before `install`. Raises NotInstalledError, or another InstallError."""
    _check_root(target, dry=dry)
    if target.runs and not dry:
        # What does not run, or is not known any more, can't be stopped.
        with contextlib.suppress(ToolFailedError):
            run(["systemctl", "stop", "nampedal*"])
    undo(target, say, dry=dry)
    if target.runs and not dry:
        run(["systemctl", "daemon-reload"])
        say(REBOOT)


def _check(target: Target, *, dry: bool) -> None:
    _check_root(target, dry=dry)
    if target.base not in BASES:
        raise UnknownBaseError(f"base {target.base!r}: is unknown; known are {', '.join(BASES)}")
    if target.wheel is None and not target.runs:
        raise WheelNeededError(
            f"{target.root}: is not the system that runs here, whose nampedal could be copied; name a wheel with "
            "--wheel, as make wheel-aarch64 makes it"
        )


def _check_root(target: Target, *, dry: bool) -> None:
    if not (target.root / "etc").is_dir() or not (target.root / "usr").is_dir():
        raise RootMissingError(f"{target.root}: is no root of a system: it has no etc and usr; name one that has")
    if target.runs and os.geteuid() != 0 and not dry:
        raise NotRootError(f"{target.root}: only root changes the running system; put sudo in front, or add --dry-run")


def _packages(target: Target, say: Say, run: tools.Run, *, dry: bool) -> int:
    missing = missing_packages(target)
    if not missing:
        return 0
    names = ", ".join(missing)
    if not target.runs:
        raise PackagesMissingError(
            f"{target.root}: lacks {names}; install them there first, as with mmdebstrap --include={','.join(missing)} "
            f"{suite_of(target.root) or 'SUITE'}"
        )
    if not dry:
        if shutil.which("apt-get") is None:
            raise PackagesMissingError(f"{target.root}: lacks {names}, and has no apt-get; install them")
        quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        run([*quiet, "update"])
        run([*quiet, "install", "--no-install-recommends", *missing])
    say(f"packages: {names}: {'would be installed' if dry else 'installed'}")
    return len(missing)
