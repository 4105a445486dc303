"""What reading and writing a file of settings takes, whatever it describes: TOML, strict keys, and values with limits.

`where` is the file, `key` the whole dotted key; `values` is the table that holds its last part.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nampedal.board.errors import (
    MissingKeyError,
    MissingUnitError,
    NewerFormatError,
    SettingsSyntaxError,
    SettingsUnwritableError,
    SettingValueError,
    UnknownKeyError,
)

Values = Mapping[str, Any]
# A key that needs no quotes (TOML 1.0).
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[a-z0-9_]+")
# tomllib's time grows with the square of the parts of a dotted key: 20,000 of them take seconds. A quoted part that is
# longer than 200 letters does not count: of these, a file of the largest size has too few.
_MOST_KEY_PARTS = 32
_QUOTED_PART = rb"""(?:"(?:[^"\\\n]|\\[^\n]){0,200}+"|'[^'\n]{0,200}+')"""
_KEY_PART = rb"(?:[A-Za-z0-9_-]++|%b)[ \t]*+\.[ \t]*+" % _QUOTED_PART
_LONG_KEY = re.compile(rb"(?<![A-Za-z0-9_.\\-])(?:%b){%d}" % (_KEY_PART, _MOST_KEY_PARTS))


def reason(error: OSError) -> str:
    """What the system says, as the end of a sentence."""
    return (error.strerror or str(error)).lower()


def load_toml(where: str, data: bytes) -> dict[str, Any]:
    """The values of a TOML file. Raises SettingsSyntaxError."""
    if _LONG_KEY.search(data) is not None:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: a key has over {_MOST_KEY_PARTS} parts")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML: it is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        raise SettingsSyntaxError(f"{where}: is not TOML: {said[:1].lower()}{said[1:]}") from error
    except RecursionError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: it is nested too deeply") from error
    # From int(), which limits the digits that it takes.
    except ValueError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: a number is too long") from error


def check_keys(where: str, table: str, values: Values, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
    """table: dotted, with the dot at its end.

    Raises UnknownKeyError, MissingUnitError, MissingKeyError.
    """
    allowed = (*needed, *optional)
    united = {key.rpartition("_")[0]: key for key in allowed if "_" in key}
    for key in values:
        if key in allowed:
            continue
        found = f"{where}: {table}{key if key.isprintable() else repr(key)}"
        if key in united:
            raise MissingUnitError(f"{found}: has no unit; {table}{united[key]} is needed")
        near = get_close_matches(key, allowed, 1)
        hint = f"did you mean {table}{near[0]}?" if near else f"known are {', '.join(allowed)}"
        raise UnknownKeyError(f"{found}: is no known key; {hint}")
    for key in needed:
        if key not in values:
            raise MissingKeyError(f"{where}: {table}{key}: is missing, and needed")


def check_format(where: str, values: Values, newest: int) -> None:
    """Comes first where a file says its format: a newer one has other keys.

    Raises NewerFormatError; MissingKeyError, SettingValueError.
    """
    if "format" not in values:
        raise MissingKeyError(f"{where}: format: is missing, and needed")
    found = values["format"]
    if isinstance(found, int) and found > newest:
        raise NewerFormatError(
            f"{where}: format: is {found}; it was written by a newer nampedal, and up to {newest} is read here: update "
            "nampedal"
        )
    number_of(where, "format", values, (1, newest), whole=True)


def table_of(where: str, key: str, values: Values, of: str) -> Values:
    """A table that is not empty. Raises SettingValueError, as all that follow."""
    value = values[_last(key)]
    if not isinstance(value, dict) or not value:
        raise SettingValueError(f"{where}: {key}: is {value!r}; a table of {of} is needed")
    return value


def text_of(where: str, key: str, values: Values) -> str:
    """One line of text, not blank."""
    value = values[_last(key)]
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SettingValueError(f"{where}: {key}: is {value!r}; one line of text is needed")
    return value


def name_of(where: str, key: str, value: object) -> str:
    """A short name of the machine's, like asimdhp."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise SettingValueError(f"{where}: {key}: {value!r} is no name; one of a to z, 0 to 9 and _ is needed")
    return value


def names_of(where: str, key: str, values: Values) -> tuple[str, ...]:
    """A list of names."""
    value = values[_last(key)]
    if not isinstance(value, list):
        raise SettingValueError(f"{where}: {key}: is {value!r}; a list of names is needed")
    return tuple(name_of(where, key, name) for name in value)


def texts_of(where: str, key: str, values: Values) -> tuple[str, ...]:
    """A list of texts of one line each, none of them blank."""
    value = values[_last(key)]
    if not isinstance(value, list):
        raise SettingValueError(f"{where}: {key}: is {value!r}; a list of texts is needed")
    return tuple(text_of(where, key, {_last(key): text}) for text in value)


def one_of(where: str, key: str, values: Values, known: Sequence[str]) -> str:
    """One word of a few."""
    value = values[_last(key)]
    if value not in known:
        raise SettingValueError(f"{where}: {key}: is {value!r}; known are {', '.join(known)}")
    return str(value)


def flag_of(where: str, key: str, values: Values) -> bool:
    """True or false."""
    value = values[_last(key)]
    if not isinstance(value, bool):
        raise SettingValueError(f"{where}: {key}: is {value!r}; true or false is needed")
    return value


def number_of(where: str, key: str, values: Values, limits: tuple[float, float], *, whole: bool = False) -> float:
    """A number within limits, ends included; an int stays one."""
    value = values[_last(key)]
    low, high = limits
    types = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, types) or not low <= value <= high:
        kind = "whole number" if whole else "number"
        raise SettingValueError(f"{where}: {key}: is {value!r}; a {kind} from {low} to {high} is needed")
    return value


def to_toml(values: Values, table: str = "") -> bytes:
    """Texts, numbers, lists of these and of small tables, and tables as TOML; tables come behind everything else."""
    lines = [f"[{table}]"] if table else []
    lines += [f"{_key(key)} = {_literal(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    # What is no text makes bytes that are no TOML: the reader names it.
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    for key, value in values.items():
        if isinstance(value, Mapping):
            text += b"\n" + to_toml(value, f"{table}.{_key(key)}" if table else _key(key))
    return text


def save(text: bytes, path: Path) -> None:
    """`replace_file` for TOML. Raises SettingsUnwritableError."""
    if path.suffix != ".toml":
        raise SettingsUnwritableError(f"{path}: can't be written: the name has to end in .toml")
    replace_file(text, path)


def replace_file(data: bytes, path: Path) -> None:
    """Puts a file in place at once, and on the disk before it returns. Raises SettingsUnwritableError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_through(data, partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise SettingsUnwritableError(f"{path}: can't be written: {reason(error)}") from error


def write_through(data: bytes, path: Path) -> None:
    """Onto the disk before it returns; not at once. Raises OSError."""
    write_pieces_through([data], path)


def write_pieces_through(pieces: Iterable[bytes], path: Path) -> None:
    """As `write_through`, for what is not in memory as a whole."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(path: Path) -> None:
    """What its files are called is on the disk before it returns. Raises OSError."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(str(name)) else json.dumps(str(name), ensure_ascii=False)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_literal(one)}' for key, one in value.items())} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_literal, value))}]"
    # Not repr(): numpy's floats are floats too.
    return str(value).lower()
