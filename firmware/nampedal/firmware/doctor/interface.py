"""What doctor says of a USB interface as the pedal's card: which are plugged in, and which one jackd uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nampedal.board.hats import ANY
from nampedal.firmware.doctor.case import JACK, Case
from nampedal.firmware.doctor.errors import CantTellError
from nampedal.firmware.doctor.finding import Finding, listed, ok, wrong
from nampedal.firmware.doctor.settings import Jack, parse_jack

_SOUND = Path("/proc/asound")


def check_interface(case: Case, usb: str) -> Finding:
    """Check that an interface that the pedal can use is plugged in. usb: NAMPEDAL_USB of pedal.env."""
    wanted = "a USB audio interface" if usb == ANY else f"the USB audio interface {usb}"
    found = _plugged(case)
    usable = {name: lack for name, lack in found.items() if usb == ANY or name.endswith(f" ({usb})")}
    if not usable:
        others = f"; plugged in are {listed(found)}" if found else ""
        return wrong(f"{wanted} is not plugged in{others}", _plug_in(usb))
    good = [name for name, lack in usable.items() if not lack]
    if not good:
        lacks = listed(f"{name} has no {lack}" for name, lack in usable.items())
        return wrong(f"{lacks}", "plug in a USB interface that has both an input and an output")
    if len(good) == 1:
        return ok(good[0])
    used = _used(case, good) or "none of them"
    return ok(
        f"{len(good)} USB audio interfaces are plugged in ({listed(good)}), {used} is used; to choose, "
        'name it in the profile of the HAT: usb = { vendor = "...", product = "..." }'
    )


def command_line(case: Case) -> list[str]:
    """Of jackd, or of the script that waits for the interface and then becomes jackd; none: nobody tells.

    Raises CantTellError where neither runs.
    """
    told = case.machine.text(Path(f"/proc/{case.process(JACK)}/cmdline"))
    return told.split("\0") if told else []


def card_in_use(case: Case) -> str:
    """Return the id of the card that jackd has open. Raises CantTellError where it has none."""
    jack = parse_jack(" ".join(command_line(case)[1:]))
    if jack is None or not jack.card:
        raise CantTellError("no USB audio interface is in use, see 'sound card'")
    return jack.card


def waits(words: Sequence[str]) -> bool:
    """Return True if a command line is that of the script that waits for the interface."""
    return bool(words) and not words[0].endswith("jackd")


def without_card(jack: Jack | None) -> Jack | None:
    """What jackd is told, but for the card: that is found anew at every start."""
    return None if jack is None else replace(jack, device="")


def _plug_in(usb: str) -> str:
    if usb == ANY:
        return "plug one in that is class-compliant and has an input and an output; wait some seconds, ask again"
    return (
        "plug it in, wait some seconds, ask again; for another one write its numbers, which lsusb shows, into the "
        "profile of the HAT"
    )


def _plugged(case: Case) -> dict[str, str]:
    """By id and USB numbers, as `USB (1235:8210)`: what each sound card on USB lacks; empty: nothing."""
    found = {}
    for folder in case.machine.names(_SOUND):
        usbid = case.machine.text(_SOUND / folder / "usbid")
        if folder.startswith("card") and usbid:
            name = f"{case.machine.text(_SOUND / folder / 'id')} ({usbid})"
            devices = case.machine.names(_SOUND / folder)
            # jackd opens device 0.
            found[name] = listed(what for pcm, what in (("pcm0c", "input"), ("pcm0p", "output")) if pcm not in devices)
            found[name] = "" if found[name] == "none" else found[name]
    return found


def _used(case: Case, good: Sequence[str]) -> str:
    """Which of them jackd has open; empty: none, or nobody tells."""
    try:
        jack = parse_jack(" ".join(command_line(case)[1:]))
    except CantTellError:
        return ""
    return next((name for name in good if jack is not None and name.partition(" ")[0] == jack.card), "")
