"""Update by wheel: makes a second copy of the runtime, tries it, and keeps it if it plays."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.launcher import MODULE
from nampedal.firmware.system.update.health import Progress, ignore_progress, watch
from nampedal.firmware.system.update.last_result import RUNTIME, LastResult, record_expected, write_last
from nampedal.firmware.system.update.runtime_slots import Phase, Runtimes, Slots
from nampedal.firmware.system.update.signed import Says, check_signature
from nampedal.firmware.system.update.update_host import UpdateHost
from nampedal.firmware.system.update.wheel import Wheel, read_wheel, replace_in, requires_in, unmet, version_in

# Free space that must remain after the copy: presets can't be saved on a full partition.
SPARE_BYTES = 64 << 20
# Loads the Python commands and the native code, and checks that the module that the launcher runs exists.
_RUNS = (
    "import sys, importlib.util as u, nampedal.firmware.cli.main, nampedal.firmware.engine.inference as e; e.isas(); "
    f"sys.exit(0 if u.find_spec('{MODULE}.__main__') else '{MODULE} is not there')"
)


def ignore_message(said: str) -> None:
    """Ignore a message: the default for `say`."""


def packages_of(runtime: Path) -> Path:
    """Return the site-packages folder of a runtime. Raises FileAccessError."""
    found = sorted(runtime.glob("lib/python3*/site-packages"))
    if not found:
        raise FileAccessError(f"{runtime}: has no packages: nampedal is not installed there; install it again")
    return found[0]


def version_of(runtime: Path) -> str:
    return version_in(packages_of(runtime)) or "unknown"


def install_wheel(system: UpdateHost, path: Path, say: Says = ignore_message, *, unsigned: bool = False) -> Wheel:
    """Make a runtime of a wheel, check that it runs here, and have the daemon try it at its next start.

    Nothing is downloaded: the packages that the wheel needs have to be installed. say: called with progress messages.
    unsigned: do not check the signature. Raises DeployError, SignatureError, SettingsUnwritableError.
    """
    runtimes = Runtimes(system)
    slots = runtimes.read_slots()
    if slots.phase is not Phase.NONE:
        raise DeployError("update: what the last one brought is on trial still; wait for it: 'nampedal update status'")
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
        said = os_error_text(error) if not isinstance(error, shutil.Error) else "some files can't be copied"
        raise FileAccessError(f"{folder}: can't be written: {said}") from error
    replace_in(packages_of(folder), wheel)
    self_check(system, folder, wheel)
    runtimes.finish(slot)
    record_expected(system, RUNTIME, wheel.version, "it was not started, or the power was cut meanwhile")
    runtimes.begin(slot)
    return wheel


def self_check(system: UpdateHost, runtime: Path, wheel: Wheel) -> None:
    """Check that a runtime runs on this machine and plays the factory captures correctly.

    Compiles its Python files, too. Raises DeployError.
    """
    python = str(runtime / "bin" / "python3")
    packages = str(packages_of(runtime))
    captures = sorted(system.under_root(system_paths.SEED).glob("banks/*/*.stomp"))
    try:
        system.run([python, "-I", "-c", _RUNS])
        for capture in captures:
            system.run([python, "-I", "-m", "nampedal.firmware.cli", "verify", str(capture)])
        # The daemon's user may not write bytecode there, so it would compile all modules at each start.
        system.run([python, "-I", "-m", "compileall", "-q", f"{packages}/nampedal"])
    except ProgramError as error:
        raise DeployError(f"{wheel.path}: does not run here: {error}; the pedal stays as it is") from error


def try_runtime(system: UpdateHost, told: Progress = ignore_progress) -> LastResult:
    """Restart the daemon with the runtime on trial, watch it, and decide. An interruption rejects the runtime.

    told: called with the progress.
    """
    try:
        # `judge_runtime` notices a failed start.
        with suppress(ProgramError):
            system.restart_daemon()
        return judge_runtime(system, told)
    except BaseException:
        if Runtimes(system).read_slots().phase is not Phase.NONE:
            _settle(system, "it was interrupted")
        raise


def judge_runtime(system: UpdateHost, told: Progress = ignore_progress) -> LastResult:
    """Decide whether the runtime on trial is kept. told: called with the progress."""
    runtimes = Runtimes(system)
    phase = runtimes.read_slots().phase
    if phase is Phase.KEPT:
        return _settle(system, "")
    if phase is Phase.OVER:
        return _settle(system, "it stopped, or the power was cut")
    if phase is Phase.WAITS:
        return _settle(system, "it was not started")
    return _settle(system, watch(system, lambda: runtimes.read_slots().phase is not Phase.RUNS, told))


def go_back(system: UpdateHost) -> str:
    """Go back to the runtime before the current one and restart the daemon. Return the version."""
    runtimes = Runtimes(system)
    runtimes.go_back()
    system.restart_daemon()
    return version_of(runtimes.path(runtimes.read_slots().current))


def _settle(system: UpdateHost, why: str) -> LastResult:
    """End the trial and record its result. why: the reason for not keeping the runtime; empty: it is kept."""
    runtimes = Runtimes(system)
    slots = runtimes.read_slots()
    last = LastResult(
        RUNTIME, version_of(runtimes.path(slots.trial)), not why, why or "it played for 30 s without a break"
    )
    write_last(system, last)
    runtimes.settle(keep=not why)
    # The rejected runtime still runs, or none does.
    if why and (slots.phase is Phase.RUNS or system.daemon_pid() == 0):
        system.restart_daemon()
    return last


def _check_needs(runtimes: Runtimes, wheel: Wheel) -> None:
    installed = packages_of(runtimes.installed)
    paths = [installed, *map(Path, sys.path)]
    # A requirement that the installed version already lacks is not needed.
    missed = set(unmet(requires_in(installed), paths))
    lacks = [one for one in unmet(wheel.requires, paths) if one not in missed]
    if lacks:
        raise DeployError(
            f"{wheel.path}: needs {', '.join(lacks)}, which this pedal does not have and a wheel does not bring; "
            "update with an image, or flash one"
        )


def _check_room(runtimes: Runtimes, slots: Slots) -> None:
    needed = size_of(runtimes.installed) + SPARE_BYTES
    place = runtimes.folder if runtimes.folder.exists() else runtimes.folder.parent
    free = shutil.disk_usage(place).free + size_of(runtimes.folder / slots.free)
    if free < needed:
        raise FileAccessError(
            f"{runtimes.folder}: has room for {free >> 20} MB; {needed >> 20} MB are needed: remove banks or recordings"
        )


def size_of(folder: Path) -> int:
    """Return the total size of a folder's files in bytes; 0 if the folder does not exist."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
