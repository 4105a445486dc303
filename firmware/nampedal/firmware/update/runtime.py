"""An update by wheel: a second copy of the runtime, tried, and kept if it plays."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from pathlib import Path

from nampedal.board import places
from nampedal.board.launcher import ALL, CARD_BOOT, PLAY
from nampedal.board.settings import reason
from nampedal.firmware.update.errors import (
    OnTrialError,
    ProgramFailedError,
    SelfCheckError,
    UpdateRoomError,
    UpdateUnreadableError,
    UpdateUnwritableError,
    WheelNeedsError,
)
from nampedal.firmware.update.health import Progress, silent, watch
from nampedal.firmware.update.last import RUNTIME, Last, expect, write_last
from nampedal.firmware.update.signed import Says, check_signature
from nampedal.firmware.update.slots import Phase, Runtimes, Slots
from nampedal.firmware.update.system import System
from nampedal.firmware.update.wheel import Wheel, read_wheel, replace_in, requires_in, unmet, version_in

# Beside what the copy takes; a full partition keeps presets from being saved.
SPARE_BYTES = 64 << 20
# Python's commands and native code, both; and all that the launcher asks for is there.
_STARTED = (f"{ALL}.__main__", PLAY, f"{CARD_BOOT}.__main__")
_RUNS = (
    "import sys, importlib.util as u, nampedal.firmware.cli.pedal_commands, nampedal.firmware.engine as e; e.isas(); "
    f"sys.exit([module for module in {_STARTED} if u.find_spec(module) is None] or 0)"
)


def unheard(said: str) -> None:
    """Where nobody listens."""


def packages_of(runtime: Path) -> Path:
    """The folder of its packages."""
    found = sorted(runtime.glob("lib/python3*/site-packages"))
    if not found:
        raise UpdateUnreadableError(f"{runtime}: has no packages: nampedal is not installed there; install it again")
    return found[0]


def version_of(runtime: Path) -> str:
    return version_in(packages_of(runtime)) or "unknown"


def install_wheel(system: System, path: Path, say: Says = unheard, *, unsigned: bool = False) -> Wheel:
    """Makes a runtime of it, checks that it runs here, and has the daemon try it at its next start.

    Nothing is downloaded: what the wheel needs has to be there. say: is told what is being done.  unsigned: its
    signature is not looked at. Raises UpdateError, SignatureError, SettingsUnwritableError.
    """
    runtimes = Runtimes(system)
    slots = runtimes.look()
    if slots.phase is not Phase.NONE:
        raise OnTrialError("update: what the last one brought is on trial still; wait for it: 'nampedal update status'")
    pinned = check_signature(system, path, say, unsigned=unsigned)
    say("is made ready and checked")
    wheel = read_wheel(pinned)
    _check_needs(runtimes, wheel)
    _check_room(runtimes, slots)
    slot = slots.free
    folder = runtimes.empty(slot)
    try:
        shutil.copytree(runtimes.installed, folder, symlinks=True)
    except (OSError, shutil.Error) as error:
        said = reason(error) if not isinstance(error, shutil.Error) else "some files can't be copied"
        raise UpdateUnwritableError(f"{folder}: can't be written: {said}") from error
    replace_in(packages_of(folder), wheel)
    self_check(system, folder, wheel)
    runtimes.finish(slot)
    expect(system, RUNTIME, wheel.version, "it was not started, or the power was cut meanwhile")
    runtimes.begin(slot)
    return wheel


def self_check(system: System, runtime: Path, wheel: Wheel) -> None:
    """That it runs on this machine, and plays the captures that came with the pedal as it should.

    Raises SelfCheckError.
    """
    python = str(runtime / "bin" / "python3")
    packages = str(packages_of(runtime))
    captures = sorted(system.at(places.SEED).glob("banks/*/*.stomp"))
    try:
        system.run([python, "-I", "-c", _RUNS])
        for capture in captures:
            system.run([python, "-I", "-m", "nampedal.firmware.cli", "verify", str(capture)])
        # Only root may write there, and the daemon would translate everything at each start.
        system.run([python, "-I", "-m", "compileall", "-q", f"{packages}/nampedal"])
    except ProgramFailedError as error:
        raise SelfCheckError(f"{wheel.path}: does not run here: {error}; the pedal stays as it is") from error


def try_runtime(system: System, told: Progress = silent) -> Last:
    """Starts the daemon on it, watches, and decides. An interruption is a no."""
    try:
        # What becomes of a start that failed is seen in the same way.
        with suppress(ProgramFailedError):
            system.restart_daemon()
        return judge_runtime(system, told)
    except BaseException:
        if Runtimes(system).look().phase is not Phase.NONE:
            _settle(system, "it was interrupted")
        raise


def judge_runtime(system: System, told: Progress = silent) -> Last:
    """Decides about the runtime that is on trial."""
    runtimes = Runtimes(system)
    phase = runtimes.look().phase
    if phase is Phase.KEPT:
        return _settle(system, "")
    if phase is Phase.OVER:
        return _settle(system, "it stopped, or the power was cut")
    if phase is Phase.WAITS:
        return _settle(system, "it was not started")
    return _settle(system, watch(system, lambda: runtimes.look().phase is not Phase.RUNS, told))


def go_back(system: System) -> str:
    """To the runtime before the current one; the version."""
    runtimes = Runtimes(system)
    runtimes.back()
    system.restart_daemon()
    return version_of(runtimes.path(runtimes.look().current))


def _settle(system: System, why: str) -> Last:
    """why: it is not kept; empty: it is."""
    runtimes = Runtimes(system)
    slots = runtimes.look()
    last = Last(RUNTIME, version_of(runtimes.path(slots.trial)), not why, why or "it played for 30 s without a break")
    write_last(system, last)
    runtimes.settle(keep=not why)
    # What runs is the new one still, or nothing does.
    if why and (slots.phase is Phase.RUNS or system.daemon_pid() == 0):
        system.restart_daemon()
    return last


def _check_needs(runtimes: Runtimes, wheel: Wheel) -> None:
    installed = packages_of(runtimes.installed)
    paths = [installed, *map(Path, sys.path)]
    # What is not there now is not needed now.
    missed = set(unmet(requires_in(installed), paths))
    lacks = [one for one in unmet(wheel.requires, paths) if one not in missed]
    if lacks:
        raise WheelNeedsError(
            f"{wheel.path}: needs {', '.join(lacks)}, which this pedal does not have and a wheel does not bring; "
            "update with an image, or flash one"
        )


def _check_room(runtimes: Runtimes, slots: Slots) -> None:
    needed = size_of(runtimes.installed) + SPARE_BYTES
    place = runtimes.folder if runtimes.folder.exists() else runtimes.folder.parent
    free = shutil.disk_usage(place).free + size_of(runtimes.folder / slots.free)
    if free < needed:
        raise UpdateRoomError(
            f"{runtimes.folder}: has room for {free >> 20} MB; {needed >> 20} MB are needed: remove banks or recordings"
        )


def size_of(folder: Path) -> int:
    """Bytes of its files; 0 of none."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
