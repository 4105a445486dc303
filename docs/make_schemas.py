"""Makes JSON Schemas of presets, bank.toml and pedal profiles, and the tables of keys in reference/presets.md.

All limits and defaults are those that the readers check. Run it after a change of a key: `python docs/make_schemas.py`.

The schemas are of draft 4, the newest that Taplo (of Even Better TOML) promises to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from nampedal.board.inputs.footswitch import LIMITS_S
from nampedal.board.inputs.knob import CURVES
from nampedal.board.inputs.knob import LIMITS as KNOB_LIMITS
from nampedal.board.profiles import hats, pedals, wiring
from nampedal.board.profiles.profile_files import FACT_KEYS, STATUSES
from nampedal.firmware.actions import action, bindings, midi
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank

Schema = dict[str, Any]

DOCS = Path(__file__).parent
FOLDER = DOCS / "reference" / "schema"
PAGE = DOCS / "reference" / "presets.md"
SITE = "https://nampedal.github.io/nampedal"
FILES = ("artifact", "impulse_response", "second_impulse_response")

# What each key is, for the table and for editors. A preset's own keys, then those of each kind of block.
PRESET = {
    "format": "The format of this file.",
    "name": "The name that people see.",
    "input_gain_db": "Gain before all blocks.",
    "level_db": "Gain behind all blocks, before the soft limiter.",
    "normalise": "A make-up gain brings all blocks together to -18 LUFS. A preset without a nam block has none.",
    "bypass_keeps_cabinet": "In bypass the cabinet stays.",
    "loudness_lufs": "How loud all blocks are together; -70 and less is too quiet to be raised. Saving a preset writes "
    "it, so that the preset stays as loud as it is. Delete the line to have it measured again.",
}
BLOCKS: Mapping[str, Mapping[str, str]] = {
    "gain": {"gain_db": "Gain."},
    "gate": {
        "threshold_db": "The gate opens where the input's envelope reaches this.",
        "hysteresis_db": "It closes this much below the threshold.",
        "attack_ms": "Time to open.",
        "hold_ms": "Time below the threshold before it closes.",
        "release_ms": "Time to become 60 dB quieter.",
    },
    "nam": {
        "artifact": "The capture: a .stomp or .tflite file. A preset has two nam blocks at most.",
        "gain_db": "Gain into the capture.",
        "level_db": "Gain behind the capture.",
    },
    "tone": {
        "bass": "A shelf at 150 Hz, 4 dB a step.",
        "mid": "A bell at 425 Hz, 3 dB a step.",
        "treble": "A shelf at 1.8 kHz, 2 dB a step.",
        "low_cut_hz": "Cuts what is below, second order. 0: off.",
        "high_cut_hz": "Cuts what is above, second order. 0: off.",
    },
    "cabinet": {
        "impulse_response": "Any recording. It is resampled, cut to its onset, and made as loud as no cabinet.",
        "channel": "Its channel, from 1. 0: the loudest.",
        "second_impulse_response": "Another cabinet, mixed in.",
        "second_channel": "The channel of the other one.",
        "second_share": "The share of the other one in the sound.",
        "length_ms": "How much of the recording is kept.",
        "level_db": "Gain behind the cabinet.",
    },
}
ON = "false: the block is passed over."

LINE = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"}
FILE = {**LINE, "not": {"pattern": r"^/|\\|(^|/)\.\.(/|$)"}}
NAME = "^[a-z0-9_]+$"
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def preset_schema() -> Schema:
    """Return the schema of a preset."""
    kinds = [_block(name, kind) for name, kind in preset.KINDS.items()]
    own = {one.name: _value(one, PRESET[one.name]) for one in fields(preset.Preset) if one.name in PRESET}
    return {
        **_head("preset", "A preset of nampedal"),
        **_table(
            {
                "format": {"enum": [preset.FORMAT], "description": PRESET["format"]},
                **own,
                "block": {
                    "type": "array",
                    "description": "The blocks, in the order in which they are played.",
                    "minItems": 1,
                    "maxItems": preset.MAX_BLOCKS,
                    "items": {"oneOf": kinds},
                },
                **_controls(),
            },
            needed=("format", "name", "block"),
        ),
    }


def bank_schema() -> Schema:
    """Return the schema of a bank.toml."""
    return {
        **_head("bank", "The order of a bank of nampedal"),
        **_table(
            {
                "format": {"enum": [bank.FORMAT], "description": "The format of this file."},
                "name": {**LINE, "description": "The name that people see. Default: the folder's."},
                "order": {
                    "type": "array",
                    "items": LINE,
                    "description": "Short names of the presets that come first, in their order.",
                },
                "programs": {
                    **_midi_table("programs", LINE),
                    "description": "Presets by MIDI's program numbers, from 1. All other numbers count places.",
                },
            },
            needed=("format",),
        ),
    }


def pedal_schema() -> Schema:
    """Return the schema of a pedal's profile."""
    levels = ("input_full_scale_dbu", "output_full_scale_dbu")
    knob = {name: _number(limits) for name, limits in KNOB_LIMITS.items()}
    flags = {name: {"type": "boolean"} for name in ("inverted", "expression", "jump")}
    times = {name: _number(limits) for name, limits in LIMITS_S.items()}
    named = {"type": "object", "minProperties": 1, "additionalProperties": False}
    return {
        **_head("pedal", "The profile of a nampedal"),
        **_table(
            {
                "name": {**LINE, "description": "The name that people see."},
                "board": {**LINE, "description": "The Raspberry Pi: a name that `nampedal boards` lists, or a file."},
                "hat": {**LINE, "description": "The sound card: the name of a HAT's profile, or a file."},
                **{name: _fact(hats.LIMITS[name]) for name in levels},
                **_wiring(),
                "knob": {
                    **named,
                    "patternProperties": {
                        NAME: {**_table({**knob, "curve": {"enum": list(CURVES)}, **flags}), "minProperties": 1}
                    },
                    "description": "How knobs are read, by their names.",
                },
                "times": {**_table(times), "minProperties": 1, "description": "How long presses are, in seconds."},
                "tuner": {**_table({"reference_hz": _number(pedals.REFERENCES_HZ)}), "minProperties": 1},
                **_controls(),
            },
            needed=("name", "board", "hat"),
        ),
    }


SCHEMAS = {"preset": preset_schema, "bank": bank_schema, "pedal": pedal_schema}


def _head(name: str, title: str) -> Schema:
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": f"{SITE}/reference/schema/{name}.schema.json",
        "title": title,
    }


def _table(properties: Schema, needed: Sequence[str] = ()) -> Schema:
    own: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**own, "required": list(needed)} if needed else own


def _number(limits: tuple[float, float], *, whole: bool = False) -> Schema:
    low, high = limits
    return {"type": "integer" if whole else "number", "minimum": low, "maximum": high}


def _value(one: Field[Any], what: str) -> Schema:
    """Return the schema of one field of a preset or a block."""
    if one.name in FILES:
        schema: Schema = FILE if one.default is MISSING else {"anyOf": [{"enum": [""]}, FILE]}
    elif one.name == "name":
        schema = LINE
    elif one.type == "bool":
        schema = {"type": "boolean"}
    else:
        schema = _number(one.metadata["limits"], whole=one.type == "int")
    default = {} if one.default in (MISSING, None) else {"default": one.default}
    return {**schema, **default, "description": what}


def _block(name: str, kind: type[preset.Block]) -> Schema:
    known = {one.name: _value(one, BLOCKS[name].get(one.name, ON)) for one in fields(kind)}
    needed = [one.name for one in fields(kind) if one.default is MISSING]
    return {"title": name, **_table({"kind": {"enum": [name]}, **known}, ["kind", *needed])}


# ---- what controls do ----


def _action(*, valued: bool = False) -> str:
    """Return the pattern of an action, as `action.parse` reads it. valued: "follows" is allowed."""
    switches = "|".join(action.SWITCHES)
    plain = "|".join(sorted(set(action.KINDS) - {"preset", "bank", "set", *action.SWITCHES}))
    word = r"(?!again(?:\s|$))\S+"
    one = (
        rf"(?:(?:{plain})|(?:{switches})(?:\s+(?:on|off))?|set\s+{word}\s+{NUMBER}"
        rf"|(?:preset|bank)(?:\s+=(?:\S*(?:\s+{word})*)|(?:\s+{word})*\s+(?!again(?:\s|$)|{action.FOLLOWS}(?:\s|$))\S+))"
    )
    chain = rf"{one}(?:\s+again\s+{one}){{0,{action.MAX_ACTIONS - 1}}}"
    return rf"(?:{chain}|(?:{switches})\s+{action.FOLLOWS})" if valued else chain


def _whole(pattern: str) -> Schema:
    return {"type": "string", "maxLength": action.MAX_LETTERS, "pattern": rf"^\s*{pattern}\s*$"}


def _target() -> str:
    return rf"\S+(?:\s+{NUMBER}\s+{NUMBER})?"


def _numbers(least: int, most: int, but: Iterable[int] = ()) -> str:
    """Return the pattern of a whole number of up to three digits."""
    spelled = {f"{number:0{digits}}" for number in range(least, most + 1) if number not in but for digits in (1, 2, 3)}
    return f"^(?:{'|'.join(sorted(spelled))})$"


def _midi_table(table: str, value: Schema) -> Schema:
    _, least, most = bindings.MIDI_NUMBERS[table]
    but = (midi.BANK_COARSE, midi.BANK_FINE) if table == "control_changes" else ()
    return {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {_numbers(least, most, but): value},
        "additionalProperties": False,
    }


def _controls() -> Schema:
    kinds = "|".join(action.KINDS)
    either = rf"(?:{_action(valued=True)}|(?!(?:{kinds})(?:\s|$)){_target()})"
    press = r"^(?:[1-9][0-9]*(?: (?:long|double|repeat|release))?|([1-9][0-9]*)\+(?!\1$)[1-9][0-9]*)$"
    return {
        "footswitches": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {press: _whole(_action())},
            "additionalProperties": False,
            "description": 'What footswitches do: "1", "1 long", "1 double", "1 repeat", "1 release", "1+2".',
        },
        "knobs": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _whole(_target()),
            "description": "The setting that each knob or encoder moves, and from where to where: gain -6 18.",
        },
        "control_changes": {
            **_midi_table("control_changes", _whole(either)),
            "description": "What MIDI's control changes do: a setting or an action.",
        },
        "notes": {**_midi_table("notes", _whole(_action(valued=True))), "description": "What MIDI's notes do."},
        "programs": {
            **_midi_table("programs", _whole(_action())),
            "description": "What MIDI's programs do, from 1, instead of calling presets.",
        },
    }


# ---- what is wired ----


def _fact(limits: tuple[float, float]) -> Schema:
    value, status, source = FACT_KEYS
    known = {value: _number(limits), status: {"enum": list(STATUSES)}, source: LINE}
    return {**_table(known, FACT_KEYS), "description": "The level of digital full scale, in dBu, as measured here."}


def _wired(one: Schema, names: str = NAME) -> Schema:
    return {"type": "object", "minProperties": 1, "patternProperties": {names: one}, "additionalProperties": False}


def _wiring() -> Schema:
    feet, number, pin = "^[1-9]$", _number((0, wiring.MAX_NUMBER), whole=True), _number((0, hats.MAX_PIN), whole=True)
    pins = {"type": "array", "items": pin, "minItems": 2, "maxItems": 2, "uniqueItems": True}
    spi = {"bus": _number((0, 6), whole=True), "device": _number((0, 2), whole=True)}
    gpio = {"switches": _wired(pin, feet), "encoders": _wired(pins), "lights": _wired(pin)}
    serial = {"switches": _wired(number, feet), **{name: _wired(number) for name in ("knobs", "encoders", "lights")}}
    channel = {"oneOf": [{"enum": ["none"]}, _number((0, 16), whole=True)]}
    return {
        "gpio": {
            **_table(gpio),
            "minProperties": 1,
            "description": "Controls on the Pi's pins, by their GPIO numbers.",
        },
        "mcp3008": _table({**spi, "knobs": _wired(_number((0, 7), whole=True))}, ("bus", "device", "knobs")),
        "strip": _table(
            {**spi, "lights": _wired(number), "most_level": _number(wiring.MAX_LEVELS)}, ("bus", "device", "lights")
        ),
        "serial": _table({"port": LINE, "baud": _number(wiring.BAUDS, whole=True), **serial}, ("port",)),
        "midi": {**_table({"channel": channel}, ("channel",)), "description": 'A channel, 0 for all, or "none".'},
    }


# ---- the page ----


def tables() -> dict[str, str]:
    """Return the Markdown of the tables in the page, by their names in its marks."""
    own = {"format": (str(preset.FORMAT), "needed"), **_rows(preset.Preset, PRESET)}
    blocks = {"[[block]]": (f"1 to {preset.MAX_BLOCKS}", "needed")}
    what = {**PRESET, "[[block]]": "One for each block, in the order in which they are played."}
    found = {"preset": _drawn({**own, **blocks}, what)}
    return found | {name: _drawn(_rows(kind, BLOCKS[name]), BLOCKS[name]) for name, kind in preset.KINDS.items()}


def _drawn(rows: Mapping[str, tuple[str, str]], what: Mapping[str, str]) -> str:
    lines = [f"| `{key}` | {what[key]} | {allowed} | {default} |" for key, (allowed, default) in rows.items()]
    return "\n".join(["| key | what it is | allowed | default |", "|---|---|---|---|", *lines])


def _rows(table: type[preset.Block | preset.Preset], known: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what is allowed and the default, by key, in the order of `known`."""
    by_name = {one.name: one for one in fields(table)}
    return {name: _allowed(by_name[name]) for name in known if name in by_name}


def _allowed(one: Field[Any]) -> tuple[str, str]:
    if one.name in FILES:
        return "a file", "needed" if one.default is MISSING else "none"
    if one.name == "name":
        return "one line", "needed"
    if one.type == "bool":
        return "true, false", str(one.default).lower()
    low, high = one.metadata["limits"]
    return f"{low:,} to {high:,}", "measured" if one.default is None else f"{one.default:g}"


def redrawn(page: str) -> str:
    """Return the page with its tables made anew, each behind its mark."""
    for name, table in tables().items():
        mark = f"<!-- {name}: python docs/make_schemas.py makes this table -->\n"
        new = f"{mark}{table}\n".replace("\\", r"\\")
        page, count = re.subn(rf"{re.escape(mark)}(?:\|.*\n)*", new, page)
        assert count == 1, name
    return page


def made() -> dict[str, str]:
    """Return the text of each schema, by file name."""
    return {f"{name}.schema.json": json.dumps(schema(), indent=2) + "\n" for name, schema in SCHEMAS.items()}


def main() -> None:
    """Write the schemas and the page's tables."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in made().items():
        (FOLDER / name).write_text(text)
    PAGE.write_text(redrawn(PAGE.read_text()))


if __name__ == "__main__":
    main()
