"""Checks of a USB audio interface as the sound card: which ones are plugged in, and which one jackd uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nampedal.board.profiles.hats import ANY_USB
from nampedal.firmware.system.doctor.context import JACK, CheckContext
from nampedal.firmware.system.doctor.errors import UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, wrong
from nampedal.firmware.system.doctor.jack_settings import JackSettings, parse_jack

_SOUND = Path("/proc/asound")


def check_interface(case: CheckContext, usb: str) -> Finding:
    """Check that a usable USB audio interface is plugged in. usb: the value of NAMPEDAL_USB in pedal.env."""
    wanted = "a USB audio interface" if usb == ANY_USB else f"the USB audio interface {usb}"
    found = _plugged(case)
    usable = {name: lack for name, lack in found.items() if usb == ANY_USB or name.endswith(f" ({usb})")}
    if not usable:
        others = f"; plugged in are {comma_list(found)}" if found else ""
        return wrong(f"{wanted} is not plugged in{others}", _plug_in(usb))
    good = [name for name, lack in usable.items() if not lack]
    if not good:
        lacks = comma_list(f"{name} has no {lack}" for name, lack in usable.items())
        return wrong(f"{lacks}", "plug in a USB interface that has both an input and an output")
    if len(good) == 1:
        return ok(good[0])
    used = _used(case, good) or "none of them"
    return ok(
        f"{len(good)} USB audio interfaces are plugged in ({comma_list(good)}), {used} is used; to choose, "
        'name it in the profile of the HAT: usb = { vendor = "...", product = "..." }'
    )


def command_line(case: CheckContext) -> list[str]:
    """Return the command line of jackd, or of the script that waits for the sound card and then becomes jackd.

    Empty if it can't be read. Raises UnknownResultError if neither runs.
    """
    told = case.machine.text(Path(f"/proc/{case.process(JACK)}/cmdline"))
    return told.split("\0") if told else []


def card_in_use(case: CheckContext) -> str:
    """Return the id of the sound card that jackd has open. Raises UnknownResultError if it has none."""
    jack = parse_jack(" ".join(command_line(case)[1:]))
    if jack is None or not jack.card:
        raise UnknownResultError("no USB audio interface is in use, see 'sound card'")
    return jack.card


def is_card_waiter(words: Sequence[str]) -> bool:
    """Return True if this is the command line of the script that waits for the sound card."""
    return bool(words) and not words[0].endswith("jackd")


def without_card(jack: JackSettings | None) -> JackSettings | None:
    """Return the settings without the sound card, which is detected anew at every start."""
    return None if jack is None else replace(jack, device="")


def _plug_in(usb: str) -> str:
    if usb == ANY_USB:
        return "plug one in that is class-compliant and has an input and an output; wait some seconds, ask again"
    return (
        "plug it in, wait some seconds, ask again; for another one write its numbers, which lsusb shows, into the "
        "profile of the HAT"
    )


def _plugged(case: CheckContext) -> dict[str, str]:
    """Return the USB sound cards and what each lacks ("input", "output", both, or an empty text).

    The keys are id and USB numbers, such as `USB (1235:8210)`.
    """
    found = {}
    for folder in case.machine.names(_SOUND):
        usbid = case.machine.text(_SOUND / folder / "usbid")
        if folder.startswith("card") and usbid:
            name = f"{case.machine.text(_SOUND / folder / 'id')} ({usbid})"
            devices = case.machine.names(_SOUND / folder)
            # Only device 0 counts: it is the one that jackd opens.
            found[name] = comma_list(
                what for pcm, what in (("pcm0c", "input"), ("pcm0p", "output")) if pcm not in devices
            )
            found[name] = "" if found[name] == "none" else found[name]
    return found


def _used(case: CheckContext, good: Sequence[str]) -> str:
    """Return the one of these interfaces that jackd has open; empty: none, or unknown."""
    try:
        jack = parse_jack(" ".join(command_line(case)[1:]))
    except UnknownResultError:
        return ""
    return next((name for name in good if jack is not None and name.partition(" ")[0] == jack.card), "")
