"""Reads and checks profiles of sound cards (a HAT or a USB interface): hw-profiles/hats/*.toml and the user's own.

Every number in a profile states its source.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board.profiles import profile_files
from nampedal.board.profiles.profile_files import Fact, fact_of, whole_fact_of
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_schema import Values, check_keys, load_toml, table_of, text_of, texts_of

MAX_PIN = 27
# Allowed range of each number, both ends included.
LIMITS = {
    "input_channels": (1, 8),
    "output_channels": (1, 8),
    "guitar_channel": (1, 8),
    "input_full_scale_dbu": (-40, 40),
    "output_full_scale_dbu": (-40, 40),
    "input_board_db": (-40, 40),
    "output_board_db": (-40, 40),
    "input_impedance_ohm": (1, 10_000_000),
    "period_frames": (8, 8192),
    "periods": (2, 8),
}
_KIND = "HAT"
_NEEDED = ("name", "overlay", "card", "input_channels", "output_channels", "guitar_channel", "pins")
_OPTIONAL = (
    "overlay_parameters",
    "mixer",
    "guitar_jack",
    "output_jacks",
    *(name for name in LIMITS if name not in _NEEDED),
    "usb",
)
# `Hat.usb` of a profile for any USB audio interface, if only one is connected.
ANY_USB = "any"
# Keys about a HAT's driver, circuit and pins. They are not allowed in the profile of a USB interface.
_NOT_USB = (
    *("overlay", "overlay_parameters", "card", "pins"),
    *("guitar_jack", "output_jacks", "input_board_db", "output_board_db"),
)
_CHANNELS = ("input_channels", "output_channels")
# A USB interface may have more channels than a HAT, and with most interfaces jackd can open only all or none.
_USB_CHANNELS = (1, 64)
# Vendor or product number, as in lsusb and in /proc/asound/cardN/usbid (sound/usb/proc.c of the kernel).
_USB_NUMBER = re.compile("[0-9a-fA-F]{4}")
_OVERLAY = re.compile(r"[a-z0-9][a-z0-9_-]*")
# No comma: it would start the next parameter.
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(=[!-+\--~]+)?")
# Linux stores a card id in 16 bytes with a zero at the end, and allows no digit as the first character.
_CARD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")
# No leading zeros: 07 and 7 would be the same pin twice.
_PIN = re.compile(r"0|[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Hat:
    """A sound card: a HAT or a USB interface.

    key: the name under which it is found.
    overlay, overlay_parameters: for dtoverlay= in config.txt; for USB, overlay is None and there are no parameters.
    card: the ALSA card's id, as in hw:CARD; None for USB, where it is found at run time.
    usb: None for a HAT; `ANY_USB`, or VENDOR:PRODUCT as in lsusb (four lower-case hex digits each).
    mixer: the arguments of each `amixer sset` call that sets up the card.
    means: the effect that the profile states for a line of the mixer, by the control's name.
    guitar_jack, output_jacks: the jack of the guitar and the jack of each output channel, with their names in the
    driver tables (nampedal.board.mixer.driver_tables); empty: any.
    input_board_db, output_board_db: gain between the jack and the chip, such as a voltage divider's; None if unknown.
    input_channels, output_channels: None only with usb `ANY_USB`: jackd opens all channels of the interface.
    guitar_channel: number of the guitar's input channel, counted from 1.
    pins: the BCM GPIO pins that the HAT uses, with the purpose of each.
    input_full_scale_dbu, output_full_scale_dbu: RMS of a sine that peaks at 0 dBFS, with this mixer; None if unknown.
    period_frames, periods: settings for JACK; None: the board's period, and JACK's default.
    """

    key: str
    name: str
    overlay: str | None
    overlay_parameters: tuple[str, ...]
    card: str | None
    mixer: tuple[tuple[str, ...], ...]
    input_channels: Fact[int] | None
    output_channels: Fact[int] | None
    guitar_channel: Fact[int]
    pins: Mapping[int, str]
    input_full_scale_dbu: Fact[float] | None = None
    output_full_scale_dbu: Fact[float] | None = None
    input_impedance_ohm: Fact[int] | None = None
    period_frames: Fact[int] | None = None
    periods: Fact[int] | None = None
    usb: str | None = None
    means: Mapping[str, str] = field(default_factory=dict)
    guitar_jack: str = ""
    output_jacks: tuple[str, ...] = ()
    input_board_db: Fact[float] | None = None
    output_board_db: Fact[float] | None = None


def own_folder() -> Path:
    """Return the folder of the user's own HAT profiles. It may not exist."""
    return profile_files.own_folder(_KIND)


def hat_keys() -> list[str]:
    """Return the keys of all known HATs, in alphabetical order. Raises SettingsUnreadableError."""
    return profile_files.keys(_KIND)


def read_hat(key_or_path: str | Path) -> Hat:
    """Read a HAT profile by its key, or from a file whose name ends in .toml.

    The user's own profile of a key takes precedence over the shipped one.
    Raises SettingValueError, or another SettingsError that names file and key.
    """
    path = profile_files.find(_KIND, key_or_path, SettingValueError)
    return _parse(profile_files.read(path), path)


def _parse(data: bytes, path: Traversable) -> Hat:
    where = str(path)
    values = load_toml(where, data)
    usb = _usb(where, values) if "usb" in values else None
    needed: tuple[str, ...] = _NEEDED
    optional: tuple[str, ...] = _OPTIONAL
    if usb is not None:
        unknown = _CHANNELS if usb == ANY_USB else ()
        needed = tuple(name for name in _NEEDED if name not in (*_NOT_USB, *unknown))
        optional = (*unknown, *(name for name in _OPTIONAL if name not in _NOT_USB))
    check_keys(where, "", values, needed, optional)
    limits = _USB_CHANNELS if usb is not None else LIMITS["input_channels"]
    channels = {name: whole_fact_of(where, name, values, limits) for name in _CHANNELS if name in values}
    max_inputs, max_outputs = (channels[name].value if name in channels else limits[1] for name in _CHANNELS)
    mixer, means = _mixer(where, values)
    return Hat(
        key=profile_files.key_of(path),
        name=text_of(where, "name", values),
        overlay=_overlay(where, values) if usb is None else None,
        overlay_parameters=_overlay_parameters(where, values),
        card=_card(where, values) if usb is None else None,
        mixer=mixer,
        input_channels=channels.get("input_channels"),
        output_channels=channels.get("output_channels"),
        guitar_channel=whole_fact_of(where, "guitar_channel", values, (1, max_inputs)),
        pins=_pins(where, values) if usb is None else {},
        input_full_scale_dbu=_number(where, "input_full_scale_dbu", values),
        output_full_scale_dbu=_number(where, "output_full_scale_dbu", values),
        input_impedance_ohm=_whole_if_there(where, "input_impedance_ohm", values),
        period_frames=_whole_if_there(where, "period_frames", values),
        periods=_whole_if_there(where, "periods", values),
        usb=usb,
        means=means,
        guitar_jack=text_of(where, "guitar_jack", values) if "guitar_jack" in values else "",
        output_jacks=_output_jacks(where, max_outputs, values),
        input_board_db=_number(where, "input_board_db", values),
        output_board_db=_number(where, "output_board_db", values),
    )


def _usb(where: str, values: Values) -> str:
    """Return `Hat.usb` of a profile that has the key `usb`."""
    for key in _NOT_USB:
        if key in values:
            raise SettingValueError(
                f"{where}: {key}: can't stand beside usb; take {key} out for a USB interface, or usb for a HAT"
            )
    value = values["usb"]
    if value == ANY_USB:
        return ANY_USB
    if not isinstance(value, dict):
        raise SettingValueError(
            f'{where}: usb: is {value!r}; "{ANY_USB}", or a table like '
            '{ vendor = "1235", product = "8210" } is needed'
        )
    check_keys(where, "usb.", value, ("vendor", "product"))
    return ":".join(_usb_number(where, f"usb.{name}", value[name]) for name in ("vendor", "product"))


def _usb_number(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or _USB_NUMBER.fullmatch(value) is None:
        raise SettingValueError(
            f'{where}: {key}: is {value!r}; four hexadecimal digits in quotes are needed, as lsusb shows them: "1235"'
        )
    return value.lower()


def _whole_if_there(where: str, name: str, values: Values) -> Fact[int] | None:
    return whole_fact_of(where, name, values, LIMITS[name]) if name in values else None


def _number(where: str, name: str, values: Values) -> Fact[float] | None:
    return fact_of(where, name, values, LIMITS[name]) if name in values else None


def _overlay(where: str, values: Values) -> str:
    overlay = text_of(where, "overlay", values)
    if _OVERLAY.fullmatch(overlay) is None:
        raise SettingValueError(
            f"{where}: overlay: is {overlay!r}; the name of an overlay is needed, without dtoverlay= and parameters"
        )
    return overlay


def _overlay_parameters(where: str, values: Values) -> tuple[str, ...]:
    if "overlay_parameters" not in values:
        return ()
    parameters = texts_of(where, "overlay_parameters", values)
    for parameter in parameters:
        if _PARAMETER.fullmatch(parameter) is None:
            raise SettingValueError(
                f"{where}: overlay_parameters: {parameter!r} is no parameter; one like slave or reset_gpio=5 is needed"
            )
    return parameters


def _card(where: str, values: Values) -> str:
    card = text_of(where, "card", values)
    if _CARD.fullmatch(card) is None:
        raise SettingValueError(
            f"{where}: card: is {card!r}; the id of an ALSA card is needed: a letter, "
            "then 14 letters, digits, _ and - at most"
        )
    return card


def _mixer(where: str, values: Values) -> tuple[tuple[tuple[str, ...], ...], dict[str, str]]:
    """Return the mixer lines, and their stated effects by control."""
    lines = values.get("mixer", [])
    if not isinstance(lines, list):
        raise SettingValueError(f"{where}: mixer: is {lines!r}; a list of texts is needed")
    mixer, means = [], {}
    for line in lines:
        if isinstance(line, dict):
            check_keys(where, "mixer.", line, ("set", "means"))
            mixer.append(_setting(where, text_of(where, "mixer.set", line)))
            means[mixer[-1][0]] = text_of(where, "mixer.means", line)
        else:
            mixer.append(_setting(where, text_of(where, "mixer", {"mixer": line})))
    return tuple(mixer), means


def _setting(where: str, line: str) -> tuple[str, ...]:
    """Split a mixer line into words: the control, then its values."""
    try:
        words = tuple(shlex.split(line))
    except ValueError:
        words = ()
    if len(words) < 2:
        raise SettingValueError(
            f"{where}: mixer: {line!r} sets nothing; a control and its value are needed, in quotes if they hold spaces"
        )
    return words


def _output_jacks(where: str, channels: int, values: Values) -> tuple[str, ...]:
    if "output_jacks" not in values:
        return ()
    jacks = texts_of(where, "output_jacks", values)
    if len(jacks) != channels:
        raise SettingValueError(
            f"{where}: output_jacks: is {list(jacks)!r}; one for each of {channels} outputs is needed"
        )
    return jacks


def _pins(where: str, values: Values) -> dict[int, str]:
    pins = table_of(where, "pins", values, "one pin or more")
    for pin in pins:
        if _PIN.fullmatch(pin) is None or int(pin) > MAX_PIN:
            raise SettingValueError(f"{where}: pins: {pin!r} is no pin; one of 0 to {MAX_PIN} is needed")
    return {int(pin): text_of(where, f"pins.{pin}", pins) for pin in pins}
