"""Audio HATs: hw-profiles/hats/*.toml and the user's own, checked and typed. Every number says where it comes from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board import profiles
from nampedal.board.errors import SettingValueError, UnknownHatError
from nampedal.board.profiles import Fact, fact_of, whole_fact_of
from nampedal.board.settings import Values, check_keys, load_toml, table_of, text_of, texts_of

MOST_PIN = 27
# What each number may be, ends included.
LIMITS = {
    "input_channels": (1, 8),
    "output_channels": (1, 8),
    "guitar_channel": (1, 8),
    "input_full_scale_dbu": (-40, 40),
    "output_full_scale_dbu": (-40, 40),
    "input_impedance_ohm": (1, 10_000_000),
    "period_frames": (8, 8192),
    "periods": (2, 8),
}
_KIND = "HAT"
_NEEDED = ("name", "overlay", "card", "input_channels", "output_channels", "guitar_channel", "pins")
_OPTIONAL = ("overlay_parameters", "mixer", *(name for name in LIMITS if name not in _NEEDED))
_OVERLAY = re.compile(r"[a-z0-9][a-z0-9_-]*")
# A comma would begin the next parameter.
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(=[!-+\--~]+)?")
# Linux keeps an id in 16 bytes, the last of them zero, and lets none begin with a digit.
_CARD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")
# 07 would be 7 once more.
_PIN = re.compile(r"0|[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class Hat:
    """key: what it is asked for by.  overlay, overlay_parameters: of dtoverlay= in config.txt.

    card: the ALSA card's id, as in hw:CARD.  mixer: what `amixer sset` is given, call by call, until the HAT sounds.
    guitar_channel: of the input channels, counted from 1.  pins: what each BCM GPIO that it takes is for.
    input_full_scale_dbu, output_full_scale_dbu: RMS of a sine that peaks at 0 dBFS, with this mixer; None if unknown.
    period_frames, periods: what JACK should run it with; None leaves that to the board, and to JACK.
    """

    key: str
    name: str
    overlay: str
    overlay_parameters: tuple[str, ...]
    card: str
    mixer: tuple[tuple[str, ...], ...]
    input_channels: Fact[int]
    output_channels: Fact[int]
    guitar_channel: Fact[int]
    pins: Mapping[int, str]
    input_full_scale_dbu: Fact[float] | None = None
    output_full_scale_dbu: Fact[float] | None = None
    input_impedance_ohm: Fact[int] | None = None
    period_frames: Fact[int] | None = None
    periods: Fact[int] | None = None


def own_folder() -> Path:
    """Where the user's own profiles are, whether it exists or not."""
    return profiles.own_folder(_KIND)


def hat_keys() -> list[str]:
    """What HATs can be asked for, in alphabetical order. Raises SettingsUnreadableError."""
    return profiles.keys(_KIND)


def read_hat(key_or_path: str | Path) -> Hat:
    """The profile of a known HAT, the user's own before ours, or of a file whose name ends in .toml.

    Raises UnknownHatError, or another SettingsError that names file and key.
    """
    path = profiles.find(_KIND, key_or_path, UnknownHatError)
    return _parse(profiles.read(path), path)


def _parse(data: bytes, path: Traversable) -> Hat:
    where = str(path)
    values = load_toml(where, data)
    check_keys(where, "", values, _NEEDED, _OPTIONAL)
    input_channels = _whole(where, "input_channels", values)
    return Hat(
        key=profiles.key_of(path),
        name=text_of(where, "name", values),
        overlay=_overlay(where, values),
        overlay_parameters=_overlay_parameters(where, values),
        card=_card(where, values),
        mixer=_mixer(where, values),
        input_channels=input_channels,
        output_channels=_whole(where, "output_channels", values),
        guitar_channel=whole_fact_of(where, "guitar_channel", values, (1, input_channels.value)),
        pins=_pins(where, values),
        input_full_scale_dbu=_dbu(where, "input_full_scale_dbu", values),
        output_full_scale_dbu=_dbu(where, "output_full_scale_dbu", values),
        input_impedance_ohm=_whole_if_there(where, "input_impedance_ohm", values),
        period_frames=_whole_if_there(where, "period_frames", values),
        periods=_whole_if_there(where, "periods", values),
    )


def _whole(where: str, name: str, values: Values) -> Fact[int]:
    return whole_fact_of(where, name, values, LIMITS[name])


def _whole_if_there(where: str, name: str, values: Values) -> Fact[int] | None:
    return _whole(where, name, values) if name in values else None


def _dbu(where: str, name: str, values: Values) -> Fact[float] | None:
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


def _mixer(where: str, values: Values) -> tuple[tuple[str, ...], ...]:
    if "mixer" not in values:
        return ()
    return tuple(_setting(where, line) for line in texts_of(where, "mixer", values))


def _setting(where: str, line: str) -> tuple[str, ...]:
    """The control, then what it is set to."""
    try:
        words = tuple(shlex.split(line))
    except ValueError:
        words = ()
    if len(words) < 2:
        raise SettingValueError(
            f"{where}: mixer: {line!r} sets nothing; a control and its value are needed, in quotes if they hold spaces"
        )
    return words


def _pins(where: str, values: Values) -> dict[int, str]:
    pins = table_of(where, "pins", values, "one pin or more")
    for pin in pins:
        if _PIN.fullmatch(pin) is None or int(pin) > MOST_PIN:
            raise SettingValueError(f"{where}: pins: {pin!r} is no pin; one of 0 to {MOST_PIN} is needed")
    return {int(pin): text_of(where, f"pins.{pin}", pins) for pin in pins}
