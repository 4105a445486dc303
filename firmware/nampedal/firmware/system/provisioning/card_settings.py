"""Reads nampedal.toml: the settings on the card's first partition, which any computer can edit.

A guitarist edits it with any text editor. So each key is read by itself: an invalid value makes only its own key
ineffective.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import resources
from typing import Any

from nampedal.firmware.base.errors import SettingsError, SettingsSyntaxError, SettingValueError
from nampedal.firmware.base.files.toml_schema import Values, load_toml, text_of
from nampedal.firmware.system.wifi import networks
from nampedal.firmware.system.wifi.countries import COUNTRIES
from nampedal.firmware.system.wifi.networks import Networks

# A label of a host's name (RFC 1123, section 2.1).
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
SSH_KINDS = (
    *("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
# The header of a table of a Wi-Fi network.
_WIFI_HEADS = re.compile(rb"^[ \t]*(\[\[?)[ \t]*wifi[ \t]*\]", re.MULTILINE)
# Folders that the firmware boots from: they can't be the import folder.
_NO_IMPORT = ("a", "b", "overlays")


@dataclass(frozen=True, slots=True)
class CardSettings:
    """The settings in nampedal.toml. An empty value: as without this file.

    ssh_keys: public keys, one line each.  pedal, hat: a name, or a file on the card whose name ends in .toml.
    imports: the import folder on the card.
    """

    host_name: str = ""
    ssh_keys: tuple[str, ...] = ()
    pedal: str = ""
    hat: str = ""
    imports: str = "import"
    networks: Networks = field(default_factory=Networks)


def template() -> str:
    """Return the nampedal.toml of a new card: every key is explained, none is set. It has Windows line ends (CR LF)."""
    text = (resources.files(__package__) / "nampedal.toml").read_text(encoding="utf-8")
    return text.replace("\n", "\r\n")


def read(
    data: bytes, where: str, countries: frozenset[str] = COUNTRIES
) -> tuple[CardSettings, tuple[SettingsError, ...]]:
    """Return the valid settings, and an error for each invalid key. A syntax error makes all settings invalid.

    where: the file's name, for messages.  countries: the country codes that are allowed for Wi-Fi.
    """
    try:
        values = load_toml(where, data)
    except SettingsSyntaxError as error:
        return CardSettings(), (_with_hint(error, data),)
    found, problems = CardSettings(), []
    for key in values:
        if key in networks.KEYS:
            continue
        try:
            if key not in _READERS:
                raise _unknown(where, key)
            found = replace(found, **_READERS[key](where, values))
        except SettingsError as error:
            problems.append(error)
    found_networks, network_problems = networks.read(where, values, countries)
    return replace(found, networks=found_networks), (*problems, *network_problems)


def _with_hint(error: SettingsSyntaxError, data: bytes) -> SettingsSyntaxError:
    """Return the error with advice, and with the remark that the whole file is ignored. data: the file."""
    heads = _WIFI_HEADS.findall(data)
    if len(heads) >= 2 and set(heads) != {b"[["}:
        hints = ["several networks are written as [[wifi]] each, in double brackets"]
    else:
        hints = []
    return SettingsSyntaxError("; ".join((str(error), *hints, "no line of this file counts until that is mended")))


def _unknown(where: str, key: str) -> SettingValueError:
    known = (*_READERS, *networks.KEYS)
    near = get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return SettingValueError(f"{where}: {key if key.isprintable() else repr(key)}: is no known key; {hint}")


def _host_name(where: str, values: Values) -> dict[str, Any]:
    name = text_of(where, "host_name", values)
    if _HOST_NAME.fullmatch(name) is None:
        raise SettingValueError(
            f"{where}: host_name: is {name!r}; 1 to 63 letters, digits and hyphens are needed, no hyphen at an end"
        )
    return {"host_name": name.lower()}


def _ssh_key(where: str, values: Values) -> dict[str, Any]:
    value = values["ssh_key"]
    keys = value if isinstance(value, list) else [value]
    return {"ssh_keys": tuple(_public_key(where, key) for key in keys)}


def _public_key(where: str, key: object) -> str:
    """Return a public key as a line of authorized_keys.

    An error message never repeats the value: it may be the private key. Raises SettingValueError.
    """
    if isinstance(key, str) and "PRIVATE KEY" in key:
        raise SettingValueError(
            f"{where}: ssh_key: is a private key, which never leaves your computer; the line in the file that ends in "
            ".pub is needed. Make new keys if somebody else has seen this card"
        )
    # The last word is a comment, which may have blanks.
    words = key.strip().split(None, 2) if isinstance(key, str) and key.strip().isprintable() else []
    if len(words) < 2 or words[0] not in SSH_KINDS or not _holds(words[1], words[0]):
        raise SettingValueError(
            f"{where}: ssh_key: is no public key; the line in a file like id_ed25519.pub is needed, all of it: "
            '"ssh-ed25519 AAAA... you@home"'
        )
    return " ".join(words)


def _holds(text: str, kind: str) -> bool:
    """Return True if a text is base64 of a key of this kind.

    The format: the kind's length in four bytes, the kind, the key's data (RFC 4253, 6.6).
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    head = len(kind).to_bytes(4, "big") + kind.encode()
    return data.startswith(head) and len(data) > len(head)


def _pedal(where: str, values: Values) -> dict[str, Any]:
    return {"pedal": _name_or_file(where, "pedal", values, "pi-4-dac-adc")}


def _hat(where: str, values: Values) -> dict[str, Any]:
    return {"hat": _name_or_file(where, "hat", values, "codec-zero")}


def _name_or_file(where: str, key: str, values: Values, example: str) -> str:
    text = text_of(where, key, values)
    if "/" in text or "\\" in text or text.startswith("."):
        raise SettingValueError(
            f"{where}: {key}: is {text!r}; a name like {example}, or a file beside this one like mine.toml, is needed"
        )
    return text


def _import(where: str, values: Values) -> dict[str, Any]:
    text = text_of(where, "import", values)
    name = text.rstrip("/\\")
    if not name or "/" in name or "\\" in name or name.startswith(".") or name.lower() in _NO_IMPORT:
        raise SettingValueError(
            f"{where}: import: is {text!r}; the name of a folder of your own on this card is needed, as import"
        )
    return {"imports": name}


_READERS: Mapping[str, Callable[[str, Values], dict[str, Any]]] = {
    "host_name": _host_name,
    "ssh_key": _ssh_key,
    "pedal": _pedal,
    "hat": _hat,
    "import": _import,
}
