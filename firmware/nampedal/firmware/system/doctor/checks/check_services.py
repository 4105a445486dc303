"""Checks of the systemd units that run once, of the fallback units, and of the card's error file."""

from __future__ import annotations

from collections.abc import Mapping

from nampedal.firmware.actions.led_state import CARD_TROUBLE
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.doctor.checks.check_storage import mount_of
from nampedal.firmware.system.doctor.context import (
    CARD,
    HEALTH,
    HELPERS,
    IMPORT,
    LATE,
    SAFE,
    THROUGH,
    TUNE,
    CheckContext,
    check,
)
from nampedal.firmware.system.doctor.errors import UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, unknown, wrong

# The effect of a failed unit, by its name.
_UNDONE = {
    CARD: "the card's settings, SSH and banks may not be in use",
    TUNE: "the clock and the interrupts are not set for the sound",
    HEALTH: "nothing decided whether the update stays",
    LATE: "what was mounted late is not in use",
    IMPORT: "new banks on the card may not be in use",
}
# Explanations of Result= values that are not self-explanatory (systemd.exec(5), $SERVICE_RESULT).
_RESULTS = {
    "timeout": "timeout: it took too long",
    "oom-kill": "oom-kill: memory ran out",
    "core-dump": "core-dump: it crashed",
}
# The units that run at every start.
_ALWAYS = (TUNE, CARD)


@check("services")
def check_services(case: CheckContext) -> Finding:
    """Check that the fallback units, which play if nampedal itself has failed, have not failed."""
    failed = [name for name in (SAFE, THROUGH) if case.unit(name)["ActiveState"] == "failed"]
    if failed:
        return wrong(
            "; ".join(f"{_short(name)}: {unit_state_text(case.unit(name))}" for name in failed),
            f"read {_journal(failed)}",
        )
    return ok("none failed")


@check("boot helpers")
def check_helpers(case: CheckContext) -> Finding:
    """Check that the units that run once, at a start or for a USB stick, have run without a failure."""
    units = {name: case.unit(name) for name in (*HELPERS, *case.sticks())}
    # Units that a newer version added may be missing: an update by wheel brings no units.
    missing = [name for name in _ALWAYS if units[name]["LoadState"] == "not-found"]
    if missing:
        return wrong(f"not installed: {comma_list(map(_short, missing))}", case.reinstall_advice())
    failed = [name for name, unit in units.items() if unit["ActiveState"] == "failed"]
    if failed:
        again = "restart the machine: 'sudo reboot'" if set(failed) & set(HELPERS) else "plug the stick in again"
        return wrong(
            "; ".join(f"{_short(name)}: {unit_state_text(units[name])}{_undone(name)}" for name in failed),
            f"read {_journal(failed)} and mend what it says, then {again}",
        )
    idle = [name for name in _ALWAYS if units[name]["ActiveState"] == "inactive"]
    if idle:
        return wrong(
            f"did not run since the machine was started: {comma_list(map(_short, idle))}",
            f"restart the machine: 'sudo reboot'; if it stays so, {case.reinstall_advice()}",
        )
    running = [name for name, unit in units.items() if unit["ActiveState"] == "activating"]
    if running:
        return unknown(f"still running: {comma_list(map(_short, running))}", "ask again in a minute")
    return ok("none failed")


@check("card")
def check_errors_file(case: CheckContext) -> Finding:
    """Check that this start has read the card, and report the problems that it found there."""
    text, finished = case.machine.text(system_paths.CARD_ERRORS), case.machine.text(system_paths.CARD_ANNOUNCEMENT)
    if text:
        old = "" if finished is not None or not case.is_booted else " (of an earlier start; see 'boot helpers')"
        return wrong(
            f"{system_paths.CARD_ERRORS.name}{old}: {text}",
            "put it right in nampedal.toml or the folder it names, on any computer; restart",
        )
    if case.is_image and case.is_booted and mount_of(case, system_paths.CARD).place != system_paths.CARD:
        return wrong(
            f"the card's first partition is not mounted at {system_paths.CARD}: "
            "nampedal.toml and its banks are not in use",
            "read 'systemctl status boot-firmware.mount' and do what it says, then 'sudo reboot'",
        )
    if not case.machine.names(system_paths.CARD):
        raise UnknownResultError(f"{system_paths.CARD} is not there, or empty")
    if not case.is_booted:
        raise UnknownResultError(
            f"no {system_paths.CARD_ERRORS.name} on it; this system does not run, and has not looked at it"
        )
    if finished is None:
        return _unfinished(case)
    if str(CARD_TROUBLE) in finished.split():
        return wrong(
            f"something is wrong with it, and {system_paths.CARD_ERRORS.name} could not be written",
            f"read {_journal([CARD])}; a card that can't be written begins to fail: copy your banks away, then take a "
            "new one",
        )
    return ok(f"no {system_paths.CARD_ERRORS.name} on it")


def _unfinished(case: CheckContext) -> Finding:
    """Return the finding for a missing CARD_ANNOUNCEMENT, which nampedal-card always writes when it ends."""
    try:
        if case.unit(CARD)["ActiveState"] == "activating":
            return unknown("nampedal-card still looks at it", "ask again in a minute")
    except UnknownResultError:
        # Without systemd's answer, the missing file alone decides.
        pass
    return wrong(
        "nampedal-card did not come to its end at this start: what is on the card may not be in use",
        f"see 'boot helpers'; read {_journal([CARD])} and mend what it says, then 'sudo reboot'",
    )


def unit_state_text(unit: Mapping[str, str]) -> str:
    """Return the state of a unit and its reason, such as `failed (exit-code 1)`."""
    result = unit.get("Result", "")
    status = unit.get("ExecMainStatus", "")
    if result in ("", "success"):
        return unit["ActiveState"]
    more = f" {status}" if result in ("exit-code", "signal") and status not in ("", "0") else ""
    return f"{unit['ActiveState']} ({_RESULTS.get(result, result)}{more})"


def _undone(unit: str) -> str:
    if unit in HELPERS:
        return f": {_UNDONE[unit]}" if unit in _UNDONE else ""
    return ": banks of that stick were not taken over"


def _short(unit: str) -> str:
    return unit.removesuffix(".service")


def _journal(units: list[str]) -> str:
    return f"'journalctl -b -u {' -u '.join(map(_short, units))}'"
