"""Checks of playing: jackd, nampedal, watchdogs, the current preset, xruns, load, controls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.presets.quality import NEAR
from nampedal.firmware.system.doctor.checks import usb_interface
from nampedal.firmware.system.doctor.checks.check_services import unit_state_text
from nampedal.firmware.system.doctor.context import JACK, PLAYER, SAFE, THROUGH, CheckContext, check
from nampedal.firmware.system.doctor.errors import NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, wrong
from nampedal.firmware.system.doctor.jack_settings import parse_jack

# A few xruns are normal: jackd's start and a pulled plug cause some.
MAX_XRUNS = 5
# The values of systemd for a watchdog that is off.
_OFF = ("", "0", "infinity")
_AGAIN = "sudo systemctl restart nampedal-jack nampedal"
_LOG = "read 'journalctl -b -u nampedal'"


@check("jackd")
def check_jackd(case: CheckContext) -> Finding:
    unit = case.unit(JACK)
    if unit["LoadState"] == "not-found":
        return wrong("the service nampedal-jack is not installed", case.reinstall_advice())
    if unit["ActiveState"] != "active":
        return wrong(
            f"does not run: {unit_state_text(unit)}",
            f"read 'journalctl -b -u nampedal-jack'; mostly it is the sound card, see above; then '{_AGAIN}'",
        )
    if usb_interface.is_card_waiter(usb_interface.command_line(case)):
        if case.settings.get("NAMPEDAL_USB"):
            return wrong("waits for the USB audio interface, see 'sound card'", "plug the interface in")
        return wrong(
            "waits for the sound card, see 'sound card'", "mend what 'sound card' says; jackd starts by itself"
        )
    return ok(f"runs{_restarts(unit)}")


@check("jackd settings")
def check_jack_settings(case: CheckContext) -> Finding:
    """Check that jackd runs and plays with the settings of pedal.env, and that these name the HAT's sound card."""
    wanted, card = case.jack, case.settings.get("NAMPEDAL_CARD", "")
    if wanted.driver == "alsa" and card and wanted.card != card:
        return wrong(
            f"{system_paths.SETTINGS} has jackd use the card '{wanted.card}' and says that the HAT is '{card}'",
            case.reinstall_advice(),
        )
    words = usb_interface.command_line(case)
    if usb_interface.is_card_waiter(words):
        raise UnknownResultError("jackd waits for its sound card")
    told = parse_jack(" ".join(words[1:]))
    if case.settings.get("NAMPEDAL_USB"):
        told = usb_interface.without_card(told)
    if words and told != wanted:
        return wrong(
            f"jackd runs with other settings than {system_paths.SETTINGS} has now: {wanted}", f"run '{_AGAIN}'"
        )
    status = case.status
    if not status["playing"]:
        return wrong("jackd runs, and does not answer nampedal", f"run '{_AGAIN}'")
    found = status["sample_rate_hz"], status["period_frames"]
    if found != (wanted.rate_hz, wanted.period_frames):
        return wrong(
            f"jackd plays {found[0]:.0f} Hz in periods of {found[1]} frames, and {system_paths.SETTINGS} has {wanted}",
            f"run '{_AGAIN}'",
        )
    return ok(str(wanted))


@check("nampedal")
def check_player(case: CheckContext) -> Finding:
    """Check that nampedal itself plays, and neither the safe preset nor the bypass of nampedal-through."""
    unit = case.unit(PLAYER)
    again = "sudo systemctl reset-failed nampedal nampedal-safe && sudo systemctl restart nampedal"
    if case.unit(THROUGH)["ActiveState"] == "active":
        return wrong(
            "nampedal failed again and again, and so did the safe preset: the guitar goes straight through",
            f"read 'journalctl -b -u nampedal -u nampedal-safe', mend what it says, then '{again}'",
        )
    if case.unit(SAFE)["ActiveState"] == "active":
        return wrong(
            "nampedal failed five times: the safe preset plays, dry", f"{_LOG}, mend what it says, then '{again}'"
        )
    if unit["LoadState"] == "not-found":
        return wrong("the service nampedal is not installed", case.reinstall_advice())
    if unit["ActiveState"] == "activating":
        said = unit.get("StatusText") or "nothing yet"
        return wrong(
            f"is still starting{_restarts(unit)}; it says: {said}",
            f"wait half a minute, ask again; if it stays so, {_LOG}",
        )
    if unit["ActiveState"] != "active":
        return wrong(f"does not run: {unit_state_text(unit)}", f"{_LOG}, mend what it says, then '{again}'")
    if unit.get("NRestarts", "0") != "0":
        return wrong(f"runs, and failed before{_restarts(unit)}", f"{_LOG} for why; a new start begins counting anew")
    return ok(f"runs; it says: {unit.get('StatusText') or 'nothing'}")


@check("watchdog")
def check_watchdog(case: CheckContext) -> Finding:
    """Check that systemd's watchdog restarts nampedal if it hangs."""
    unit = case.unit(case.player())
    if unit["LoadState"] == "not-found":
        raise UnknownResultError("nampedal is not installed")
    every = unit.get("WatchdogUSec", "")
    if every in _OFF:
        return wrong("nobody would notice if nampedal hung", case.reinstall_advice())
    return ok(f"nampedal is started anew if it hangs for {every}")


@check("machine watchdog")
def check_machine_watchdog(case: CheckContext) -> Finding:
    """Check that the hardware watchdog restarts a machine that hangs. systemd feeds it (systemd-system.conf(5))."""
    if "watchdog0" not in case.machine.names(Path("/dev")):
        raise UnknownResultError("this machine has no watchdog in hardware, or its driver is not loaded")
    every = case.systemctl("show", "--property=RuntimeWatchdogUSec").partition("=")[2]
    if every in _OFF:
        return wrong("nobody would notice if the whole machine hung (RuntimeWatchdogSec)", case.reinstall_advice())
    return ok(f"the machine is started anew if it hangs for {every}")


@check("plays")
def check_plays(case: CheckContext) -> Finding:
    """Check that a preset plays."""
    status = case.status
    if status["preset"] is None:
        why = "it waits for jackd" if not status["playing"] else _refused(case)
        return wrong(f"nothing plays: {why}", "mend what is wrong above, or the presets below")
    if status.get("last_resort"):
        why = "it was started so (--safe)" if status.get("safe") else _refused(case)
        return wrong(f"no preset plays, the guitar comes out dry: {why}", "mend 'nampedal' above, or the presets below")
    aside = [word for key, word in (("bypass", "bypassed"), ("muted", "muted"), ("tuning", "tuning")) if status[key]]
    return ok(f"{status['preset']} of {status['bank']}" + (f" ({comma_list(aside)})" if aside else ""))


@check("xruns")
def check_xruns(case: CheckContext) -> Finding:
    """Check the number of xruns since nampedal started."""
    count = case.status["xruns"]
    case.require_real_hardware()
    if count > MAX_XRUNS:
        return wrong(
            f"{count} gaps in the sound since nampedal began",
            "mend what is wrong with load, real time, governor, power, heat; then try longer periods in the profile "
            "of the HAT (period_frames)",
        )
    return ok(f"{count} since nampedal began")


@check("load")
def check_load(case: CheckContext) -> Finding:
    """Check that the load leaves a margin and that the quality was not reduced for it."""
    status = case.status
    case.require_real_hardware()
    high, quality = status["load"]["p99.9"], status["quality"]
    found = f"{100 * high:.0f} % of the time at most (p99.9), quality: {quality}"
    if high > NEAR or quality != "tier 0":
        return wrong(
            f"{status['preset']} is too much for this board: {found}",
            f"make its captures smaller on a computer: 'nampedal convert CAPTURE.nam --board {_board(case)}'; "
            "or take a block out of the preset",
        )
    return ok(found)


@check("controls")
def check_controls(case: CheckContext) -> Finding:
    """Check that footswitches, knobs and LEDs work."""
    troubles = case.status["controls"]
    if troubles:
        return wrong(
            "; ".join(map(str, troubles.values())),
            f"do what it says; how it is wired is in the profile '{case.pedal_name}'; nampedal tries again by itself",
        )
    wiring = case.pedal.wiring
    wired = [name for name in ("gpio", "mcp3008", "strip", "serial") if getattr(wiring, name) is not None]
    if not wired:
        raise NotApplicableError("this pedal has no controls")
    return ok(f"all answer: {comma_list(wired)}")


def _board(case: CheckContext) -> str:
    try:
        return case.pedal.board.key
    except UnknownResultError:
        return "BOARD"


def _refused(case: CheckContext) -> str:
    """Return the reasons why presets can't be played."""
    try:
        presets = case.machine.ask("presets")["presets"]
    except NampedalError as error:
        return str(error)
    return comma_list(one["error"] for one in presets if one["error"]) if presets else "there is no preset"


def _restarts(unit: Mapping[str, str]) -> str:
    count = unit.get("NRestarts", "0")
    return "" if count == "0" else f", started anew {count} time{'s' * (count != '1')}"
