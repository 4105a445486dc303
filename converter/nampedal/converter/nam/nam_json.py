"""Reads and checks the JSON of a .nam at once: every field knows its file and its path for error messages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from nampedal.converter.errors import CaptureError
from nampedal.firmware.engine.network import FloatArray

MAX_PARAMETERS = 4_000_000


def short_repr(value: Any) -> str:
    """Return a found value as text that is short enough for one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = "null" if value is None else repr(value) if isinstance(value, str) else str(value).lower()
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 40 else text[:37] + "..."


@dataclass(frozen=True, slots=True)
class Field:
    """One JSON value with its file and its path. The value of a missing field is None, the same as null."""

    file: str
    path: str
    value: Any

    def fail(self, error: type[CaptureError], text: str) -> NoReturn:
        """Raise `error` with one line: file, path, text."""
        place = f"{self.path} " if self.path else ""
        raise error(f"{self.file}: {place}{text}")

    def __getitem__(self, key: str) -> Field:
        path = f"{self.path}.{key}" if self.path else key
        return Field(self.file, path, self.value.get(key) if isinstance(self.value, dict) else None)

    @property
    def present(self) -> bool:
        return self.value is not None

    def object(self) -> Field:
        if not isinstance(self.value, dict):
            self.fail(CaptureError, f"is {short_repr(self.value)}; an object is needed")
        return self

    def items(self, least: int, most: int) -> list[Field]:
        """Return the entries of a list. Raises CaptureError if their number is outside `least` to `most`."""
        if not isinstance(self.value, list):
            self.fail(CaptureError, f"is {short_repr(self.value)}; a list is needed")
        if not least <= len(self.value) <= most:
            self.fail(CaptureError, f"has {len(self.value)} entries; allowed are {least} to {most}")
        return self.entries()

    def entries(self) -> list[Field]:
        """Return the entries of a list, without a limit."""
        return [Field(self.file, f"{self.path}[{i}]", item) for i, item in enumerate(self.value)]

    def each(self, count: int) -> Iterator[Field]:
        """Yield one field for each of `count` layers: the entries of a list, or the same value for all."""
        if not isinstance(self.value, list):
            yield from (self for _ in range(count))
            return
        if len(self.value) != count:
            self.fail(CaptureError, f"has {len(self.value)} entries; one for each of the {count} layers is needed")
        yield from self.items(count, count)

    def integer(self, low: int, high: int, default: int | None = None) -> int:
        if self.value is None and default is not None:
            return default
        whole = isinstance(self.value, int) or (isinstance(self.value, float) and self.value.is_integer())
        if isinstance(self.value, bool) or not whole:
            self.fail(CaptureError, f"is {short_repr(self.value)}; a whole number is needed")
        if not low <= self.value <= high:
            self.fail(CaptureError, f"is {short_repr(self.value)}; allowed are {low} to {high}")
        return int(self.value)

    def number(self, default: float | None = None) -> float:
        if self.value is None and default is not None:
            return default
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)) or not is_finite(self.value):
            self.fail(CaptureError, f"is {short_repr(self.value)}; a finite number is needed")
        return float(self.value)

    def boolean(self, default: bool | None = None) -> bool:
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, bool):
            self.fail(CaptureError, f"is {short_repr(self.value)}; true or false is needed")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.fail(CaptureError, f"is {short_repr(self.value)}; a text is needed")
        return self.value


def is_finite(value: float) -> bool:
    """Return True if the value is finite, also as float32."""
    try:
        return math.isfinite(value) and abs(value) <= float(np.finfo(np.float32).max)
    except OverflowError:
        return False


class WeightReader:
    """Hands out a file's weights in order, and checks their total number at the end."""

    def __init__(self, field: Field) -> None:
        if not isinstance(field.value, list):
            field.fail(CaptureError, f"is {short_repr(field.value)}; a list of numbers is needed")
        self._field = field
        self._taken = 0
        self.count = len(field.value)
        if self.count > MAX_PARAMETERS:
            field.fail(CaptureError, f"has {self.count} entries; allowed are {MAX_PARAMETERS}")
        for i, weight in enumerate(field.value):
            if type(weight) not in (int, float):
                place = Field(field.file, f"{field.path}[{i}]", weight)
                place.fail(CaptureError, f"is {short_repr(weight)}; a number is needed")
            if not is_finite(weight):
                place = Field(field.file, f"{field.path}[{i}]", weight)
                place.fail(CaptureError, f"is {short_repr(weight)}; every weight must be a finite float32")
        self._weights = np.array(field.value, np.float32)

    def take(self, *shape: int) -> FloatArray:
        """Return the next weights in this shape. Past the end it returns zeros; `finish` then raises the error."""
        size = math.prod(shape)
        if self._taken + size > MAX_PARAMETERS:
            self._field.fail(CaptureError, f"would need more than {MAX_PARAMETERS} entries, the most allowed")
        out = np.zeros(size, np.float32)
        found = self._weights[self._taken : self._taken + size]
        out[: len(found)] = found
        self._taken += size
        return out.reshape(shape)

    @property
    def complete(self) -> bool:
        """True if the file had all weights that were taken so far."""
        return self._taken <= self.count

    def finish(self) -> None:
        """Raise CaptureError if the file has more or fewer weights than were taken."""
        if self._taken != self.count:
            self._field.fail(CaptureError, f"has {self.count} entries; this configuration needs {self._taken}")


def json_safe(value: Any) -> Any:
    """Return JSON values that can be written again: inf and nan become None, unpaired surrogates become '?'."""
    match value:
        case dict():
            return {json_safe(key): json_safe(item) for key, item in value.items()}
        case list():
            return [json_safe(item) for item in value]
        case str():
            return value.encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else None
        case _:
            return value
