"""Parses TOML as editors save it, and reports mistakes so that a person can correct them.

Accepted: UTF-8 and UTF-16, with and without a byte order mark; line endings of Windows, Linux and old Macs; the DOS
end-of-file character. Anything that could be meant in another way is an error with its line number. For example, curly
quotes from a phone are not straightened: the phone may have changed other characters in the same text, such as an
apostrophe or the dashes in a file name.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from nampedal.firmware.base.errors import SettingsSyntaxError, TornFileError
from nampedal.firmware.base.files.file_kind import what_it_is

# Maximum size of a file; a person may have to read it.
MAX_BYTES = 4 << 20
# Maximum nesting of tables and lists, and maximum parts of a key. Files that are read here have at most four.
MAX_NESTING = 32
# Integers that every TOML 1.0 reader must accept.
LOWEST_INTEGER, HIGHEST_INTEGER = -(1 << 63), (1 << 63) - 1
# tomllib's time grows with the square of the number of parts of a dotted key: 20,000 parts take seconds. Quoted parts
# of more than 200 characters are not counted: even a file of maximum size has too few of them to matter.
_MAX_KEY_PARTS = 32
_QUOTED_PART = r"""(?:"(?:[^"\\\n]|\\[^\n]){0,200}+"|'[^'\n]{0,200}+')"""
_KEY_PART = rf"(?:[A-Za-z0-9_-]++|{_QUOTED_PART})[ \t]*+\.[ \t]*+"
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.\\-])(?:{_KEY_PART}){{{_MAX_KEY_PARTS}}}")

# Longer marks first: the one of UTF-32 begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# DOS end-of-file character, and the bytes that fill its last record.
_END = re.compile(r"\x1a[\x1a\0\s]*\Z")
_OLD_MAC = re.compile(r"\r(?!\n)")
# The position in tomllib's message.
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_CURLY = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b"
_DASHES = "\u2212\u2013\u2014\u2010\u2011\u2012"
_BLANKS = "\u00a0\u2000-\u200b\u202f\u3000\ufeff"
# Hints, by a pattern for the line that can't be read. The first match is used.
_HINTS = (
    (rf"^[^\"']*[=\[,]\s*[{_CURLY}]|^\s*[{_CURLY}]", 'quotes are curly there; type straight ones: "text"'),
    (r"=\s*[+-]?\d+,\d+\s*(#.*)?$", "a decimal point is needed, as 1.5"),
    (r"=\s*[+-]?(\.\d|\d+\.\s*(#.*)?$)", "a number has digits on both sides of its point, as 0.5"),
    (rf"=\s*[{_DASHES}]", "a minus sign is needed: -"),
    (r"=\s*(True|TRUE|Yes|yes|YES|On|on|ON)\s*(#.*)?$", "write true"),
    (r"=\s*(False|FALSE|No|no|NO|Off|off|OFF)\s*(#.*)?$", "write false"),
    (rf"^[^\"'#]*[{_BLANKS}]", "a blank there is a special one; type it again with the space bar"),
    (r"^\s*[\w.-]+\s*:", "= is needed between a key and its value, not :"),
    (r"=\s*\"[^\"]*\\", "in a text, folders are divided by /, and \\ is written \\\\"),
    (r"=\s*(\"[^\"]*|'[^']*)$", "the quote that ends the text is missing"),
    (r"=\s*[^\W\d]", 'a text stands in "straight quotes"'),
)


def decoded(where: str, data: bytes) -> str:
    """Return the text with Linux line endings.

    Raises SettingsSyntaxError; TornFileError if the data is damaged and no longer text.
    """
    return unified(where, data).replace("\r\n", "\n")


def unified(where: str, data: bytes) -> str:
    """Return the text with the line endings of Linux and of Windows that it has; those of old Macs become Linux's.

    Raises the same errors as `decoded`.
    """
    if len(data) > MAX_BYTES:
        raise SettingsSyntaxError(f"{where}: is longer than {MAX_BYTES:,} bytes, which are read")
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", _unmarked(data)))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_decoded(where, data, error) from error
    text = _END.sub("", _OLD_MAC.sub("\n", text))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TornFileError(
            f"{where}: is not TOML: it holds zero bytes (at line {line}), as a copy that broke off has: copy it again"
        )
    return text


def parsed(where: str, data: bytes) -> dict[str, Any]:
    """Return the values of a TOML file. Raises SettingsSyntaxError."""
    text = decoded(where, data)
    if _LONG_KEY.search(text) is not None:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: a key has over {_MAX_KEY_PARTS} parts")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML: {_explained(data, text, str(error))}") from error
    except RecursionError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: it is nested too deeply") from error
    # Raised by int(), which limits the number of digits.
    except ValueError as error:
        raise SettingsSyntaxError(f"{where}: is not TOML that is read here: a number is too long") from error
    _check(where, values)
    return values


def _unmarked(data: bytes) -> str:
    """Return the encoding of data without a byte order mark. ASCII in UTF-16 has a zero beside each character."""
    if b"\0" not in data[:64] or len(data) % 2:
        return "utf-8"
    for encoding, zeros, signs in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if 2 * zeros.count(0) > len(zeros) and 0 not in signs:
            return encoding
    return "utf-8"


def _not_decoded(where: str, data: bytes, error: UnicodeDecodeError) -> SettingsSyntaxError:
    kind = what_it_is(data)
    if kind:
        return SettingsSyntaxError(f"{where}: is not TOML: it is {kind}")
    if error.encoding != "utf-8":
        return SettingsSyntaxError(f"{where}: is not TOML: it is cut off, or damaged {error.encoding[:6].upper()}")
    # 0xFF bytes are erased flash, or flash that was never written.
    if b"\xff\xff" in data or b"\0" in data:
        return TornFileError(f"{where}: is not TOML: it is not UTF-8, nor any other text: copy it again")
    line = len(re.findall(rb"\r\n|\r|\n", error.object[: error.start])) + 1
    return SettingsSyntaxError(f"{where}: is not TOML: it is not UTF-8 (at line {line}); save it as UTF-8")


def _explained(data: bytes, text: str, said: str) -> str:
    """Return tomllib's message, followed by a hint if there is one."""
    kind = what_it_is(data)
    if kind and kind != "empty":
        return f"it is {kind}"
    words = f"{said[:1].lower()}{said[1:]}"
    place = _PLACE.search(said)
    lines = text.split("\n")
    number = int(place[1]) if place is not None else len(lines) - (len(lines) > 1 and not lines[-1])
    line = lines[number - 1] if number <= len(lines) else ""
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, line)), "")
    if not hint and "cannot overwrite a value" in words:
        hint = "the key of this line is in a line above, too: keep one of the two"
    return f"{words}; {hint}" if hint else words


def _check(where: str, values: Mapping[str, Any]) -> None:
    """Check all values against the limits before any is used, even in a message."""
    # Iterators, not lists: an array may have a million numbers.
    left: list[Iterator[tuple[str, Any]]] = [iter([("", values)])]
    while left:
        key, value = next(left[-1], (None, None))
        if key is None:
            left.pop()
        elif isinstance(value, int) and not LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
            raise SettingsSyntaxError(f"{where}: is not TOML that is read here: {key} is a number of more than 64 bits")
        elif isinstance(value, (dict, list)):
            left.append(_named(key, value))
            if len(left) > MAX_NESTING + 2:
                raise SettingsSyntaxError(f"{where}: is not TOML that is read here: it is nested too deeply")


def _named(key: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """Return the items of a table or list with their full keys."""
    if isinstance(value, dict):
        return ((f"{key}.{name}" if key else name, one) for name, one in value.items())
    return ((key, one) for one in value)
