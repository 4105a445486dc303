"""Reads [wifi], [[wifi]] and [hotspot] of nampedal.toml. An error in one network disables that network only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nampedal.firmware.base.errors import SettingsError, SettingValueError
from nampedal.firmware.base.files.toml_schema import Values, check_keys, flag_of, number_of, text_of
from nampedal.firmware.system.wifi.countries import COUNTRIES, MEANT

KEYS = ("wifi", "hotspot")
# IEEE 802.11: an SSID has 1 to 32 bytes; a passphrase has 8 to 63 characters of printable ASCII.
MAX_SSID_BYTES = 32
_PASSPHRASE = re.compile(r"[ -~]{8,63}")
# The key that WPA2 derives from the passphrase may be written instead of it.
_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
# Each network takes 4096 rounds of a hash at every boot.
MAX_NETWORKS = 16
# First and last channel of the 2.4 GHz band that are free in every country of wireless-regdb 2026.05.30, except Togo,
# which requires radar detection on all. The default, 6, is in the middle.
CHANNELS = (1, 11)
DEFAULT_CHANNEL = 6


@dataclass(frozen=True, slots=True)
class Wifi:
    """A network to join. password: the passphrase, or 64 hexadecimal digits; empty for an open network."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Hotspot:
    """The pedal's own network.

    password: as that of a `Wifi`, but never empty.
    channel: in the 2.4 GHz band.
    """

    name: str
    password: str
    channel: int = DEFAULT_CHANNEL


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of a nampedal.toml.

    wifi: the preferred one first.
    country: a code in upper case, such as DE; empty if there are no networks.
    """

    wifi: tuple[Wifi, ...] = ()
    hotspot: Hotspot | None = None
    country: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of nampedal.toml that define the networks."""
        return tuple(key for key, found in zip(KEYS, (self.wifi, self.hotspot), strict=True) if found)


@dataclass(frozen=True, slots=True)
class _Network:
    """One table that is valid, except that its country was not yet compared with the others'.

    key: as messages name it, with the dot.
    country: None: not given.
    """

    key: str
    network: Wifi | Hotspot
    country: str | None


def read(
    where: str, values: Values, countries: frozenset[str] = COUNTRIES
) -> tuple[Networks, tuple[SettingsError, ...]]:
    """Return the valid networks, and the errors of the others.

    where: the file's name in messages.
    countries: the country codes that are allowed.
    No message contains a password.
    """
    problems: list[SettingsError] = []
    found: list[_Network] = []
    for key, table in _tables(values):
        try:
            found.append(_network(where, key, table, countries))
        except SettingsError as error:
            problems.append(error)
    wifi = values.get("wifi")
    if isinstance(wifi, list) and len(wifi) > MAX_NETWORKS:
        problems.append(
            SettingValueError(f"{where}: wifi: has {len(wifi)} networks; the first {MAX_NETWORKS} are used")
        )
    country = next((one.country for one in found if one.country is not None), "")
    kept = []
    for one in found:
        try:
            _check_country(where, one, country)
        except SettingsError as error:
            problems.append(error)
        else:
            kept.append(one.network)
    joined = tuple(network for network in kept if isinstance(network, Wifi))
    hotspot = next((network for network in kept if isinstance(network, Hotspot)), None)
    return Networks(joined, hotspot, country if kept else ""), tuple(problems)


def _tables(values: Values) -> Iterator[tuple[str, object]]:
    """Yield each network's value, with the key that messages name it by, including the dot."""
    wifi = values.get("wifi")
    if isinstance(wifi, list) and len(wifi) > 1:
        yield from ((f"wifi {number}.", table) for number, table in enumerate(wifi[:MAX_NETWORKS], 1))
    elif "wifi" in values:
        yield "wifi.", wifi[0] if isinstance(wifi, list) and wifi else wifi
    if "hotspot" in values:
        yield "hotspot.", values["hotspot"]


def _network(where: str, key: str, table: object, countries: frozenset[str]) -> _Network:
    if not isinstance(table, dict):
        # The value is not shown, because it may be the password.
        raise SettingValueError(
            f"{where}: {key.rstrip('.')}: is no table; a table of name, password and country is needed"
        )
    hotspot = key == "hotspot."
    check_keys(where, key, table, ("name",), ("password", "country", "channel" if hotspot else "open"))
    name = _name(where, key, table)
    if hotspot:
        channel = DEFAULT_CHANNEL
        if "channel" in table:
            channel = int(number_of(where, f"{key}channel", table, CHANNELS, whole=True))
        network: Wifi | Hotspot = Hotspot(name, _password(where, key, table), channel)
    else:
        network = Wifi(name, _password_or_open(where, key, table))
    return _Network(key, network, _country(where, key, table, countries))


def _name(where: str, key: str, table: Mapping[str, Any]) -> str:
    name = text_of(where, f"{key}name", table)
    size = len(name.encode())
    if size > MAX_SSID_BYTES:
        raise SettingValueError(f"{where}: {key}name: is {name!r}, {size} bytes; up to {MAX_SSID_BYTES} are allowed")
    return name


def _password_or_open(where: str, key: str, table: Mapping[str, Any]) -> str:
    """Return the password; empty only for `open = true`, so that a forgotten password is an error."""
    is_open = "open" in table and flag_of(where, f"{key}open", table)
    if is_open and "password" in table:
        raise SettingValueError(f"{where}: {key}open: is true, and there is a password; take one of the two lines away")
    if is_open:
        return ""
    if "password" not in table:
        raise SettingValueError(
            f"{where}: {key}password: is missing, and needed; a network that has none needs the line open = true"
        )
    if table["password"] == "":
        raise SettingValueError(
            f"{where}: {key}password: is empty; a network that has none needs the line open = true in its place"
        )
    return _password(where, key, table)


def _password(where: str, key: str, table: Mapping[str, Any]) -> str:
    if "password" not in table:
        raise SettingValueError(f"{where}: {key}password: is missing, and needed")
    password = table["password"]
    if not isinstance(password, str) or not (_PASSPHRASE.fullmatch(password) or _KEY.fullmatch(password)):
        raise SettingValueError(
            f"{where}: {key}password: can't be one; 8 to 63 letters, digits and signs are needed, without accents, in "
            "quotes"
        )
    return password


def _country(where: str, key: str, table: Mapping[str, Any], countries: frozenset[str]) -> str | None:
    if "country" not in table:
        return None
    text = text_of(where, f"{key}country", table)
    if _COUNTRY.fullmatch(text) is None:
        raise SettingValueError(f"{where}: {key}country: is {text!r}; two letters are needed, as DE, GB or US")
    code = text.upper()
    if code in countries:
        return code
    meant = MEANT.get(code)
    hint = (
        f"did you mean {meant}?"
        if meant in countries
        else "take the code of a country whose rules hold where you are, as DE, GB or US"
    )
    raise SettingValueError(
        f"{where}: {key}country: is {text!r}, which Linux has no radio rules for (wireless-regdb); {hint}"
    )


def _check_country(where: str, one: _Network, country: str) -> None:
    """Check that a network has the same country as all others: a radio is in one country at a time.

    country: the first one that is given; empty: none is.
    """
    if not country:
        raise SettingValueError(f"{where}: {one.key}country: is missing, and needed")
    if one.country not in (None, country):
        raise SettingValueError(
            f"{where}: {one.key}country: is {one.country!r}, and another network has {country!r}; all need the same, "
            "that of the country where you are"
        )
