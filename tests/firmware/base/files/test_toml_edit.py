"""Files that people edit keep their comments, order, layout and line endings when nampedal changes a value."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.firmware.base.files.durable_toml import add_checksum, read_safely, strip_checksum
from nampedal.firmware.base.files.toml_edit import MAX_LENGTH, merged_into, save_edited, with_values
from nampedal.firmware.base.files.toml_schema import load_toml, to_toml
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import read_any_bank, reordered, write_order
from nampedal.firmware.presets.preset import Gain, Preset, Tone

# A preset as a person writes it (the case of the review).
FRIDAY = b"""\
# Friday set: tune down half a step
format = 1
level_db = -3   # the hall is small
name = "Friday"

# in front of everything
[[block]]
gain_db = 3     # hot pickups
kind = "gain"

# the stack
[[ block ]]
  kind = 'tone'
  bass = 6

# my feet
[footswitches]
"1 long" = "tuner"
"""


def saved(text: bytes, change: Callable[[Preset], Preset]) -> bytes:
    """Return a preset's text after a change, without the first line and the checksum; both must be right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.toml"
        path.write_bytes(text)
        wanted = change(preset.read(path))
        preset.write(wanted, path)
        assert preset.read(path) == wanted
        stored = read_safely(path)
        assert not stored.changed
        assert path.read_bytes() == stored.as_written
        mark = b"\xef\xbb\xbf" if path.read_bytes().startswith(b"\xef\xbb\xbf") else b""
        assert path.read_bytes() == mark + add_checksum(strip_checksum(path.read_bytes().removeprefix(mark)))
        return mark + strip_checksum(path.read_bytes().removeprefix(mark))


def first_block(one: Preset, **values: object) -> Preset:
    return replace(one, blocks=(replace(one.blocks[0], **values), *one.blocks[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_save_changes_only_what_was_turned(ending: bytes) -> None:
    text = FRIDAY.replace(b"\n", ending)
    assert saved(text, lambda one: one) == text
    assert saved(text, lambda one: first_block(replace(one, level_db=-4.5), gain_db=5.0)) == text.replace(
        b"level_db = -3 ", b"level_db = -4.5 "
    ).replace(b"gain_db = 3 ", b"gain_db = 5.0 ")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_new_value_stands_behind_the_last_one_of_its_table_and_not_behind_the_next_tables_comment(
    ending: bytes,
) -> None:
    text = FRIDAY.replace(b"\n", ending)
    assert saved(text, lambda one: first_block(one, on=False)) == text.replace(
        b'kind = "gain"', b'kind = "gain"' + ending + b"on = false"
    )
    assert saved(text, lambda one: replace(one, normalise=False)) == text.replace(
        b'name = "Friday"', b'name = "Friday"' + ending + b"normalise = false"
    )
    assert saved(text, lambda one: replace(one, blocks=(one.blocks[0], Tone(6.0, treble=2.0)))) == text.replace(
        b"  bass = 6", b"  bass = 6" + ending + b"  treble = 2.0"
    )


def test_a_byte_order_mark_and_mixed_line_endings_stay() -> None:
    text = b"\xef\xbb\xbf" + FRIDAY.replace(b"\n", b"\r\n", 3).replace(b"bass = 6\n", b"bass = 6\r\n")
    assert saved(text, lambda one: one) == text
    assert saved(text, lambda one: first_block(one, gain_db=5.0)) == text.replace(b"gain_db = 3 ", b"gain_db = 5.0 ")


def test_old_line_endings_and_utf_16_become_what_all_editors_read() -> None:
    changed = FRIDAY.replace(b"gain_db = 3 ", b"gain_db = 5.0 ")
    for text in (FRIDAY.replace(b"\n", b"\r"), FRIDAY.decode().encode("utf-16")):
        assert saved(text, lambda one: first_block(one, gain_db=5.0)) == changed


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        # Blocks on lines of their own in a list, with the name in a text of several lines.
        (
            'format = 1\nname = """\\\n  A"""\nblock = [\n  # a\n  { kind = "gain", gain_db = 3 }, # b\n]\n',
            'format = 1\nname = """\\\n  A"""\nblock = [\n  # a\n  { kind = "gain", gain_db = 5.0 }, # b\n]\n',
        ),
        # Tables that come before values, as dotted keys.
        (
            'format = 1\nfootswitches."1" = "next" # a\nname = "A"\nblock = [{kind="gain",gain_db=3}] # b\n',
            'format = 1\nfootswitches."1" = "next" # a\nname = "A"\nblock = [{kind="gain",gain_db=5.0}] # b\n',
        ),
        # A table in front of the blocks, blanks in unusual places, and no line ending at the end.
        (
            'format = 1\nname = "A"\n[ notes ] # a\n"1"="next"\n\n[[block]]\nkind="gain"\n"gain_db"\t=\t+3.0 # b',
            'format = 1\nname = "A"\n[ notes ] # a\n"1"="next"\n\n[[block]]\nkind="gain"\n"gain_db"\t=\t5.0 # b\n',
        ),
    ],
)
def test_other_ways_to_write_the_same_are_kept(text: str, changed: str) -> None:
    assert saved(text.encode(), lambda one: first_block(one, gain_db=5.0)).decode() == changed
    assert saved(text.encode(), lambda one: one).decode() == text + ("" if text.endswith("\n") else "\n")


def test_blocks_controls_and_numbers_come_and_go() -> None:
    shorter = saved(FRIDAY, lambda one: replace(one, blocks=one.blocks[:1]))
    assert shorter.startswith(FRIDAY[: FRIDAY.index(b"# the stack")])
    longer = saved(FRIDAY, lambda one: replace(one, blocks=(*one.blocks, Gain(-2.0))))
    assert longer.startswith(FRIDAY[: FRIDAY.index(b"\n# my feet")])
    measured = saved(FRIDAY, lambda one: replace(one, loudness_lufs=-20.5))
    assert measured == FRIDAY.replace(b'name = "Friday"\n', b'name = "Friday"\nloudness_lufs = -20.5\n')
    assert saved(measured, lambda one: replace(one, loudness_lufs=None)) == FRIDAY


def test_the_older_version_gives_its_text_to_a_torn_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(FRIDAY)
    preset.write(replace(preset.read(path), level_db=-5.0), path)
    preset.write(replace(preset.read(path), level_db=-6.0), path)
    path.write_bytes(path.read_bytes()[:200])
    preset.write(replace(preset.read(path), level_db=-7.0), path)
    assert strip_checksum(path.read_bytes()) == FRIDAY.replace(b"level_db = -3 ", b"level_db = -7.0 ")


def test_a_setting_that_is_wrong_goes_and_the_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"# mine\nformat = 1\nname = 'A'\nvolume = 3\n\n[[block]]\nkind = 'gain' # mine, too\n")
    preset.write(Preset("A", (Gain(3.0),)), path)
    text = path.read_text()
    assert "# mine\nformat = 1\nname = 'A'\n" in text
    assert "kind = 'gain' # mine, too\ngain_db = 3.0\n" in text
    assert "volume" not in text


def test_a_file_that_is_too_long_is_written_anew_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(FRIDAY + b"#" * MAX_LENGTH)
    wanted = Preset("Other", (Gain(1.0),))
    preset.write(wanted, path)
    assert strip_checksum(path.read_bytes()) == preset.pack(wanted)
    assert [one.getMessage() for one in caplog.records] == [
        f"{path}: comments and layout are not kept: it is longer than 65,536 characters"
    ]


# ---- a bank and a profile ----

ORDER = """\
# The order of the evening.
format = 1
order = [ # first set
  # to warm up
  "clean",
  'lead',    # capo 2
  "crunch"   # the end
]

[programs] # of the looper
5 = "lead" # its switch 5
"""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    for name in ("clean", "crunch", "lead"):
        preset.write(Preset(name, (Gain(),)), folder / f"{name}.toml")
    return folder


def reorder(bank: Path, text: str, *first: str) -> str:
    (bank / "bank.toml").write_text(text)
    write_order(reordered(read_any_bank(bank), first))
    return strip_checksum((bank / "bank.toml").read_bytes()).decode()


def test_comments_move_with_the_presets_of_a_bank(bank: Path) -> None:
    assert reorder(bank, ORDER) == ORDER
    assert reorder(bank, ORDER, "lead", "crunch") == ORDER.replace(
        """\
  # to warm up
  "clean",
  'lead',    # capo 2
  "crunch"   # the end
""",
        """\
  'lead',    # capo 2
  "crunch",   # the end
  # to warm up
  "clean"
""",
    )
    (bank / "clean.toml").unlink()
    assert reorder(bank, ORDER) == ORDER.replace('  # to warm up\n  "clean",\n', "")


def test_a_program_in_another_spelling_is_removed_too_and_the_log_says_what_that_costs(
    bank: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = bank / "bank.toml"
    path.write_text('format = 1 # a\n[programs]\n005 = "lead"\n6 = "clean"\n')
    found = read_any_bank(bank)
    write_order(replace(found, programs={6: "clean"}))
    assert read_any_bank(bank).programs == {6: "clean"}
    assert [one.getMessage() for one in caplog.records] == [
        f"{path}: comments and layout are not kept: its values can't be changed one by one"
    ]


def test_an_order_on_one_line_stays_on_it_and_one_that_nobody_wrote_is_not_added(bank: Path) -> None:
    text = 'format = 1 # a\norder = ["lead",  "clean"] # b\n'
    assert reorder(bank, text) == text
    assert reorder(bank, text, "crunch") == 'format = 1 # a\norder = ["crunch",  "lead",  "clean"] # b\n'
    plain = "format = 1 # nothing else\n"
    assert reorder(bank, plain) == plain
    assert reorder(bank, plain, "lead") == plain + 'order = ["lead", "clean", "crunch"]\n'


def test_a_profile_keeps_its_text_and_gets_new_tables_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (
        "# mine\r\nname = 'Mine'\r\n\r\n[gpio] # pins\r\nswitches = { 1 = 5, 2 = 6 } # left, right\r\n\r\n"
        "# knobs\r\n[knob.gain]\r\nlow = 0.1\r\n"
    )
    path.write_bytes(text.encode())
    values = load_toml("x", text.encode())
    values["gpio"]["switches"] = {"1": 6, "2": 5, "3": 7}
    values["knob"]["gain"]["high"] = 0.9
    values["knob"]["level"] = {"low": 0.2}
    values["programs"] = {"3": "next"}
    save_edited(to_toml(values), path)
    changed = text.replace("1 = 5, 2 = 6 }", "1 = 6, 2 = 5, 3 = 7 }").replace("0.1\r\n", "0.1\r\nhigh = 0.9\r\n")
    found = path.read_bytes().decode()
    assert found.startswith(changed)
    assert found.endswith('\r\n\r\n[programs]\r\n3 = "next"\r\n')
    assert tomllib.loads(found) == values


DOTTED = """\
name = "x"
knob.a.low = 1 # a
knob.b = { low = 2 } # b
gpio = {x = [
  1, # one
  2,
], y = 3}
"""
APART = """\
[knob.a] # a
low = 1
# pins
[gpio]
x = 1 # pin

# b
[knob.b]
low = 2 # lo
"""


@pytest.mark.parametrize(
    ("text", "keys", "value", "old", "new"),
    [
        (DOTTED, ("knob", "a", "high"), 4, "low = 1 # a\n", "low = 1 # a\nknob.a.high = 4\n"),
        (DOTTED, ("knob", "b", "high"), 4, "low = 2 }", "low = 2, high = 4 }"),
        (DOTTED, ("knob", "c"), {"low": 3}, "low = 2 } # b\n", "low = 2 } # b\nknob.c = {low = 3}\n"),
        (DOTTED, ("gpio", "x"), [2, 1, 3], "  1, # one\n  2,\n", "  2,\n  1, # one\n  3,\n"),
        (DOTTED, ("gpio", "y"), 4, "y = 3", "y = 4"),
        (DOTTED, ("notes",), {"1": "next"}, "], y = 3}\n", '], y = 3}\n\n[notes]\n1 = "next"\n'),
        (DOTTED, ("z",), 1, "], y = 3}\n", "], y = 3}\nz = 1\n"),
        (APART, ("knob", "b", "low"), 3, "low = 2 # lo", "low = 3 # lo"),
        (APART, ("knob", "a", "high"), 3, "low = 1\n", "low = 1\nhigh = 3\n"),
        (APART, ("gpio", "y"), 3, "x = 1 # pin\n", "x = 1 # pin\ny = 3\n"),
        (APART, ("knob", "b"), None, "[knob.b]\nlow = 2 # lo\n", ""),
        (APART, ("knob", "a", "low"), None, "low = 1\n", ""),
    ],
)
def test_tables_of_every_form_are_changed_where_they_are(
    text: str, keys: tuple[str, ...], value: object, old: str, new: str
) -> None:
    """value: None: the key is removed."""
    before, after = (load_toml("x", text.encode()) for _ in range(2))
    table = after
    for key in keys[:-1]:
        table = table[key]
    table[keys[-1]] = value
    if value is None:
        del table[keys[-1]]
    assert with_values(text, before, after) == text.replace(old, new)


# ---- any text ----

blanks = st.text(" \t", max_size=2)
comments = st.text("# a=[]\"'{},é", max_size=8).map(lambda text: f"#{text}")
between = st.lists(st.just("") | st.tuples(blanks, comments).map("".join), max_size=2)
# All are within the limits of all settings below, and none is 7.5.
NUMBERS = ("3", "2.5", "0.5e+1", "+0.25", "1_0.0", "0.0")
Line = tuple[str, str, str]


@st.composite
def pairs(draw: st.DrawFn, key: str, value: str) -> Line:
    """Return a line as what stands before its value, the value, and what stands behind it."""
    written = draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))
    end = draw(st.just("") | st.tuples(blanks, comments).map("".join))
    return f"{draw(blanks)}{written}{draw(blanks)}={draw(blanks)}", value, f"{draw(blanks)}{end}"


@st.composite
def tables(draw: st.DrawFn, needed: Sequence[tuple[str, str]], optional: Sequence[str]) -> list[Line]:
    """Return the lines of a table with some numbers, in any order, with comments and blank lines between them."""
    names = draw(st.lists(st.sampled_from(optional), min_size=1, unique=True))
    lines: list[Line] = []
    for key, value in draw(st.permutations([*needed, *((name, draw(st.sampled_from(NUMBERS))) for name in names)])):
        lines += [(text, "", "") for text in draw(between)]
        lines.append(draw(pairs(key, value)))
    return [*lines, *((text, "", "") for text in draw(between))]


@st.composite
def texts(draw: st.DrawFn) -> list[Line]:
    """Return the lines of a preset as a person may write it."""
    name = draw(st.sampled_from(['"A"', "'A # b'", '"""A"""', '"\\u0041"']))
    lines = draw(tables([("format", "1"), ("name", name)], ["level_db", "input_gain_db", "loudness_lufs"]))
    if draw(st.booleans()):
        lines.insert(0, ('footswitches."1" = "next"', "", ""))
    for _ in range(draw(st.integers(1, 3))):
        lines.append((draw(st.sampled_from(["[[block]]", " [[ block ]] # a", "[[\tblock]]"])), "", ""))
        lines += draw(
            tables([("kind", '"tone"')], ["bass", "mid", "treble"])
            if draw(st.booleans())
            else tables([("kind", "'gate'")], ["hysteresis_db", "attack_ms", "hold_ms"])
        )
    if draw(st.booleans()):
        lines += [("[programs] # b", "", ""), ('3 = "next"', "", ""), *((text, "", "") for text in draw(between))]
    return lines


def joined(lines: Sequence[Line], endings: Sequence[str]) -> bytes:
    return "".join("".join(line) + endings[number % len(endings)] for number, line in enumerate(lines)).encode()


any_endings = st.lists(st.sampled_from(["\n", "\r\n"]), min_size=1, max_size=3)


def packed(text: bytes) -> dict[str, object]:
    return load_toml("x", preset.pack(preset.parse(text, "x")))


@settings(deadline=None)
@given(texts(), any_endings, st.data())
def test_a_changed_number_changes_its_line_alone(lines: list[Line], endings: list[str], data: st.DataObject) -> None:
    text = joined(lines, endings)
    assert merged_into(text, preset.pack(preset.parse(text, "x")), "x", packed) == text
    at = data.draw(st.sampled_from([number for number, (_, value, _) in enumerate(lines) if value in NUMBERS]))
    start, _, end = lines[at]
    other = joined([*lines[:at], (start, "7.5", end), *lines[at + 1 :]], endings)
    assert merged_into(text, preset.pack(preset.parse(other, "x")), "x", packed) == other


@settings(deadline=None)
@given(texts(), any_endings)
def test_a_value_that_was_left_out_adds_one_line_behind_a_value_of_its_table(
    lines: list[Line], endings: list[str]
) -> None:
    text = joined(lines, endings)
    one = preset.parse(text, "x")
    wanted = replace(one, blocks=(replace(one.blocks[0], on=False), *one.blocks[1:]))
    found = merged_into(text, preset.pack(wanted), "x", packed)
    assert preset.parse(found, "x") == wanted
    before, after = text.splitlines(keepends=True), found.splitlines(keepends=True)
    (at,) = [number for number, line in enumerate(after) if line.strip() == b"on = false"]
    assert [*after[:at], *after[at + 1 :]] == before
    assert b"=" in after[at - 1]
    assert not after[at - 1].lstrip().startswith(b"#")


json_values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab." é', max_size=3), inner, max_size=3),
    max_leaves=12,
)
any_values = st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4)


@settings(deadline=None)
@given(any_values, any_values)
def test_any_values_become_any_others(before: dict[str, object], after: dict[str, object]) -> None:
    text = to_toml(before)
    assert load_toml("x", merged_into(text, to_toml(after), "x")) == load_toml("x", to_toml(after))


def test_nothing_is_added_that_equals_what_was_left_out() -> None:
    assert with_values("a = 1\n", {"a": 1, "b": 2, "c": {"d": 3}}, {"a": 4, "b": 2, "c": {"d": 3}}) == "a = 4\n"
