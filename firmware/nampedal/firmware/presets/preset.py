"""Presets: TOML files that a person can edit, with a name, blocks in playing order, and levels.

Files are named relative to the preset's folder and lie in it or below, so a bank is a folder that can be copied.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from nampedal.firmware.actions import bindings
from nampedal.firmware.actions.bindings import TABLES, Bindings
from nampedal.firmware.base.errors import ControlMapError, SettingValueError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.durable_toml import check_overwritable, read_safely, update_safely
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    dotted,
    line_of,
    load_toml,
    number_of,
    one_of,
    shown,
    table_of,
    text_of,
    to_toml,
)

FORMAT = 1
SUFFIX = file_names.PRESET
MAX_BLOCKS = 16
# Enough for a drive in front of an amplifier; boards have no CPU time for more.
MAX_NAMS = 2

_log = logging.getLogger(__name__)


def _number(default: float | None, low: int, high: int) -> Any:
    return field(default=default, metadata={"limits": (low, high)})


@dataclass(frozen=True, slots=True)
class Gain:
    """A gain stage."""

    gain_db: float = _number(0.0, -60, 40)
    on: bool = True


@dataclass(frozen=True, slots=True)
class Gate:
    """A noise gate.

    It opens at the threshold. It closes when the signal was below threshold minus hysteresis for the hold time.
    release_ms: time to fall by 60 dB.
    """

    threshold_db: float = _number(-60.0, -100, 0)
    hysteresis_db: float = _number(6.0, 0, 24)
    attack_ms: float = _number(1.0, 0, 100)
    hold_ms: float = _number(50.0, 0, 2000)
    release_ms: float = _number(100.0, 1, 5000)
    on: bool = True


@dataclass(frozen=True, slots=True)
class Nam:
    """A capture, played from its artifact.

    gain_db: gain in front of it, added to the calibration gain.
    level_db: gain behind it.
    """

    artifact: str
    gain_db: float = _number(0.0, -40, 40)
    level_db: float = _number(0.0, -40, 40)
    on: bool = True


@dataclass(frozen=True, slots=True)
class Tone:
    """Bass, mid and treble from 0 to 10, neutral at 5. A cut at 0 Hz is off."""

    bass: float = _number(5.0, 0, 10)
    mid: float = _number(5.0, 0, 10)
    treble: float = _number(5.0, 0, 10)
    low_cut_hz: float = _number(0.0, 0, 1000)
    high_cut_hz: float = _number(0.0, 0, 20_000)
    on: bool = True


@dataclass(frozen=True, slots=True)
class Cabinet:
    """One impulse response, or a mix of two.

    channel: of a file with several channels, counted from 1; 0: the loudest.
    second_share: share of the second response in the sound.
    length_ms: length that is kept.
    """

    impulse_response: str
    channel: int = _number(0, 0, 64)
    second_impulse_response: str = ""
    second_channel: int = _number(0, 0, 64)
    second_share: float = _number(0.5, 0, 1)
    length_ms: float = _number(85.0, 1, 170)
    level_db: float = _number(0.0, -40, 40)
    on: bool = True


Block = Gain | Gate | Nam | Tone | Cabinet
KINDS: Mapping[str, type[Block]] = {kind.__name__.lower(): kind for kind in get_args(Block)}
_FILES = ("artifact", "impulse_response", "second_impulse_response")


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset: blocks and levels.

    input_gain_db: gain before all blocks.
    level_db: gain behind all blocks.
    normalise: bring the preset to the loudness that all presets have.
    loudness_lufs: of all blocks together, as measured with `dry_guitar.guitar`; None: it is measured in preparation.
    bypass_keeps_cabinet: the cabinet block stays active in bypass.
    controls: bindings that replace the pedal's own while the preset plays.
    """

    name: str
    blocks: tuple[Block, ...]
    input_gain_db: float = _number(0.0, -40, 40)
    level_db: float = _number(0.0, -60, 20)
    normalise: bool = True
    bypass_keeps_cabinet: bool = True
    controls: Bindings = field(default_factory=Bindings)
    loudness_lufs: float | None = _number(None, -100, 40)


_OWN = tuple(one.name for one in fields(Preset) if one.name not in ("name", "blocks", "controls"))


def read(path: Path) -> Preset:
    """Read a preset. Raises SettingsError, which names file and key.

    If the newest version is torn, the older version is read, and a warning is logged.
    """
    stored = read_safely(path)
    if stored.warning:
        _log.warning("%s", stored.warning)
    return parse(stored.data, str(path))


def parse(data: bytes, where: str) -> Preset:
    """Parse the bytes of a preset file. where: file name for messages. Raises SettingsError."""
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "name", "block"), (*_OWN, *TABLES))
    blocks = _blocks(where, values["block"])
    own = {one.name: _value(where, one.name, values, one) for one in fields(Preset) if one.name in values.keys() & _OWN}
    return Preset(text_of(where, "name", values), blocks, **own, controls=_controls(where, values))


def write(preset: Preset, path: Path) -> None:
    """Write a preset with an atomic write. Raises SettingsError before anything is written.

    In an existing file only the settings that differ are changed; its comments, order and layout stay.
    It also raises SettingsError if the existing file has a mistake in an edit, because that edit would be lost.
    """
    data = pack(preset)
    parse(data, str(path))
    check_overwritable(path)
    update_safely(path, data, lambda text: load_toml(str(path), pack(parse(text, str(path)))))


def pack(preset: Preset) -> bytes:
    """Return the preset as the bytes of a preset file, without checksum."""
    own = {name: value for name in _OWN if (value := getattr(preset, name)) is not None}
    text = to_toml({"format": FORMAT, "name": preset.name, **own})
    for block in preset.blocks:
        values = {one.name: getattr(block, one.name) for one in fields(block)}
        text += b"\n[[block]]\n" + to_toml({"kind": type(block).__name__.lower(), **values})
    controls = bindings.to_tables(preset.controls)
    return text + (b"\n" + to_toml(controls) if controls else b"")


def files_of(preset: Preset) -> tuple[str, ...]:
    """Return the files that a preset names.

    They are relative to the preset's folder, each once, in playing order.
    """
    named = [getattr(block, name) for block in preset.blocks for name in _FILES if hasattr(block, name)]
    return tuple(dict.fromkeys(PurePosixPath(name).as_posix() for name in named if name))


def limits_of(table: type[Block] | type[Preset], name: str) -> tuple[int, int]:
    """Return the limits of a number field, both included. Raises KeyError if the field has no limits."""
    limits: tuple[int, int] = next(one for one in fields(table) if one.name == name).metadata["limits"]
    return limits


def _controls(where: str, values: Mapping[str, Any]) -> Bindings:
    tables = {
        name: {key: line_of(where, dotted(f"{name}.", key), text) for key, text in table.items()}
        for name in TABLES
        if name in values and (table := table_of(where, name, values, "what controls do"))
    }
    try:
        return bindings.read(tables, where)
    except ControlMapError as error:
        raise SettingValueError(str(error)) from error


def _blocks(where: str, tables: object) -> tuple[Block, ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingValueError(f"{where}: block: is {shown(tables)}; [[block]] tables are needed, one for each block")
    if not 0 < len(tables) <= MAX_BLOCKS:
        raise SettingValueError(f"{where}: block: there are {len(tables)}; 1 to {MAX_BLOCKS} are allowed")
    blocks = tuple(_block(where, f"block {number}.", table) for number, table in enumerate(tables, 1))
    nams = sum(isinstance(block, Nam) for block in blocks)
    if nams > MAX_NAMS:
        raise SettingValueError(f"{where}: block: {nams} are of the kind nam; {MAX_NAMS} are allowed")
    return blocks


def _block(where: str, table: str, values: Mapping[str, Any]) -> Block:
    if "kind" not in values:
        check_keys(where, table, values, ("kind",), tuple(values))
    kind = KINDS[one_of(where, f"{table}kind", values, tuple(KINDS))]
    known = fields(kind)
    needed = tuple(one.name for one in known if one.default is MISSING)
    optional = tuple(one.name for one in known if one.default is not MISSING)
    check_keys(where, table, values, ("kind", *needed), optional)
    return kind(**{one.name: _value(where, table + one.name, values, one) for one in known if one.name in values})


def _value(where: str, key: str, values: Mapping[str, Any], one: Any) -> Any:
    if one.name in _FILES:
        return _file(where, key, values, needed=one.default is MISSING)
    if one.type == "bool":
        value = values[one.name]
        if not isinstance(value, bool):
            raise SettingValueError(f"{where}: {key}: is {shown(value)}; true or false is needed")
        return value
    whole = one.type == "int"
    number = number_of(where, key, values, one.metadata["limits"], whole=whole)
    return number if whole else float(number)


def _file(where: str, key: str, values: Mapping[str, Any], *, needed: bool) -> str:
    if not needed and values[key.rpartition(".")[2]] == "":
        return ""
    name = text_of(where, key, values)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise SettingValueError(
            f"{where}: {key}: is {shown(name)}; a file in the preset's own folder or below it is needed, as "
            "cabs/one.wav"
        )
    if not file_names.is_possible(name):
        raise SettingValueError(f"{where}: {key}: is {shown(name)}, which Windows takes for no file's name; rename it")
    return name
