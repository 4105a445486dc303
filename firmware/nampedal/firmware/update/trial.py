"""Whatever is on trial, nampedal alone or a whole system: decided here, gone back from, and told of."""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places
from nampedal.firmware.update import boot, image, runtime
from nampedal.firmware.update.errors import NotAnUpdateError, NothingBeforeError, OnTrialError
from nampedal.firmware.update.health import Progress, silent
from nampedal.firmware.update.image_file import SUFFIXES
from nampedal.firmware.update.last import Last, read_last
from nampedal.firmware.update.signed import trusted_names
from nampedal.firmware.update.slots import Phase, Runtimes
from nampedal.firmware.update.system import System
from nampedal.firmware.update.wheel import SUFFIX


def is_wheel(path: Path) -> bool:
    """And no image. Raises NotAnUpdateError where it is neither."""
    if path.name.endswith((SUFFIX, *SUFFIXES)):
        return path.suffix == SUFFIX
    raise NotAnUpdateError(
        f"{path}: is no update: a wheel's name ends in {SUFFIX}, an image's in {', '.join(SUFFIXES)}"
    )


def check_untried(system: System) -> None:
    """Nothing is to be tried while something is. Raises OnTrialError."""
    if what_is_tried(system):
        raise OnTrialError("update: the last one is on trial still; wait for it: 'nampedal update status'")


def what_is_tried(system: System) -> str:
    """Its name and version; empty: nothing is."""
    runtimes = Runtimes(system)
    slots = runtimes.look()
    if slots.phase in (Phase.WAITS, Phase.RUNS):
        return f"nampedal {runtime.version_of(runtimes.path(slots.trial))}"
    if image.has_two_systems(system):
        systems = boot.look(system)
        if systems.on_trial:
            return f"system {_version(system, systems.running)}"
    return ""


def judge(system: System, told: Progress = silent) -> Last | None:
    """What nampedal-health.service does after each start. None: there was nothing to decide."""
    if Runtimes(system).look().phase is not Phase.NONE:
        return runtime.judge_runtime(system, told)
    return image.judge_image(system, told) if image.has_two_systems(system) else None


def go_back(system: System) -> tuple[str, bool]:
    """To the version before: what that is, and whether the pedal has to be started with tryboot for it.

    Raises NothingBeforeError, OnTrialError.
    """
    check_untried(system)
    if Runtimes(system).look().current is not None:
        return f"nampedal {runtime.go_back(system)}", False
    if image.has_two_systems(system):
        return f"system {image.go_back(system).version}", True
    raise NothingBeforeError("update: nothing was updated; there is no version before this one")


def page(system: System) -> list[tuple[str, str]]:
    """What runs, what else is there, and how the last update went."""
    runtimes = Runtimes(system)
    slots = runtimes.look()
    here = runtime.version_of(runtimes.path(slots.current))
    if slots.current is None:
        lines = [("nampedal", f"{here}, as it was installed")]
    else:
        before = runtime.version_of(runtimes.path(slots.before))
        lines = [("nampedal", f"{here}, from an update; before it: {before}")]
    if image.has_two_systems(system):
        systems = boot.look(system)
        running = f"{_version(system, systems.running)} ({systems.running})"
        lines.append(("system", f"{running}; the other one: {_version(system, systems.other)} ({systems.other})"))
    lines.append(("trusts", ", ".join(trusted_names(system)) or "nobody's updates"))
    tried = what_is_tried(system)
    last = read_last(system)
    if tried:
        lines.append(("on trial", tried))
    elif last is not None:
        lines.append(("last", str(last)))
    return lines


def _version(system: System, slot: str) -> str:
    facts = boot.facts_of(system.at(places.CARD), slot)
    return facts.version if facts is not None else "none"
