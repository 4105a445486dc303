"""Reads and checks the tables of the sound card drivers: hw-profiles/drivers/*.toml.

A table describes the mixer controls of one driver and its signal routes. A machine driver (the driver of the whole
card) is found by the overlay that loads it. Its table names the drivers of the codecs on the card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nampedal.board.mixer.control_names import is_capture_switch, simple_name
from nampedal.board.profiles import profile_files
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_keys,
    flag_of,
    load_toml,
    number_of,
    one_of,
    text_of,
    texts_of,
)

_KIND = "driver"
_STATES = ("off", "on")


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume: a number from 0 to `most`.

    default: the number when the driver starts; None if unknown.  db: pairs of number and dB in ascending order, with
    linear interpolation between them; numbers below the first pair are silent.  Empty if the driver has no dB scale.
    """

    most: int
    default: int | None = None
    db: tuple[tuple[int, float], ...] = ()

    def db_of(self, number: int) -> float | None:
        """Return the dB value of a number; None if the number is silent or the driver has no dB scale."""
        for (low, low_db), (high, high_db) in zip(self.db, self.db[1:] or self.db, strict=False):
            if low <= number <= high:
                return low_db + (high_db - low_db) * (number - low) / max(high - low, 1)
        return None

    def number_of(self, db: float) -> int:
        """Return the number nearest to a dB value, as amixer chooses it. Needs a dB scale."""
        numbers = range(self.db[0][0], self.most + 1)
        return min(numbers, key=lambda number: abs((self.db_of(number) or 0.0) - db))

    @property
    def range_db(self) -> tuple[float, float]:
        """The lowest dB value that is not silent, and the highest. Needs a dB scale."""
        return self.db_of(self.db[0][0]) or 0.0, self.db_of(self.most) or 0.0


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch.

    default: its state when the driver starts; None if unknown.  capture: amixer sets it with cap and nocap.
    inverted: the driver writes the opposite into the register.  opposite: "on" turns off the function that the control
    is named after.  pin: it powers a jack.  read_only: it can't be set.  on, off: the effect of each state; empty if
    the table does not say.
    """

    default: bool | None
    capture: bool
    inverted: bool = False
    opposite: bool = False
    pin: bool = False
    read_only: bool = False
    on: str = ""
    off: str = ""

    def effect(self, on: bool) -> str:
        return self.on if on else self.off


@dataclass(frozen=True, slots=True)
class MixerControl:
    """A simple control of amixer: a volume, a switch or both; or a choice of one item.

    driver: the key of the table that defines it.  kernel: the kernel's names of its parts.  items: all choices.
    default_item: the choice when the driver starts; None if unknown.  same_as: another control that writes the same
    register.  leave_alone: the reason why a profile must not set it; empty: it may be set.
    """

    name: str
    driver: str
    kernel: tuple[str, ...]
    volume: Volume | None = None
    switch: Switch | None = None
    items: tuple[str, ...] = ()
    default_item: str | None = None
    same_as: str = ""
    do_not_set_reason: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A signal route from `start` to `end`, which is open while all conditions are true.

    A condition is the name of a control, or CONTROL=ITEM. A named control has to be switched on and not silent, and its
    dB value is part of the gain. CONTROL=ITEM: the control has to be set to that item.
    """

    start: str
    end: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FullScale:
    """The RMS voltage at a chip's pin of a sine at 0 dBFS, when all gains on the path are 0 dB.

    source: where the number comes from.
    """

    volts_rms: float
    source: str


@dataclass(frozen=True, slots=True)
class SoundDriver:
    """One driver table.

    overlays, codecs: only in the table of a machine driver; codecs: keys of other tables.  limits: the maximum number
    that the machine driver allows for a control, by the control's name.  full_scale: by the chip's pin.
    """

    key: str
    name: str
    source: str
    controls: Mapping[str, MixerControl]
    routes: tuple[Route, ...]
    overlays: tuple[str, ...]
    codecs: tuple[str, ...]
    limits: Mapping[str, int]
    full_scale: Mapping[str, FullScale]


@dataclass(frozen=True, slots=True)
class SoundCard:
    """A machine driver and its codecs, merged into one, with the machine driver's limits applied."""

    drivers: tuple[str, ...]
    controls: Mapping[str, MixerControl]
    routes: tuple[Route, ...]
    full_scale: Mapping[str, FullScale]


def driver_keys() -> list[str]:
    """Return the keys of all driver tables, in alphabetical order. Raises SettingsUnreadableError."""
    return profile_files.keys(_KIND)


def read_driver(key: str) -> SoundDriver:
    """Read and check a driver table. Raises SettingValueError, or another SettingsError that names file and key."""
    path = profile_files.find(_KIND, key, SettingValueError)
    where = str(path)
    values = load_toml(where, profile_files.read(path))
    optional = ("overlays", "codecs", "controls", "limits", "full_scale")
    check_keys(where, "", values, ("name", "source", "routes"), optional)
    key = profile_files.key_of(path)
    return SoundDriver(
        key=key,
        name=text_of(where, "name", values),
        source=text_of(where, "source", values),
        controls={name: _control(where, key, name, found) for name, found in _tables(where, "controls", values)},
        routes=tuple(_routes(where, values)),
        overlays=texts_of(where, "overlays", values) if "overlays" in values else (),
        codecs=texts_of(where, "codecs", values) if "codecs" in values else (),
        limits=_limits(where, values),
        full_scale=dict(_full_scale(where, values)),
    )


def sound_card(overlay: str | None) -> SoundCard | None:
    """Return the sound card that an overlay loads; None if no table has this overlay, or `overlay` is None (USB).

    Raises SettingsError if a table is wrong.
    """
    for key in driver_keys():
        machine = read_driver(key)
        if overlay in machine.overlays:
            return _join(machine, [read_driver(codec) for codec in machine.codecs])
    return None


def _join(machine: SoundDriver, codecs: list[SoundDriver]) -> SoundCard:
    drivers = [machine, *codecs]
    controls = {name: control for driver in drivers for name, control in driver.controls.items()}
    for name, most in machine.limits.items():
        control = controls[name]
        assert control.volume is not None
        default = control.volume.default
        volume = replace(control.volume, most=most, default=None if default is None else min(default, most))
        # Cut the dB scale at the limit; below it, the scale stays the same.
        db = tuple((number, db) for number, db in volume.db if number < most)
        top = control.volume.db_of(most)
        controls[name] = replace(control, volume=replace(volume, db=(*db, (most, top)) if top is not None else ()))
    return SoundCard(
        drivers=tuple(driver.key for driver in drivers),
        controls=controls,
        routes=tuple(route for driver in drivers for route in driver.routes),
        full_scale={pin: scale for driver in drivers for pin, scale in driver.full_scale.items()},
    )


def _tables(where: str, key: str, values: Values) -> Iterator[tuple[str, Values]]:
    for name, found in values.get(key, {}).items():
        if not isinstance(found, dict):
            raise SettingValueError(f"{where}: {key}.{name}: is {found!r}; a table is needed")
        yield name, found


def _control(where: str, driver: str, name: str, values: Values) -> MixerControl:
    table = f"controls.{name}."
    check_keys(where, table, values, ("kernel",), ("volume", "switch", "items", "default", "same_as", "leave_alone"))
    kernel = texts_of(where, f"{table}kernel", values)
    for one in kernel:
        if simple_name(one) != name:
            raise SettingValueError(f"{where}: {table}kernel: amixer calls {one!r} {simple_name(one)!r}, not {name!r}")
    items = texts_of(where, f"{table}items", values) if "items" in values else ()
    if bool(items) == ("volume" in values or "switch" in values):
        raise SettingValueError(f"{where}: controls.{name}: a volume, a switch, both, or items are needed")
    return MixerControl(
        name,
        driver,
        kernel,
        _volume(where, f"{table}volume", values["volume"]) if "volume" in values else None,
        _switch(where, f"{table}switch", values["switch"], kernel) if "switch" in values else None,
        items,
        one_of(where, f"{table}default", values, items) if "default" in values else None,
        text_of(where, f"{table}same_as", values) if "same_as" in values else "",
        text_of(where, f"{table}leave_alone", values) if "leave_alone" in values else "",
    )


def _volume(where: str, key: str, values: Values) -> Volume:
    check_keys(where, f"{key}.", values, ("most",), ("default", "db"))
    most = int(number_of(where, f"{key}.most", values, (1, 1 << 16), whole=True))
    default = int(number_of(where, f"{key}.default", values, (0, most), whole=True)) if "default" in values else None
    pairs = values.get("db", [])
    good = isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    if (
        not good
        or [pair[0] for pair in pairs] != sorted({pair[0] for pair in pairs})
        or (pairs and pairs[-1][0] != most)
    ):
        raise SettingValueError(f"{where}: {key}.db: is {pairs!r}; pairs of number and dB, up to {most}, are needed")
    return Volume(most, default, tuple((int(number), float(db)) for number, db in pairs))


def _switch(where: str, key: str, values: Values, kernel: tuple[str, ...]) -> Switch:
    flags = ("inverted", "opposite", "pin", "read_only")
    check_keys(where, f"{key}.", values, (), ("default", "on", "off", *flags))
    return Switch(
        default=one_of(where, f"{key}.default", values, _STATES) == "on" if "default" in values else None,
        capture=any(map(is_capture_switch, kernel)),
        on=text_of(where, f"{key}.on", values) if "on" in values else "",
        off=text_of(where, f"{key}.off", values) if "off" in values else "",
        **{flag: flag_of(where, f"{key}.{flag}", values) for flag in flags if flag in values},
    )


def _routes(where: str, values: Values) -> Iterator[Route]:
    routes = values["routes"]
    if not isinstance(routes, list):
        raise SettingValueError(f"{where}: routes: is {routes!r}; a list of routes is needed")
    for route in routes:
        if not isinstance(route, list) or len(route) < 2:
            raise SettingValueError(f"{where}: routes: is {route!r}; from where, to where and through what is needed")
        start, end, *conditions = texts_of(where, "routes", {"routes": route})
        yield Route(start, end, tuple(conditions))


def _limits(where: str, values: Values) -> dict[str, int]:
    limits = values.get("limits", {})
    return {name: int(number_of(where, f"limits.{name}", limits, (1, 1 << 16), whole=True)) for name in limits}


def _full_scale(where: str, values: Values) -> Iterator[tuple[str, FullScale]]:
    for pin, found in _tables(where, "full_scale", values):
        table = f"full_scale.{pin}."
        check_keys(where, table, found, ("volts_rms", "source"))
        volts = number_of(where, f"{table}volts_rms", found, (0.001, 100))
        yield pin, FullScale(volts, text_of(where, f"{table}source", found))
