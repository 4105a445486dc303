"""Checks of what runs: jackd, nampedal, what it plays, how well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.firmware.doctor import interface
from nampedal.firmware.doctor.case import JACK, PLAYER, SAFE, THROUGH, Case, check
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError
from nampedal.firmware.doctor.finding import Finding, listed, ok, wrong
from nampedal.firmware.doctor.services import how
from nampedal.firmware.doctor.settings import parse_jack
from nampedal.firmware.quality import NEAR

# A few come with jackd's own start and with a plug that is pulled.
MOST_XRUNS = 5
# What systemd says of a watchdog that is off.
_OFF = ("", "0", "infinity")
_AGAIN = "sudo systemctl restart nampedal-jack nampedal"
_LOG = "read 'journalctl -b -u nampedal'"


@check("jackd")
def check_jackd(case: Case) -> Finding:
    unit = case.unit(JACK)
    if unit["LoadState"] == "not-found":
        return wrong("the service nampedal-jack is not installed", case.reinstall())
    if unit["ActiveState"] != "active":
        return wrong(
            f"does not run: {how(unit)}",
            f"read 'journalctl -b -u nampedal-jack'; mostly it is the sound card, see above; then '{_AGAIN}'",
        )
    if case.settings.get("NAMPEDAL_USB") and interface.waits(interface.command_line(case)):
        return wrong("waits for the USB audio interface, see 'sound card'", "plug the interface in")
    return ok(f"runs{_restarts(unit)}")


@check("jackd settings")
def check_jack_settings(case: Case) -> Finding:
    """Whether jackd runs as pedal.env says, with the HAT's card, and whether it answers so."""
    wanted, card = case.jack, case.settings.get("NAMPEDAL_CARD", "")
    if wanted.driver == "alsa" and card and wanted.card != card:
        return wrong(
            f"{places.SETTINGS} has jackd use the card '{wanted.card}' and says that the HAT is '{card}'",
            case.reinstall(),
        )
    words = interface.command_line(case)
    if interface.waits(words):
        raise CantTellError("jackd waits for its sound card")
    told = parse_jack(" ".join(words[1:]))
    if case.settings.get("NAMPEDAL_USB"):
        told = interface.without_card(told)
    if words and told != wanted:
        return wrong(f"jackd runs with other settings than {places.SETTINGS} has now: {wanted}", f"run '{_AGAIN}'")
    status = case.status
    if not status["playing"]:
        return wrong("jackd runs, and does not answer nampedal", f"run '{_AGAIN}'")
    found = status["sample_rate_hz"], status["period_frames"]
    if found != (wanted.rate_hz, wanted.period_frames):
        return wrong(
            f"jackd plays {found[0]:.0f} Hz in periods of {found[1]} frames, and {places.SETTINGS} has {wanted}",
            f"run '{_AGAIN}'",
        )
    return ok(str(wanted))


@check("nampedal")
def check_player(case: Case) -> Finding:
    """Whether the real one plays, and no way out of an emergency."""
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
        return wrong("the service nampedal is not installed", case.reinstall())
    if unit["ActiveState"] == "activating":
        said = unit.get("StatusText") or "nothing yet"
        return wrong(
            f"is still starting{_restarts(unit)}; it says: {said}",
            f"wait half a minute, ask again; if it stays so, {_LOG}",
        )
    if unit["ActiveState"] != "active":
        return wrong(f"does not run: {how(unit)}", f"{_LOG}, mend what it says, then '{again}'")
    if unit.get("NRestarts", "0") != "0":
        return wrong(f"runs, and failed before{_restarts(unit)}", f"{_LOG} for why; a new start begins counting anew")
    return ok(f"runs; it says: {unit.get('StatusText') or 'nothing'}")


@check("watchdog")
def check_watchdog(case: Case) -> Finding:
    """Whether a nampedal that hangs is started anew."""
    unit = case.unit(case.player())
    if unit["LoadState"] == "not-found":
        raise CantTellError("nampedal is not installed")
    every = unit.get("WatchdogUSec", "")
    if every in _OFF:
        return wrong("nobody would notice if nampedal hung", case.reinstall())
    return ok(f"nampedal is started anew if it hangs for {every}")


@check("machine watchdog")
def check_machine_watchdog(case: Case) -> Finding:
    """Whether a machine that hangs is started anew: systemd feeds the hardware's watchdog (systemd-system.conf(5))."""
    if "watchdog0" not in case.machine.names(Path("/dev")):
        raise CantTellError("this machine has no watchdog in hardware, or its driver is not loaded")
    every = case.systemctl("show", "--property=RuntimeWatchdogUSec").partition("=")[2]
    if every in _OFF:
        return wrong("nobody would notice if the whole machine hung (RuntimeWatchdogSec)", case.reinstall())
    return ok(f"the machine is started anew if it hangs for {every}")


@check("plays")
def check_plays(case: Case) -> Finding:
    """What is on the stage."""
    status = case.status
    if status["preset"] is None:
        why = "it waits for jackd" if not status["playing"] else _refused(case)
        return wrong(f"nothing plays: {why}", "mend what is wrong above, or the presets below")
    if status.get("last_resort"):
        why = "it was started so (--safe)" if status.get("safe") else _refused(case)
        return wrong(f"no preset plays, the guitar comes out dry: {why}", "mend 'nampedal' above, or the presets below")
    aside = [word for key, word in (("bypass", "bypassed"), ("muted", "muted"), ("tuning", "tuning")) if status[key]]
    return ok(f"{status['preset']} of {status['bank']}" + (f" ({listed(aside)})" if aside else ""))


@check("xruns")
def check_xruns(case: Case) -> Finding:
    """Gaps in the sound since nampedal began."""
    count = case.status["xruns"]
    case.need_real_time()
    if count > MOST_XRUNS:
        return wrong(
            f"{count} gaps in the sound since nampedal began",
            "mend what is wrong with load, real time, governor, power, heat; then try longer periods in the profile "
            "of the HAT (period_frames)",
        )
    return ok(f"{count} since nampedal began")


@check("load")
def check_load(case: Case) -> Finding:
    """How much of its time playing takes, and whether it had to play worse for that."""
    status = case.status
    case.need_real_time()
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
def check_controls(case: Case) -> Finding:
    """Whether the footswitches, knobs and lights can be read and lit."""
    troubles = case.status["controls"]
    if troubles:
        return wrong(
            "; ".join(map(str, troubles.values())),
            f"do what it says; how it is wired is in the profile '{case.pedal_name}'; nampedal tries again by itself",
        )
    wiring = case.pedal.wiring
    wired = [name for name in ("gpio", "mcp3008", "strip", "serial") if getattr(wiring, name) is not None]
    if not wired:
        raise NotNeededError("this pedal has no controls")
    return ok(f"all answer: {listed(wired)}")


def _board(case: Case) -> str:
    try:
        return case.pedal.board.key
    except CantTellError:
        return "BOARD"


def _refused(case: Case) -> str:
    """Why presets can't be played."""
    try:
        presets = case.machine.ask("presets")["presets"]
    except NampedalError as error:
        return str(error)
    return listed(one["error"] for one in presets if one["error"]) if presets else "there is no preset"


def _restarts(unit: Mapping[str, str]) -> str:
    count = unit.get("NRestarts", "0")
    return "" if count == "0" else f", started anew {count} time{'s' * (count != '1')}"
