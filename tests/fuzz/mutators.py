"""Mutations of what the readers take: bytes, TOML, JSON, zips, and FlatBuffers with their checksum repaired.

Each takes a dice and an input, and gives another input; the same for the same dice.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any

Mutator = Callable[[Random, bytes], bytes]

# What readers of TOML and JSON have stumbled over, here and elsewhere.
TOML_VALUES = (
    *("0", "-1", "1", "7", "255", "65536", "2147483648", "9223372036854775808", "1e308", "-1e308", "1e-320", "0.1"),
    *("inf", "-inf", "nan", "true", "false", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[]", "{}", "[[]]"),
    *('""', '" "', '"next"', '"a\\nb"', '"\\u0000"', '"\\u001b[2J"', '"\\u202e"', "'../../etc/passwd'", "'/'", '"a/b"'),
    *('["a", 1]', "[1, 2]", "{a = 1}", '{"a\\nb" = "next"}', '"""two\nlines"""', '"set gain nan"', '"gain -inf inf"'),
    *("0x" + "f" * 4000, "0b" + "1" * 20_000, "9" * 400, "9" * 4301, "-" + "9" * 310, "1e" + "9" * 50),
    *("[" * 300 + "]" * 300, "[" * 90 + "]" * 90, '"' + "next again " * 1000 + 'next"', '"preset ' + "9" * 4301 + '"'),
    *('"' + "x" * 70_000 + '"', '"' + "\N{PILE OF POO}" * 100 + '"', "{" + "a = {" * 90 + "}" * 91),
)
TOML_KEYS = (
    "format",
    "name",
    '"a\\nb"',
    '"\\u001b"',
    '""',
    "a.b.c",
    '"next"',
    "on",
    "\u00e4",
    "1",
    "." * 40,
    "a." * 40 + "b",
)
TOML_HEADS = (
    "[a]",
    "[[block]]",
    "[[wifi]]",
    "[knobs]",
    '[footswitches."a\\nb"]',
    "[control_changes]",
    "[edits.a]",
    "[x.y]",
)
JSON_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**309, -(10**309), 0.5, 1e308, float("nan"), float("inf")),
    *("", " ", "next", "status", "a\nb", "\x1b[2J", "\u202e", "9" * 4301, "preset " + "9" * 4301, "bank " + "9" * 4301),
    *(
        "next again " * 1000 + "next",
        "x" * 60_000,
        "set gain nan",
        "\ud800",
        [],
        {},
        [[]],
        {"": {}},
        ["a", 1],
        [0.5] * 40,
    ),
)
NUMBERS = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0x7FC00000)
FLOATS = (0.0, -1.0, 1e308, -1e308, 1e-320, -7000.0, 7000.0, float("nan"), float("inf"), float("-inf"))


def havoc(dice: Random, data: bytes) -> bytes:
    """Bytes changed, taken out, put in, repeated."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 8))):
        at = dice.randrange(len(out) + 1)
        length = min(dice.choice((1, 1, 2, 4, 16, 64)), len(out) - at)
        match dice.randrange(7):
            case 0:
                out[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del out[at : at + length]
            case 2:
                start = dice.randrange(len(out) + 1)
                out[at:at] = out[start : start + dice.choice((1, 4, 16, 64, 256))]
            case 3:
                out[at : at + length] = dice.randbytes(length)
            case 4:
                out[at : at + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(NUMBERS))
            case 5:
                out[at:at] = dice.choice((b"\0", b"\n", b'"', b"[", b"=", b"\xff", b"9" * 40, b"\xef\xbb\xbf"))
            case _:
                if dice.random() < 0.1:
                    del out[at:]
                elif at < len(out):
                    out[at] ^= 1 << dice.randrange(8)
    return bytes(out)


def toml(dice: Random, data: bytes) -> bytes:
    """Lines, keys and values."""
    if dice.random() < 0.15:
        return havoc(dice, data)
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(lines))
        key, equals, value = lines[at].partition("=")
        match dice.randrange(8):
            case 0:
                lines.insert(at, f"{dice.choice(TOML_KEYS)} = {dice.choice(TOML_VALUES)}")
            case 1:
                lines.insert(at, dice.choice(TOML_HEADS))
            case 2:
                lines.insert(dice.randrange(len(lines)), lines[at])
            case 3:
                del lines[at]
                lines = lines or [""]
            case 4 if equals:
                lines[at] = f"{dice.choice(TOML_KEYS)} ={value}"
            case 5 if equals:
                others = [line.partition("=")[2] for line in lines if "=" in line]
                lines[at] = f"{key}={dice.choice(others)}"
            case _ if equals:
                lines[at] = f"{key}= {dice.choice(TOML_VALUES)}"
            case _:
                pass
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def json_text(dice: Random, data: bytes) -> bytes:
    """A value somewhere in it, a key, an entry more or less."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return havoc(dice, data)
    chance = dice.random()
    if chance < 0.1:
        return havoc(dice, data)
    if chance < 0.15:
        deep = dice.choice((50, 500, 3000))
        return b'{"a":' * deep + data + b"}" * deep
    holder = [tree]
    try:
        for _ in range(dice.choice((1, 1, 2, 3))):
            _change_json(dice, holder)
        return json.dumps(holder[0]).encode()
    except RecursionError:
        # Copying and writing need more of the stack for a level than reading.
        return havoc(dice, data)


def _change_json(dice: Random, holder: list[Any]) -> None:
    """holder: [the tree]."""
    places: list[tuple[Any, Any]] = []
    queue: list[Any] = [holder]
    while queue and len(places) < 2000:
        node = queue.pop()
        keys = list(node) if isinstance(node, dict) else list(range(min(len(node), 40)))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                queue.append(node[key])
    # Numbers are many: what has a name is as likely to be changed as they are.
    named = [place for place in places if isinstance(place[0], dict)]
    node, key = dice.choice(named if named and dice.random() < 0.6 else places)
    match dice.randrange(6):
        case 0 if node is not holder:
            del node[key]
        case 1 if isinstance(node, dict):
            node[dice.choice(("", "a\nb", "format", "name", *map(str, node)))] = node.pop(key)
        case 2 if isinstance(node, list) and node is not holder:
            node[key:key] = node[:200]
        case 3:
            other, name = dice.choice(places)
            node[key] = copy.deepcopy(other[name])
        case 4 if isinstance(node[key], int) and abs(node[key]) < 1 << 40:
            node[key] = dice.choice((node[key] + 1, node[key] - 1, node[key] * 1000, -node[key]))
        case _:
            node[key] = dice.choice(JSON_VALUES)


def zipped(inner: Callable[[str], Mutator], mend: Callable[[dict[str, bytes]], None] | None = None) -> Mutator:
    """Of a zip's members: contents, names, how they are packed. inner: by a member's name.

    mend: puts right what the zip says of its own members, so that a mutant gets past that.
    """

    def mutate(dice: Random, data: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = {one.filename: archive.read(one) for one in archive.infolist() if one.file_size < 1 << 22}
        except Exception:
            return havoc(dice, data)
        if not members or dice.random() < 0.2:
            return havoc(dice, data)
        name = dice.choice(sorted(members))
        match dice.randrange(8):
            case 0:
                new = dice.choice(
                    ("../x", "/x", "a\nb", "bank/" + "d/" * 40 + "x", "bank/x.toml", name + "/x", name.upper())
                )
                members[new] = members.pop(name)
            case 1:
                members["bank/" + dice.choice(("more.toml", "x" * 300, "a\\b", "CON", "caf\u00e9", "cafe\u0301"))] = (
                    members[name]
                )
            case 2:
                del members[name]
            case 3:
                members[name] = bytes(dice.choice((1 << 10, 1 << 20, 1 << 22)))
            case _:
                members[name] = inner(name)(dice, members[name])
        if mend is not None and dice.random() < 0.8:
            mend(members)
        out = _zip(dice, members, dice.random() < 0.3)
        return havoc(dice, out) if dice.random() < 0.1 else out

    return mutate


def _zip(dice: Random, members: dict[str, bytes], odd: bool) -> bytes:
    """odd: packed, listed twice, or of another kind."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            if odd and dice.random() < 0.3:
                info.compress_type = dice.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
                info.external_attr = dice.choice((0o120777, 0o040755, 0o100644)) << 16
            archive.writestr(info, data)
            if odd and dice.random() < 0.1:
                archive.writestr(info, data)
    return out.getvalue()


def mend_manifest(members: dict[str, bytes]) -> None:
    """Has the manifest of a bank file list what is there."""
    names = [name for name in members if name.startswith("bank/")]
    text = 'format = 1\nname = "a bank"\n'
    for name in names:
        path = json.dumps(name.removeprefix("bank/"))
        text += (
            f'\n[[file]]\npath = {path}\nsha256 = "{sha256(members[name]).hexdigest()}"\nbytes = {len(members[name])}\n'
        )
    members["manifest.toml"] = text.encode()


def sealed(inner: Mutator) -> Mutator:
    """What has the CRC-32 of all before it at its end."""

    def mutate(dice: Random, data: bytes) -> bytes:
        body = inner(dice, data[:-4])
        return body + (zlib.crc32(body).to_bytes(4, "little") if dice.random() < 0.97 else data[-4:])

    return mutate


def words(dice: Random, data: bytes) -> bytes:
    """Of 32 bits, where a FlatBuffer has its offsets and numbers."""
    if dice.random() < 0.1 or len(data) < 8:
        return havoc(dice, data)
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = 4 * dice.randrange(len(out) // 4)
        now = int.from_bytes(out[at : at + 4], "little")
        near = (
            now + 1,
            now - 1,
            now + 4,
            now - 4,
            2 * now,
            dice.randrange(64),
            dice.choice(NUMBERS),
            dice.choice(NUMBERS),
        )
        out[at : at + 4] = (dice.choice(near) & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(out)


def tables(unpack: Callable[[bytes], Any], pack: Callable[[Any], bytes], texts: Mutator) -> Mutator:
    """Of a FlatBuffer by the names of its fields; of its words where that can't be packed.

    unpack: to the object API's objects.  texts: how a text that holds JSON is changed.
    """

    def mutate(dice: Random, data: bytes) -> bytes:
        if dice.random() < 0.4:
            return words(dice, data)
        try:
            root = unpack(data)
            for _ in range(dice.choice((1, 1, 2))):
                _change_object(dice, root, texts)
            return pack(root)
        except Exception:
            return words(dice, data)

    return mutate


def _change_object(dice: Random, root: Any, texts: Mutator) -> None:
    places: list[tuple[Any, str]] = []
    queue = [root]
    while queue and len(places) < 2000:
        node = queue.pop()
        for name, value in vars(node).items():
            places.append((node, name))
            inner = value if isinstance(value, list) else [value]
            queue += [one for one in inner if hasattr(one, "__dict__")]
    node, name = dice.choice(places)
    value = getattr(node, name)
    match value:
        case bool() | int():
            value = dice.choice((value + 1, value - 1, dice.randrange(64), dice.choice(NUMBERS)))
        case float():
            value = dice.choice(FLOATS)
        case bytes() | str():
            text = value.encode() if isinstance(value, str) else value
            value = texts(dice, text) if text[:1] == b"{" else havoc(dice, text)
        case list():
            value = dice.choice(([], value * 2, value[1:], value[:-1]))
        case None:
            value = dice.choice((None, b"{}", 1.0, []))
        case _ if dice.random() < 0.3:
            value = None
        case _:
            pass
    setattr(node, name, value)
