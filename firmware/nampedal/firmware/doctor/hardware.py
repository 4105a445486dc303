"""Checks of what is soldered and plugged: the profile, the board, the HAT, its overlay, the sound card."""

from __future__ import annotations

import re
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError
from nampedal.firmware.doctor.case import Case, check
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError
from nampedal.firmware.doctor.finding import Finding, listed, ok, unknown, wrong
from nampedal.firmware.doctor.interface import check_interface
from nampedal.firmware.doctor.settings import Config, Overlay, parse_config

# Of the clock that the profile says, what a board may lack.
CLOCK_PERCENT = 98
CONFIG = places.CARD_CONFIG

_ON_USB = "this pedal's sound card is a USB interface; 'sound card' says whether it works"
_TREE = Path("/proc/device-tree")
_SOUND = Path("/proc/asound")
_FASTEST = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
# As ` 0 [Zero           ]: RPi_Codec_Zero - RPi Codec Zero`: the card's number, its id, driver and name.
_CARD = re.compile(r"^ *(\d+) \[(\S+) *\]: (.*)$", re.MULTILINE)


@check("profile")
def check_profile(case: Case) -> Finding:
    """Whether pedal.env names a pedal whose profile can be read."""
    if not case.is_pedal:
        if case.machine.denied(places.SETTINGS):
            return unknown(f"{places.SETTINGS} can't be read", "ask again with 'sudo nampedal doctor'")
        return wrong(
            f"this is no pedal: {places.SETTINGS} is not there",
            "on the Raspberry Pi of the pedal, run 'sudo nampedal install --pedal PROFILE'",
        )
    if not case.pedal_name:
        return wrong(
            f"{places.SETTINGS} names no pedal (NAMPEDAL_PEDAL)", "run 'sudo nampedal install --pedal PROFILE'"
        )
    try:
        pedal = case.read_pedal()
    except NampedalError as error:
        return wrong(str(error), "put right what it says, or run 'sudo nampedal install --pedal PROFILE' with another")
    return ok(f"{pedal.key}: {pedal.name}")


@check("board")
def check_board(case: Case) -> Finding:
    """Whether the board is the profile's, and no slower one of that name."""
    board, model = case.pedal.board, case.model
    if not model:
        raise CantTellError("this machine does not tell its model (/proc/device-tree/model)")
    if case.emulator:
        raise CantTellError(f"an emulated machine: {model}")
    named = board.name.partition(",")[0].replace("+", " Plus")
    if not named.startswith("Raspberry Pi "):
        return unknown(f"{model}; the profile {board.key} is of no board that tells its model")
    if model.split()[: len(named.split())] != named.split():
        return wrong(
            f"this is a {model}, and the profile is for a {board.name}",
            f"name the board that it is in the profile of '{case.pedal_name}', or a pedal with this board: "
            f"{case.reinstall()}",
        )
    fastest = case.machine.text(_FASTEST)
    if fastest is not None and int(fastest) * 100 < board.clock_mhz.value * 1000 * CLOCK_PERCENT:
        return wrong(
            f"{model} runs at {int(fastest) // 1000} MHz at most, and the profile {board.key} is for one of "
            f"{board.clock_mhz.value} MHz: captures that were made for it may be too much",
            f"name the slower board in the profile of '{case.pedal_name}': {case.reinstall()}",
        )
    return ok(model)


@check("HAT")
def check_hat(case: Case) -> Finding:
    """What the HAT's EEPROM says, which not every HAT has.

    The firmware puts it into the device tree (raspberrypi/hats, designguide.md).
    """
    if case.settings.get("NAMPEDAL_USB"):
        raise NotNeededError(_ON_USB)
    vendor, product = (case.machine.text(_TREE / "hat" / name) for name in ("vendor", "product"))
    if product is None and not parse_config(case.machine.text(CONFIG) or "").eeprom:
        raise NotNeededError("its EEPROM is not read (force_eeprom_read=0); 'sound card' says whether it works")
    if product is None and not case.is_booted:
        raise CantTellError("this system does not run here, so no HAT can be asked for its name")
    if product is None:
        raise CantTellError("no HAT tells its name: many have no EEPROM; 'sound card' says whether it works")
    return ok(f"{product} by {vendor or 'nobody'}")


@check("overlay")
def check_overlay(case: Case) -> Finding:
    """Whether config.txt loads the HAT's overlay, with its parameters, and whether that is on the card."""
    hat, text = case.pedal.hat, case.machine.text(CONFIG)
    if hat.overlay is None:
        raise NotNeededError(_ON_USB)
    if text is None:
        raise CantTellError(f"{CONFIG} is not there, or can't be read")
    config = parse_config(text)
    line = ",".join((f"dtoverlay={hat.overlay}", *hat.overlay_parameters))
    mend = f"write the line '{line}' at the end of {CONFIG}, below a line [all], then 'sudo reboot'"
    named = [overlay for overlay in config.overlays if overlay.name == hat.overlay and overlay.condition != "none"]
    if not named:
        others = listed(overlay.name for overlay in config.overlays if overlay.name)
        return wrong(f"{CONFIG} does not load {hat.overlay}; it loads {others}", mend)
    best = next((overlay for overlay in named if not overlay.condition), None)
    if best is None:
        return unknown(f"{CONFIG} loads {hat.overlay} only where [{named[0].condition}] is so")
    lacking = [parameter for parameter in hat.overlay_parameters if parameter not in best.parameters]
    if lacking:
        return wrong(f"{CONFIG} loads {hat.overlay} without {listed(lacking)}", mend)
    return _on_the_card(case, config, best) or ok(f"{CONFIG} loads {hat.overlay}")


def _on_the_card(case: Case, config: Config, overlay: Overlay) -> Finding | None:
    """What is wrong with it. Debian's kernels have hardly any overlays, and Debian's pedals no need of them."""
    if case.settings.get("NAMPEDAL_BASE") != "raspios":
        return None
    # Overlays are the system's own only where a README is beside them (boot.adoc of Raspberry Pi's documentation).
    folder = places.CARD / config.prefix / "overlays"
    if "README" not in case.machine.names(folder):
        folder = places.CARD / "overlays"
    if f"{overlay.name}.dtbo" in case.machine.names(folder):
        return None
    return wrong(
        f"{folder}/{overlay.name}.dtbo is not there: this system's kernel does not know the HAT",
        case.reinstall() if case.is_image else "run 'sudo apt full-upgrade', then 'sudo reboot'",
    )


@check("sound card")
def check_card(case: Case) -> Finding:
    """Whether ALSA has the HAT's card, or that of a USB interface, with an input and an output."""
    if case.jack.driver != "alsa":
        raise NotNeededError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not case.is_booted:
        raise CantTellError("this system does not run here, and has no sound card")
    usb = case.settings.get("NAMPEDAL_USB", "")
    if usb:
        return check_interface(case, usb)
    wanted = case.settings.get("NAMPEDAL_CARD") or case.pedal.hat.card or ""
    there = {card: (number, name) for number, card, name in _CARD.findall(case.machine.text(_SOUND / "cards") or "")}
    if wanted not in there:
        return wrong(
            f"there is no card '{wanted}'; there is {listed(there)}",
            "switch off, press the HAT down on all 40 pins, switch on; if 'overlay' above is wrong, mend that first",
        )
    number, name = there[wanted]
    devices = case.machine.names(_SOUND / f"card{number}")
    for letter, what in (("c", "input"), ("p", "output")):
        if not any(re.fullmatch(rf"pcm\d+{letter}", device) for device in devices):
            return wrong(
                f"the card '{wanted}' ({name}) has no {what}",
                "this HAT can't be a guitar pedal, or its overlay is wrong",
            )
    return ok(f"{wanted}: {name}, card {number}")
