"""Changes values in the text of a TOML file, and keeps its comments, order, layout and line endings.

tomlkit makes the changes. It gets no text that `load_toml` did not accept, because only `load_toml` has limits.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, TypeGuard

import tomlkit
from nampedal.firmware.base.errors import SettingsError
from nampedal.firmware.base.files.toml_schema import Values, load_toml, read_text_file, save, to_toml
from nampedal.firmware.base.files.toml_text import unified
from tomlkit.items import AoT, Array, InlineTable, Item, Null, Table

# Maximum characters of a file whose layout is kept; tomlkit needs seconds for much longer files on a small board.
MAX_LENGTH = 64 << 10
# What may follow the [ of a list, and what may follow a value on its line.
_LIST_START = re.compile(r"\[[ \t]*(#.*)?")
_LIST_LINE = re.compile(r"([ \t]*(?P<comma>,))?(?P<comment>[ \t]*(#.*)?)")
_ENDING = re.compile(r"\r\n|\n")

_log = logging.getLogger(__name__)


def merged_into(there: bytes, data: bytes, where: str, complete: Callable[[bytes], Values] | None = None) -> bytes:
    """Return the values of `data` in the text of `there`: only what differs is changed, added or removed.

    there: the bytes of the existing file, which `load_toml` accepts, in any encoding. A UTF-8 byte order mark stays;
    UTF-16 becomes UTF-8.
    data: TOML with the new values.
    where: the file, for messages.
    complete: returns all values of a TOML text, with those that the text leaves out because they are defaults. It may
    raise SettingsError. None: the values that are in the text.

    If the text can't be kept (it is longer than `MAX_LENGTH`, or tomlkit can't change it), `data` is returned, and
    a warning is logged.
    """
    text = unified(where, there)

    def values_of(toml: bytes) -> Values:
        return load_toml(where, toml) if complete is None else complete(toml)

    after = values_of(data)
    try:
        before = values_of(text.encode())
    except SettingsError:
        # Valid TOML with a setting that is not: all settings are compared as they are written.
        before, after = load_toml(where, text.encode()), load_toml(where, data)
    mark = codecs.BOM_UTF8 if there.startswith(codecs.BOM_UTF8) else b""
    if _is_equal(before, after):
        return mark + text.encode()
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError(f"it is longer than {MAX_LENGTH:,} characters")
        changed = with_values(text, before, after).encode()
        if not _is_equal(values_of(changed), values_of(data)):
            raise ValueError("its values can't be changed one by one")
    # tomlkit raises errors of many classes for text that it can't change. The values matter more than the layout.
    except MemoryError:
        raise
    except Exception as error:
        _log.warning("%s: comments and layout are not kept: %s", where, str(error) or type(error).__name__)
        return data
    return mark + changed


def save_edited(data: bytes, path: Path) -> None:
    """Write TOML as `toml_schema.save` does, into the text of the existing file as `merged_into` does.

    A file that can't be read, or is no TOML, is replaced. Raises SettingsUnwritableError.
    """
    # Without a text to keep, the file is written anew. `save` reports what also prevents writing.
    with contextlib.suppress(OSError, SettingsError):
        data = merged_into(read_text_file(path), data, str(path))
    save(data, path)


def with_values(text: str, before: Values, after: Values) -> str:
    """Return a TOML text with the changes that lead from the values `before` to the values `after`.

    text: accepted by `load_toml`; lines end with LF or CRLF. It need not have all values of `before`.
    Raises errors of tomlkit for text that it can't read or change.
    """
    document = tomlkit.parse(text.replace("\r\n", "\n"))
    rendered = document.as_string()
    # New tables come last in the file. They are appended as text, because tomlkit would put them after another table's
    # last comment without a blank line.
    added = {key: value for key, value in after.items() if isinstance(value, Mapping) and key not in document and value}
    _change_table(document, before, {key: value for key, value in after.items() if key not in added})
    changed = document.as_string()
    for key, value in added.items():
        if not _is_equal(before.get(key), value):
            changed += ("" if changed.endswith("\n") else "\n") + to_toml({key: value}).decode()
    return _with_lines_of(text, rendered, changed)


def _is_equal(one: object, other: object) -> bool:
    """Return True if two values are the same in TOML; 6 and 6.0 are, 1 and true are not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _change_table(table: MutableMapping[str, Any], before: Values, after: Values, *, inline: bool = False) -> None:
    """Change a table of a document in place. inline: it can't have a header: it is in { } or has dotted keys."""
    inline = inline or isinstance(table, InlineTable)
    for key in before.keys() - after.keys():
        table.pop(key, None)
    new = {}
    for key, value in after.items():
        old = before.get(key)
        if key in before and _is_equal(old, value):
            continue
        there = table.get(key)
        if isinstance(value, Mapping) and isinstance(there, MutableMapping):
            is_inline = inline or _is_dotted(table, key)
            _change_table(there, old if isinstance(old, Mapping) else {}, value, inline=is_inline)
        elif isinstance(value, list) and isinstance(there, Array) and not _is_table(value):
            table[key] = _with_moved_lines(there, value) or _with_items(there, value)
        elif isinstance(there, MutableSequence) and _are_tables(value) and _are_tables(old):
            _change_tables(there, old, value, inline=inline)
        elif there is not None:
            table[key] = value
        else:
            new[key] = value
    # Last: `_add` writes behind the last value of the table, which must not be removed or replaced afterwards.
    for key, value in new.items():
        _add(table, key, value, inline=inline)


def _change_tables(items: MutableSequence[Any], old: Sequence[Values], new: Sequence[Values], *, inline: bool) -> None:
    """Change a list of tables of a document in place. Those that are equal at its start and its end are not touched."""
    if len(items) != len(old):
        raise ValueError("a list of tables has another length than its values")
    start, end = _common_ends(old, new)
    stop_old, stop_new = len(old) - end, len(new) - end
    for at in range(start, min(stop_old, stop_new)):
        _change_table(items[at], old[at], new[at], inline=inline)
    for at in reversed(range(stop_new, stop_old)):
        del items[at]
    for at in range(stop_old, stop_new):
        items.insert(at, new[at])


def _with_items(array: Array, new: Sequence[Any]) -> Array:
    """Change a list of plain values in place, and return it."""
    # What becomes longer or shorter is the end: tomlkit writes no blank behind an item that it inserts at the start.
    old = array.unwrap()
    for at, value in enumerate(new):
        if at >= len(old):
            array.append(value)
        elif not _is_equal(old[at], value):
            array[at] = value
    del array[len(new) :]
    return array


def _with_moved_lines(array: Array, new: Sequence[Any]) -> Item | None:
    """Return a list of plain values in another order, each with its comment and with the comment lines above it.

    None if the list does not have one value on each line.
    """
    first, *lines = array.as_string().split("\n")
    last = lines.pop() if lines else ""
    if not lines or last.strip() != "]" or _LIST_START.fullmatch(first) is None:
        return None
    written = [item.as_string() for item in array]
    found: list[tuple[list[str], str, str]] = []
    above: list[str] = []
    comma = True
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            above.append(line)
            continue
        text = written[len(found)] if len(found) < len(written) else ""
        rest = _LIST_LINE.fullmatch(line.lstrip().removeprefix(text))
        if not text or not line.lstrip().startswith(text) or rest is None:
            return None
        found.append((above, line[: len(line) - len(line.lstrip())] + text, rest["comment"]))
        comma, above = bool(rest["comma"]), []
    if len(found) != len(written) or not found:
        return None
    indent = found[0][1][: -len(written[0])]
    left = list(zip(array.unwrap(), found, strict=True))
    moved: list[str] = []
    for number, value in enumerate(new, 1):
        at = next((at for at, (old, _) in enumerate(left) if _is_equal(old, value)), None)
        own = left.pop(at)[1] if at is not None else ([], indent + tomlkit.item(value).as_string(), "")
        moved += [*own[0], f"{own[1]}{',' if comma or number < len(new) else ''}{own[2]}"]
    text = "\n".join((first, *moved, *above, last))
    moved_list: Item = tomlkit.parse(f"list = {text}\n")["list"]
    return moved_list


def _common_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """Return how many items are equal at the start, and how many of the others at the end."""
    shortest = min(len(old), len(new))
    start = next((at for at in range(shortest) if not _is_equal(old[at], new[at])), shortest)
    rest = shortest - start
    return start, next((at for at in range(rest) if not _is_equal(old[-1 - at], new[-1 - at])), rest)


def _add(table: MutableMapping[str, Any], key: str, value: object, *, inline: bool) -> None:
    """Add a key to a table of a document.

    A line is written behind the last value that has a line of its own: tomlkit's own place is behind the comments at
    the end of the table, which mostly belong to the next table.
    """
    plain = isinstance(table, tomlkit.TOMLDocument) or (isinstance(table, Table) and not table.is_super_table())
    lines = [] if inline or not plain or _is_table(value) else _lines(table)
    if not lines:
        _set(table, key, _without_headers(value) if inline else value)
        return
    last = lines[-1].trivia
    line = f"{last.indent}{tomlkit.key(key).as_string()} = {tomlkit.item(value).as_string()}\n"
    last.trail = (last.trail or "\n") + line


def _without_headers(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    for key, one in value.items():
        table[key] = _without_headers(one)
    return table


def _is_dotted(table: object, key: str) -> bool:
    """Return True if the table at this key of a table is written as dotted keys: key.a = 1."""
    if not isinstance(table, (tomlkit.TOMLDocument, Table)):
        return False
    container = table if isinstance(table, tomlkit.TOMLDocument) else table.value
    return any(one is not None and one.key == key and one.is_dotted() for one, _ in container.body)


def _set(table: MutableMapping[str, Any], key: str, value: object) -> None:
    """Set a key of a table, and keep the blank before the } of an inline table, which tomlkit does not."""
    is_padded = isinstance(table, InlineTable) and table.as_string().endswith(" }")
    table[key] = value
    if is_padded and isinstance(table, InlineTable) and not table.as_string().endswith(" }"):
        table.value.body[-1][1].trivia.trail = " "


def _lines(table: Any) -> list[Item]:
    """Return the values of a table that are written on lines of their own, in their order."""
    container = table if isinstance(table, tomlkit.TOMLDocument) else table.value
    return [item for key, item in container.body if key is not None and not isinstance(item, (Table, AoT, Null))]


def _are_tables(value: object) -> TypeGuard[list[Values]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(one, Mapping) for one in value))


def _with_lines_of(text: str, rendered: str, changed: str) -> str:
    """Return the changed text with the original lines wherever tomlkit did not change one.

    tomlkit does not keep all blanks, such as those in [[ block ]], and it got no CRLF.
    text: the original.  rendered: the original as tomlkit writes it.  changed: with the changes, by tomlkit.
    """
    endings = Counter(_ENDING.findall(text)).most_common(1)
    ending = endings[0][0] if endings else "\n"
    original, old, new = text.split("\n"), rendered.split("\n"), changed.split("\n")
    if len(original) != len(old):
        return changed.replace("\n", ending)
    # The middle only: SequenceMatcher's time grows with the square of the number of lines.
    start, end = _common_ends(old, new)
    carriage = ending[:-1]
    middle: list[str] = []
    lines = old[start : len(old) - end], new[start : len(new) - end]
    for kind, at, until, new_at, new_until in SequenceMatcher(None, *lines).get_opcodes():
        if kind == "equal":
            middle += original[start + at : start + until]
        elif until - at == new_until - new_at:
            # As many lines as before: each keeps its own ending.
            crs = ["\r" if one.endswith("\r") else "" for one in original[start + at : start + until]]
            middle += [one + cr for one, cr in zip(lines[1][new_at:new_until], crs, strict=True)]
        else:
            middle += [one + carriage for one in lines[1][new_at:new_until]]
    return "\n".join((*original[:start], *middle, *original[len(original) - end :]))
