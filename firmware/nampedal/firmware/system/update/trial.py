"""Trials of both kinds, a runtime or a whole system: decides them, goes back, and reports the status."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.base.files.file_names import IMAGES, WHEEL
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.system.update import boot_slots, image_update, runtime_update
from nampedal.firmware.system.update.health import Progress, ignore_progress
from nampedal.firmware.system.update.last_result import LastResult, read_last
from nampedal.firmware.system.update.runtime_slots import Phase, Runtimes
from nampedal.firmware.system.update.signed import trusted_names
from nampedal.firmware.system.update.update_host import UpdateHost


def is_wheel(path: Path) -> bool:
    """Return True for a wheel, False for an image. Raises DeployError if it is neither."""
    if path.name.endswith((WHEEL, *IMAGES)):
        return suffix_of(path) == WHEEL
    raise DeployError(f"{path}: is no update: a wheel's name ends in {WHEEL}, an image's in {', '.join(IMAGES)}")


def check_untried(system: UpdateHost) -> None:
    """Check that no update is on trial. Raises DeployError."""
    if update_on_trial(system):
        raise DeployError("update: the last one is on trial still; wait for it: 'nampedal update status'")


def update_on_trial(system: UpdateHost) -> str:
    """Return kind and version of the update on trial; empty if there is none."""
    runtimes = Runtimes(system)
    slots = runtimes.read_slots()
    if slots.phase in (Phase.WAITS, Phase.RUNS):
        return f"nampedal {runtime_update.version_of(runtimes.path(slots.trial))}"
    if image_update.has_two_systems(system):
        systems = boot_slots.read_systems(system)
        if systems.on_trial:
            return f"system {_version(system, systems.running)}"
    return ""


def judge(system: UpdateHost, told: Progress = ignore_progress) -> LastResult | None:
    """Decide the trial, if there is one; None if there is none. nampedal-health.service calls this after each boot.

    told: called with the progress.
    """
    if Runtimes(system).read_slots().phase is not Phase.NONE:
        return runtime_update.judge_runtime(system, told)
    return image_update.judge_image(system, told) if image_update.has_two_systems(system) else None


def go_back(system: UpdateHost) -> tuple[str, bool]:
    """Go back to the version before. Return its kind and version, and True if a reboot with tryboot is needed.

    Raises DeployError.
    """
    check_untried(system)
    if Runtimes(system).read_slots().current is not None:
        return f"nampedal {runtime_update.go_back(system)}", False
    if image_update.has_two_systems(system):
        return f"system {image_update.go_back(system).version}", True
    raise DeployError("update: nothing was updated; there is no version before this one")


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """The versions on this pedal.

    version: of nampedal, which runs.
    before: the version before the update that runs; None: it runs as it was installed.
    systems: (slot, version) of the running system and of the other one; empty: this is no image of ours.
    trusted: names of the signers whose updates are taken.
    on_trial: kind and version of the update on trial; empty: there is none.
    last: the result of the last update; None: there was none.
    """

    version: str
    before: str | None
    systems: tuple[tuple[str, str], ...]
    trusted: tuple[str, ...]
    on_trial: str
    last: LastResult | None

    def lines(self) -> list[tuple[str, str]]:
        """Return the lines of the status page: names, and texts."""
        origin = "as it was installed" if self.before is None else f"from an update; before it: {self.before}"
        lines = [("nampedal", f"{self.version}, {origin}")]
        if self.systems:
            running, other = (f"{version} ({slot})" for slot, version in self.systems)
            lines.append(("system", f"{running}; the other one: {other}"))
        lines.append(("trusts", ", ".join(self.trusted) or "nobody's updates"))
        if self.on_trial:
            lines.append(("on trial", self.on_trial))
        elif self.last is not None:
            lines.append(("last", str(self.last)))
        return lines

    def json_values(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "version": self.version,
            "version_before": self.before,
            "systems": [
                {"slot": slot, "version": version, "running": number == 0}
                for number, (slot, version) in enumerate(self.systems)
            ],
            "trusted": list(self.trusted),
            "on_trial": self.on_trial or None,
            "last": None if self.last is None else asdict(self.last),
        }


def read_status(system: UpdateHost) -> UpdateStatus:
    """Return the running version, other versions, trusted signers, and the last result."""
    runtimes = Runtimes(system)
    slots = runtimes.read_slots()
    systems: tuple[tuple[str, str], ...] = ()
    if image_update.has_two_systems(system):
        found = boot_slots.read_systems(system)
        systems = tuple((slot, _version(system, slot)) for slot in (found.running, found.other))
    return UpdateStatus(
        version=runtime_update.version_of(runtimes.path(slots.current)),
        before=None if slots.current is None else runtime_update.version_of(runtimes.path(slots.before)),
        systems=systems,
        trusted=tuple(trusted_names(system)),
        on_trial=update_on_trial(system),
        last=read_last(system),
    )


def _version(system: UpdateHost, slot: str) -> str:
    facts = boot_slots.facts_of(system.under_root(system_paths.CARD), slot)
    return facts.version if facts is not None else "none"
