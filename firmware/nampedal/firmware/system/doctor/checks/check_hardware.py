"""Checks of the hardware: the profile, the board, the HAT, its overlay, the sound card."""

from __future__ import annotations

import re
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.system.doctor.checks.usb_interface import check_interface
from nampedal.firmware.system.doctor.context import CheckContext, check
from nampedal.firmware.system.doctor.errors import NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, unknown, wrong
from nampedal.firmware.system.doctor.jack_settings import BootConfig, Overlay, parse_config

# Minimum clock of the board, in percent of the clock in the profile.
CLOCK_PERCENT = 98
CONFIG = system_paths.CARD_CONFIG

_ON_USB = "this pedal's sound card is a USB interface; 'sound card' says whether it works"
_TREE = Path("/proc/device-tree")
_SOUND = Path("/proc/asound")
_FASTEST = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
# A line such as ` 0 [Zero           ]: RPi_Codec_Zero - RPi Codec Zero`: the card's number, id, driver and name.
_CARD = re.compile(r"^ *(\d+) \[(\S+) *\]: (.*)$", re.MULTILINE)


@check("profile")
def check_profile(case: CheckContext) -> Finding:
    """Check that pedal.env names a pedal whose profile can be read."""
    if not case.is_pedal:
        if case.machine.denied(system_paths.SETTINGS):
            return unknown(f"{system_paths.SETTINGS} can't be read", "ask again with 'sudo nampedal doctor'")
        return wrong(
            f"this is no pedal: {system_paths.SETTINGS} is not there",
            "on the Raspberry Pi of the pedal, run 'sudo nampedal install --pedal PROFILE'",
        )
    if not case.pedal_name:
        return wrong(
            f"{system_paths.SETTINGS} names no pedal (NAMPEDAL_PEDAL)", "run 'sudo nampedal install --pedal PROFILE'"
        )
    try:
        pedal = case.read_pedal()
    except NampedalError as error:
        return wrong(str(error), "put right what it says, or run 'sudo nampedal install --pedal PROFILE' with another")
    return ok(f"{pedal.key}: {pedal.name}")


@check("board")
def check_board(case: CheckContext) -> Finding:
    """Check that the board is the one in the profile, and not a slower variant of it."""
    board, model = case.pedal.board, case.model
    if not model:
        raise UnknownResultError("this machine does not tell its model (/proc/device-tree/model)")
    if case.emulator:
        raise UnknownResultError(f"an emulated machine: {model}")
    named = board.name.partition(",")[0].replace("+", " Plus")
    if not named.startswith("Raspberry Pi "):
        return unknown(f"{model}; the profile {board.key} is of no board that tells its model")
    if model.split()[: len(named.split())] != named.split():
        return wrong(
            f"this is a {model}, and the profile is for a {board.name}",
            f"name the board that it is in the profile of '{case.pedal_name}', or a pedal with this board: "
            f"{case.reinstall_advice()}",
        )
    fastest = case.machine.text(_FASTEST)
    if fastest is not None and int(fastest) * 100 < board.clock_mhz.value * 1000 * CLOCK_PERCENT:
        return wrong(
            f"{model} runs at {int(fastest) // 1000} MHz at most, and the profile {board.key} is for one of "
            f"{board.clock_mhz.value} MHz: captures that were made for it may be too much",
            f"name the slower board in the profile of '{case.pedal_name}': {case.reinstall_advice()}",
        )
    return ok(model)


@check("HAT")
def check_hat(case: CheckContext) -> Finding:
    """Report the product and vendor in the HAT's EEPROM. Not every HAT has one.

    The firmware copies the EEPROM's data into the device tree (raspberrypi/hats, designguide.md).
    """
    if case.settings.get("NAMPEDAL_USB"):
        raise NotApplicableError(_ON_USB)
    vendor, product = (case.machine.text(_TREE / "hat" / name) for name in ("vendor", "product"))
    if product is None and not parse_config(case.machine.text(CONFIG) or "").eeprom:
        raise NotApplicableError("its EEPROM is not read (force_eeprom_read=0); 'sound card' says whether it works")
    if product is None and not case.is_booted:
        raise UnknownResultError("this system does not run here, so no HAT can be asked for its name")
    if product is None:
        raise UnknownResultError("no HAT tells its name: many have no EEPROM; 'sound card' says whether it works")
    return ok(f"{product} by {vendor or 'nobody'}")


@check("overlay")
def check_overlay(case: CheckContext) -> Finding:
    """Check that config.txt loads the HAT's overlay with its parameters, and that the overlay's file exists."""
    hat, text = case.pedal.hat, case.machine.text(CONFIG)
    if hat.overlay is None:
        raise NotApplicableError(_ON_USB)
    if text is None:
        raise UnknownResultError(f"{CONFIG} is not there, or can't be read")
    config = parse_config(text)
    line = ",".join((f"dtoverlay={hat.overlay}", *hat.overlay_parameters))
    repair = f"write the line '{line}' at the end of {CONFIG}, below a line [all], then 'sudo reboot'"
    named = [overlay for overlay in config.overlays if overlay.name == hat.overlay and overlay.condition != "none"]
    if not named:
        others = comma_list(overlay.name for overlay in config.overlays if overlay.name)
        return wrong(f"{CONFIG} does not load {hat.overlay}; it loads {others}", repair)
    best = next((overlay for overlay in named if not overlay.condition), None)
    if best is None:
        return unknown(f"{CONFIG} loads {hat.overlay} only where [{named[0].condition}] is so")
    lacking = [parameter for parameter in hat.overlay_parameters if parameter not in best.parameters]
    if lacking:
        return wrong(f"{CONFIG} loads {hat.overlay} without {comma_list(lacking)}", repair)
    return _on_the_card(case, config, best) or ok(f"{CONFIG} loads {hat.overlay}")


def _on_the_card(case: CheckContext, config: BootConfig, overlay: Overlay) -> Finding | None:
    """Return the finding if the overlay's file is missing; None if it exists.

    Only pedals of base raspios are checked: Debian's kernels have hardly any overlays, and its pedals need none.
    """
    if case.settings.get("NAMPEDAL_BASE") != "raspios":
        return None
    # The firmware uses the overlays below os_prefix only if a README is beside them (boot.adoc of Raspberry Pi's
    # documentation).
    folder = system_paths.CARD / config.prefix / "overlays"
    if "README" not in case.machine.names(folder):
        folder = system_paths.CARD / "overlays"
    if f"{overlay.name}.dtbo" in case.machine.names(folder):
        return None
    return wrong(
        f"{folder}/{overlay.name}.dtbo is not there: this system's kernel does not know the HAT",
        case.reinstall_advice() if case.is_image else "run 'sudo apt full-upgrade', then 'sudo reboot'",
    )


@check("sound card")
def check_card(case: CheckContext) -> Finding:
    """Check that ALSA has the sound card of the HAT or of a USB interface, with an input and an output."""
    if case.jack.driver != "alsa":
        raise NotApplicableError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not case.is_booted:
        raise UnknownResultError("this system does not run here, and has no sound card")
    usb = case.settings.get("NAMPEDAL_USB", "")
    if usb:
        return check_interface(case, usb)
    wanted = case.settings.get("NAMPEDAL_CARD") or case.pedal.hat.card or ""
    there = {card: (number, name) for number, card, name in _CARD.findall(case.machine.text(_SOUND / "cards") or "")}
    if wanted not in there:
        return wrong(
            f"there is no card '{wanted}'; there is {comma_list(there)}",
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
