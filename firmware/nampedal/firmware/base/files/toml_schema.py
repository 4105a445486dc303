"""Reads and writes settings files of any kind: TOML, strict keys, and values with limits.

In all functions `where` is the file, `key` the whole dotted key, and `values` the table that holds its last part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import NewerFormatError, SettingsUnwritableError, SettingValueError
from nampedal.firmware.base.files import toml_text
from nampedal.firmware.base.files.atomic_write import write_atomically
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.listing import suffix_of

Values = Mapping[str, Any]
# A key that needs no quotes (TOML 1.0).
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[a-z0-9_]+")
# Maximum characters of a value in a message.
_MAX_SHOWN = 120


def os_error_text(error: OSError) -> str:
    """Return the system's error text, as the end of a sentence."""
    return (error.strerror or str(error)).lower()


def read_text_file(path: Traversable) -> bytes:
    """Return the bytes of a file that may be TOML.

    Raises OSError, also if it is too long for a TOML file or not a regular file.
    """
    return read_bounded(path, toml_text.MAX_BYTES)


def load_toml(where: str, data: bytes) -> dict[str, Any]:
    """Return the values of a TOML file, in any encoding that editors use. Raises SettingsSyntaxError."""
    return toml_text.parsed(where, data)


def dotted(table: str, key: object) -> str:
    """Return the whole key; a last part with invisible characters is quoted. table: as in `check_keys`."""
    name = str(key)
    return f"{table}{name if name.isprintable() else repr(name)}"


def shown(value: object) -> str:
    """Return a value as Python writes it, shortened for a message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def check_keys(where: str, table: str, values: Values, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Check that a table has all needed keys and no unknown ones.

    table: dotted name with a dot at its end, or empty.

    Raises SettingValueError.
    """
    allowed = (*needed, *optional)
    united = {key.rpartition("_")[0]: key for key in allowed if "_" in key}
    for key in values:
        if key in allowed:
            continue
        found = f"{where}: {dotted(table, key)}"
        if key in united:
            raise SettingValueError(f"{found}: has no unit; {table}{united[key]} is needed")
        near = get_close_matches(key, allowed, 1)
        hint = f"did you mean {table}{near[0]}?" if near else f"known are {', '.join(allowed)}"
        raise SettingValueError(f"{found}: is no known key; {hint}")
    for key in needed:
        if key not in values:
            raise SettingValueError(f"{where}: {table}{key}: is missing, and needed")


def check_format(where: str, values: Values, newest: int) -> None:
    """Check the format number of a file. Call it first: a newer format has other keys.

    Raises NewerFormatError, SettingValueError.
    """
    if "format" not in values:
        raise SettingValueError(f"{where}: format: is missing, and needed")
    found = values["format"]
    if isinstance(found, int) and found > newest:
        raise NewerFormatError(
            f"{where}: format: is {found}; it was written by a newer nampedal, and up to {newest} is read here: update "
            "nampedal"
        )
    number_of(where, "format", values, (1, newest), whole=True)


def table_of(where: str, key: str, values: Values, of: str) -> Values:
    """Return a table that is not empty. Raises SettingValueError, as all functions below.

    of: what the table holds, for the message.
    """
    value = values[_last(key)]
    if not isinstance(value, dict) or not value:
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; a table of {of} is needed")
    return value


def text_of(where: str, key: str, values: Values) -> str:
    """Return one line of text that is not blank."""
    return line_of(where, key, values[_last(key)])


def line_of(where: str, key: str, value: object) -> str:
    """Check that a value is one line of text that is not blank, and return it."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; one line of text is needed")
    return value


def name_of(where: str, key: str, value: object) -> str:
    """Check that a value is a short identifier like asimdhp, and return it."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise SettingValueError(f"{where}: {key}: {shown(value)} is no name; one of a to z, 0 to 9 and _ is needed")
    return value


def names_of(where: str, key: str, values: Values) -> tuple[str, ...]:
    """Return a list of identifiers."""
    value = values[_last(key)]
    if not isinstance(value, list):
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; a list of names is needed")
    return tuple(name_of(where, key, name) for name in value)


def texts_of(where: str, key: str, values: Values) -> tuple[str, ...]:
    """Return a list of texts; each is one line and not blank."""
    value = values[_last(key)]
    if not isinstance(value, list):
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; a list of texts is needed")
    return tuple(line_of(where, key, text) for text in value)


def one_of(where: str, key: str, values: Values, known: Sequence[str]) -> str:
    """Return a word that must be one of the known ones."""
    value = values[_last(key)]
    if value not in known:
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; known are {', '.join(known)}")
    return str(value)


def flag_of(where: str, key: str, values: Values) -> bool:
    """Return a boolean."""
    value = values[_last(key)]
    if not isinstance(value, bool):
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; true or false is needed")
    return value


def number_of(where: str, key: str, values: Values, limits: tuple[float, float], *, whole: bool = False) -> float:
    """Return a number within limits, both included; an int stays an int. whole: accept only an int."""
    value = values[_last(key)]
    low, high = limits
    types = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, types) or not low <= value <= high:
        kind = "whole number" if whole else "number"
        raise SettingValueError(f"{where}: {key}: is {shown(value)}; a {kind} from {low} to {high} is needed")
    return value


def to_toml(values: Values, table: str = "") -> bytes:
    """Return values as TOML: texts, numbers, lists of these and of small tables, and tables, which come last."""
    lines = [f"[{table}]"] if table else []
    lines += [f"{_key(key)} = {_literal(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    # Lone surrogates become bytes that are not TOML; the reader reports them.
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    for key, value in values.items():
        if isinstance(value, Mapping):
            text += b"\n" + to_toml(value, f"{table}.{_key(key)}" if table else _key(key))
    return text


def save(text: bytes, path: Path) -> None:
    """Write TOML with `replace_file`. The name must end in .toml. Raises SettingsUnwritableError."""
    if suffix_of(path) != ".toml":
        raise SettingsUnwritableError(f"{path}: can't be written: the name has to end in .toml")
    replace_file(text, path)


def replace_file(data: bytes, path: Path) -> None:
    """Write a file atomically; it is on the disk when this returns. Raises SettingsUnwritableError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(data, path)
    except OSError as error:
        raise SettingsUnwritableError(f"{path}: can't be written: {os_error_text(error)}") from error


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(str(name)) else _quoted(str(name))


def _quoted(text: str) -> str:
    # DEL is the only control character that JSON allows unescaped and TOML does not.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _literal(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_literal(one)}' for key, one in value.items())} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_literal, value))}]"
    # Not repr(): that of numpy's floats is not TOML.
    return str(value).lower()
