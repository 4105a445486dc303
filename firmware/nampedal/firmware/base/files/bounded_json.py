"""Parses JSON from strangers with limits on numbers and nesting depth.

Python's json accepts integers of thousands of digits, NaN and Infinity, and nests until the recursion limit. Code that
prints such an integer, converts it to a float, or walks such a deep value then raises unexpected exceptions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

# Maximum nesting of lists and objects.
MAX_DEPTH = 64
# Limits of 64-bit integers, signed and unsigned.
MIN_INTEGER, MAX_INTEGER = -(1 << 63), (1 << 64) - 1
# Characters: a sign and the 20 digits of the largest integer.
_MAX_DIGITS = 21
# Characters: more than any float has before its decimal point.
_MAX_FLOAT_DIGITS = 320
# The pattern also matches a string without closing quote, up to the end of the text. This keeps the search linear.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_NUMBER_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"?|[-+.\w]+', re.DOTALL)
# Matches every number that is too large for a float: an exponent of three digits, or 300 digits. It also matches a few
# valid numbers.
_MAY_BE_HUGE = re.compile(r"[eE]\+?0*[1-9]\d\d|\d{300}")


class JsonBoundError(ValueError):
    """The text may be JSON, but is beyond the limits. The message has line and column."""


class _RefusedError(ValueError):
    """A number that is refused. Arguments: the number as written, and what is wrong with it."""


def loads(text: str | bytes, *, finite: bool = True, rest: bool = False) -> Any:
    """Return the value of a JSON text.

    text: bytes are UTF-8, with or without a byte order mark.
    finite: refuse NaN, Infinity, and numbers that do not fit 64 bits or a float; otherwise they become floats.
    rest: accept other text after the value.

    Raises JsonBoundError, json.JSONDecodeError, UnicodeDecodeError: each is a ValueError.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    _check_depth(text)
    parse_float: Callable[[str], float] = _finite if finite and _MAY_BE_HUGE.search(text) else float
    decoder = json.JSONDecoder(
        parse_int=_integer if finite else _integer_or_float,
        parse_float=parse_float,
        parse_constant=_no_constant if finite else float,
    )
    try:
        return decoder.raw_decode(text, _start(text))[0] if rest else decoder.decode(text)
    except _RefusedError as error:
        number, fault = error.args
        raise JsonBoundError(f"{_place_of(number, text)}: {_short(number)} {fault}") from None


def _start(text: str) -> int:
    """Return the index of the value, after JSON whitespace."""
    return len(text) - len(text.lstrip(" \t\n\r"))


def _check_depth(text: str) -> None:
    """Check the nesting depth before parsing, because the parser is recursive."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        kind = token[0][0]
        if kind in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonBoundError(f"{_place(text, token.start())}: is nested more than {MAX_DEPTH} deep")
        elif kind != '"':
            depth -= 1
            if depth == 0:
                # Text after the value is not parsed.
                return


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or not MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        raise _RefusedError(digits, "is beyond 64 bits")
    return int(digits)


def _integer_or_float(digits: str) -> int | float:
    """Return an integer; one that does not fit 64 bits becomes a float. Refuse one that no float can hold."""
    if len(digits) > _MAX_DIGITS and math.isinf(float(digits[:_MAX_FLOAT_DIGITS])):
        raise _RefusedError(digits, "is beyond 64 bits")
    fits = len(digits) <= _MAX_DIGITS and MIN_INTEGER <= int(digits) <= MAX_INTEGER
    return int(digits) if fits else float(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _RefusedError(digits, "is larger than any number that is read here")
    return value


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(name, "is no number of JSON's")


def _place_of(number: str, text: str) -> str:
    found = (token.start() for token in _NUMBER_OR_TEXT.finditer(text) if token[0] == number)
    return _place(text, next(found, 0))


def _place(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1} column {at - text.rfind(chr(10), 0, at)}"


def _short(number: str) -> str:
    return number if len(number) <= 24 else f"{number[:8]}... of {len(number)} digits"
