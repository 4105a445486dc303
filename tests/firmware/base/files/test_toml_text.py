"""TOML as Windows, macOS and phones save it is read, or what is wrong with it is named."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import SettingsError, SettingsSyntaxError, TornFileError
from nampedal.firmware.base.files.toml_schema import load_toml, to_toml
from nampedal.firmware.base.files.toml_text import MAX_BYTES

TEXT = '# Größe\nname = "Lead 日本 🎸"\nlevel_db = -3.5\n\n[[block]]\nkind = "gain"\n'
VALUES = {"name": "Lead 日本 🎸", "level_db": -3.5, "block": [{"kind": "gain"}]}
MARKS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
ENDS = ("\n", "\r\n", "\r")


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("tail", ["", "\x1a", "\x1a\x1a\x1a", "\x1a\0\0\0", "\n\x1a\n"])
def test_what_editors_save_is_read(encoding: str, end: str, tail: str) -> None:
    data = MARKS[encoding] + (TEXT.replace("\n", end) + tail).encode(encoding)
    assert load_toml("x.toml", data) == VALUES


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_plain_letters_is_read_without_a_mark(encoding: str) -> None:
    assert load_toml("x.toml", 'name = "lead"\r\n'.encode(encoding)) == {"name": "lead"}


values = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=9) | st.integers(-(2**63), 2**63 - 1) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
tables = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), values, max_size=5)


@given(tables, st.sampled_from(list(MARKS)), st.sampled_from(ENDS), st.sampled_from(["", "\x1a"]))
def test_whatever_is_written_is_read_back_from_any_editor(
    table: dict[str, object], encoding: str, end: str, tail: str
) -> None:
    text = to_toml(table).decode().replace("\n", end) + tail
    assert load_toml("x.toml", MARKS[encoding] + text.encode(encoding)) == table


@given(st.binary(max_size=120))
def test_any_bytes_give_values_or_one_line_that_can_be_printed(data: bytes) -> None:
    try:
        load_toml("x.toml", data)
    except SettingsError as error:
        assert str(error).startswith("x.toml: ")
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("name = \u201cLead\u201d", 'quotes are curly there; type straight ones: "text"'),
        ("name = \u2018Lead\u2019", 'quotes are curly there; type straight ones: "text"'),
        ("name = \u201eLead\u201c", 'quotes are curly there; type straight ones: "text"'),
        ("level_db = 1,5", "a decimal point is needed, as 1.5"),
        ("level_db = -1,5  # soft", "a decimal point is needed, as 1.5"),
        ("level_db = .5", "a number has digits on both sides of its point, as 0.5"),
        ("level_db = 5.", "a number has digits on both sides of its point, as 0.5"),
        ("level_db = \u22123", "a minus sign is needed: -"),
        ("level_db = \u20133", "a minus sign is needed: -"),
        ("on = True", "write true"),
        ("on = off", "write false"),
        ("level_db\u00a0= 3", "a blank there is a special one; type it again with the space bar"),
        ("name: Lead", "= is needed between a key and its value, not :"),
        (r'artifact = "cabs\one.wav"', "in a text, folders are divided by /, and \\ is written \\\\"),
        ("name = Lead", 'a text stands in "straight quotes"'),
        ('name = "Lead', "the quote that ends the text is missing"),
        ("format = 1", "the key of this line is in a line above, too: keep one of the two"),
    ],
)
def test_what_may_be_meant_otherwise_is_named_with_its_line(line: str, what: str) -> None:
    for end in ENDS:
        with pytest.raises(SettingsSyntaxError) as caught:
            load_toml("x.toml", f"format = 1{end}{line}{end}[more]{end}".encode("utf-8-sig"))
        assert str(caught.value).startswith("x.toml: is not TOML: ")
        assert "(at line 2, column " in str(caught.value)
        assert str(caught.value).endswith(f"; {what}")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ('a = 1\r\nname = "Größe"\r\n'.encode("cp1252"), "it is not UTF-8 (at line 2); save it as UTF-8"),
        (b"{\\rtf1\\ansi name = 1}", "it is rich text (RTF), not plain text; in TextEdit choose Format"),
        (b"<!DOCTYPE html>\n<html>\n", "it is a web page (HTML)"),
        (b"PK\x03\x04\xff\xff\0\0", "it is a zip archive; unpack it"),
        (codecs.BOM_UTF16_LE + b"a\0=", "it is cut off, or damaged UTF-16"),
    ],
)
def test_what_is_no_text_is_named(data: bytes, what: str) -> None:
    with pytest.raises(SettingsSyntaxError) as caught:
        load_toml("x.toml", data)
    assert str(caught.value).startswith(f"x.toml: is not TOML: {what}")
    assert not isinstance(caught.value, TornFileError)


@pytest.mark.parametrize("data", [b"\0" * 300, b"a = 1\n" + b"\0" * 9, b"\xff" * 300, b"a = 1\n\xff\xff\xff"])
def test_what_a_failing_card_leaves_is_told_from_what_a_person_writes(data: bytes) -> None:
    with pytest.raises(TornFileError, match=r"^x\.toml: is not TOML: .*: copy it again$"):
        load_toml("x.toml", data)


@pytest.mark.parametrize("number", ["0x" + "f" * 17, "0b1" + "0" * 64, "9223372036854775808", "0x" + "f" * 4000])
def test_a_number_of_more_than_64_bits_is_refused_wherever_it_is(number: str) -> None:
    for text in (f"a.b = {number}", f"a.b = [[1, {number}]]", f"[[a]]\nb = {number}"):
        with pytest.raises(SettingsSyntaxError) as caught:
            load_toml("x.toml", text.encode())
        assert str(caught.value) == "x.toml: is not TOML that is read here: a.b is a number of more than 64 bits"


def test_the_largest_numbers_of_64_bits_are_read() -> None:
    assert load_toml("x.toml", b"a = 9223372036854775807\nb = -9223372036854775808") == {"a": 2**63 - 1, "b": -(2**63)}


@pytest.mark.parametrize("text", [f"a = {'[' * 40}{']' * 40}", f"a = {'{b=' * 40}1{'}' * 40}", "a=" + "[" * 9999])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(SettingsSyntaxError) as caught:
        load_toml("x.toml", text.encode())
    assert str(caught.value) == "x.toml: is not TOML that is read here: it is nested too deeply"


def test_a_file_that_is_too_long_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(SettingsSyntaxError) as caught:
        load_toml("x.toml", b"#" * (MAX_BYTES + 1))
    assert str(caught.value) == "x.toml: is longer than 4,194,304 bytes, which are read"
