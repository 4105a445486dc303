"""Checks of the units that do something once, and of what the boot's one has said of the card."""

from __future__ import annotations

from collections.abc import Mapping

from nampedal.board import places
from nampedal.firmware.doctor.case import CARD, HEALTH, HELPERS, IMPORT, LATE, SAFE, THROUGH, TUNE, Case, check
from nampedal.firmware.doctor.errors import CantTellError
from nampedal.firmware.doctor.finding import Finding, listed, ok, unknown, wrong
from nampedal.firmware.doctor.storage import mount_of
from nampedal.firmware.lamps import CARD_TROUBLE

# What is missing where one of them has failed.
_UNDONE = {
    CARD: "the card's settings, SSH and banks may not be in use",
    TUNE: "the clock and the interrupts are not set for the sound",
    HEALTH: "nothing decided whether the update stays",
    LATE: "what was mounted late is not in use",
    IMPORT: "new banks on the card may not be in use",
}
# Of Result= (systemd.exec(5), $SERVICE_RESULT), for those whose name says little.
_RESULTS = {
    "timeout": "timeout: it took too long",
    "oom-kill": "oom-kill: memory ran out",
    "core-dump": "core-dump: it crashed",
}
# They run at every start.
_ALWAYS = (TUNE, CARD)


@check("services")
def check_services(case: Case) -> Finding:
    """The units that play when the pedal itself has failed."""
    failed = [name for name in (SAFE, THROUGH) if case.unit(name)["ActiveState"] == "failed"]
    if failed:
        return wrong(
            "; ".join(f"{_short(name)}: {how(case.unit(name))}" for name in failed), f"read {_journal(failed)}"
        )
    return ok("none failed")


@check("boot helpers")
def check_helpers(case: Case) -> Finding:
    """The units that run once, at a start or for a stick: one that failed leaves something undone."""
    units = {name: case.unit(name) for name in (*HELPERS, *case.sticks())}
    # Newer ones are not there after an update by wheel, which brings no units.
    missing = [name for name in _ALWAYS if units[name]["LoadState"] == "not-found"]
    if missing:
        return wrong(f"not installed: {listed(map(_short, missing))}", case.reinstall())
    failed = [name for name, unit in units.items() if unit["ActiveState"] == "failed"]
    if failed:
        again = "restart the machine: 'sudo reboot'" if set(failed) & set(HELPERS) else "plug the stick in again"
        return wrong(
            "; ".join(f"{_short(name)}: {how(units[name])}{_undone(name)}" for name in failed),
            f"read {_journal(failed)} and mend what it says, then {again}",
        )
    idle = [name for name in _ALWAYS if units[name]["ActiveState"] == "inactive"]
    if idle:
        return wrong(
            f"did not run since the machine was started: {listed(map(_short, idle))}",
            f"restart the machine: 'sudo reboot'; if it stays so, {case.reinstall()}",
        )
    running = [name for name, unit in units.items() if unit["ActiveState"] == "activating"]
    if running:
        return unknown(f"still running: {listed(map(_short, running))}", "ask again in a minute")
    return ok("none failed")


@check("card")
def check_errors_file(case: Case) -> Finding:
    """Check that this start looked at the card, and tell what it found wrong there."""
    text, finished = case.machine.text(places.CARD_ERRORS), case.machine.text(places.CARD_NEWS)
    if text:
        old = "" if finished is not None or not case.is_booted else " (of an earlier start; see 'boot helpers')"
        return wrong(
            f"{places.CARD_ERRORS.name}{old}: {text}",
            "put it right in nampedal.toml or the folder it names, on any computer; restart",
        )
    if case.is_image and case.is_booted and mount_of(case, places.CARD).place != places.CARD:
        return wrong(
            f"the card's first partition is not mounted at {places.CARD}: nampedal.toml and its banks are not in use",
            "read 'systemctl status boot-firmware.mount' and do what it says, then 'sudo reboot'",
        )
    if not case.machine.names(places.CARD):
        raise CantTellError(f"{places.CARD} is not there, or empty")
    if not case.is_booted:
        raise CantTellError(f"no {places.CARD_ERRORS.name} on it; this system does not run, and has not looked at it")
    if finished is None:
        return _unfinished(case)
    if str(CARD_TROUBLE) in finished.split():
        return wrong(
            f"something is wrong with it, and {places.CARD_ERRORS.name} could not be written",
            f"read {_journal([CARD])}; a card that can't be written begins to fail: copy your banks away, then take a "
            "new one",
        )
    return ok(f"no {places.CARD_ERRORS.name} on it")


def _unfinished(case: Case) -> Finding:
    """nampedal-card leaves places.CARD_NEWS when it has come to its end, whatever it found."""
    try:
        if case.unit(CARD)["ActiveState"] == "activating":
            return unknown("nampedal-card still looks at it", "ask again in a minute")
    except CantTellError:
        # What it leaves behind tells enough.
        pass
    return wrong(
        "nampedal-card did not come to its end at this start: what is on the card may not be in use",
        f"see 'boot helpers'; read {_journal([CARD])} and mend what it says, then 'sudo reboot'",
    )


def how(unit: Mapping[str, str]) -> str:
    """Return the state of a unit and why it is so, such as `failed (exit-code 1)`."""
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
