"""What strangers write acts on no terminal, log or page; what no person put into a folder is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import NampedalError, SettingsUnreadableError
from nampedal.firmware.base.listing import is_among_clutter, is_clutter, natural, suffix_of
from nampedal.firmware.base.one_line import one_line, plain_lines, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe – 日本", "Größe – 日本"),  # noqa: RUF001
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\nb\r\n\tc", "a b   c"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x9b31m\x07", "\\x9b31m\\x07"),
        ("caf\udce9", "caf\\udce9"),
        ("\U0001f468\u200d\U0001f3a4", "\U0001f468\u200d\U0001f3a4"),
        ("a\u00a0b", "a\u00a0b"),
        ("", ""),
    ],
)
def test_what_acts_is_shown_instead(text: str, shown: str) -> None:
    assert one_line(text) == shown
    assert str(NampedalError(text)) == shown


@given(st.text())
def test_any_text_is_one_line_that_can_be_written(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert not any(ord(letter) < 32 or (127 <= ord(letter) < 160 and letter != "\u00a0") for letter in shown)
    assert one_line(shown) == shown


def test_several_lines_stay_several() -> None:
    assert plain_lines("a\x1b\nb\tc\n") == "a\\x1b\nb c\n"


def test_an_error_of_the_system_keeps_its_words() -> None:
    assert str(SettingsUnreadableError("a\x00b: can't be read")) == "a\\x00b: can't be read"


@pytest.mark.parametrize(
    "name",
    [
        "._amp.nam",
        ".DS_Store",
        "__MACOSX",
        "Thumbs.db",
        "THUMBS.DB",
        "desktop.ini",
        "System Volume Information",
        "Icon\r",
    ],
)
def test_what_systems_leave_behind_is_clutter(name: str) -> None:
    assert is_clutter(name)
    assert is_among_clutter(f"pack/{name}/x.nam")


def test_what_a_person_put_there_is_none() -> None:
    assert not is_clutter("amp (1).nam")
    assert not is_among_clutter("pack/MACOSX/amp.nam")


def test_a_suffix_is_the_same_in_any_case() -> None:
    assert [suffix_of(name) for name in ("A.STOMP", "b.Toml", "c")] == [".stomp", ".toml", ""]


def test_names_are_sorted_as_people_count() -> None:
    names = ["amp 10", "Amp 2", "amp 2", "amp", "1", "10", "9 lives", "02", "2", "", "amp b", "ünder"]
    assert sorted(names, key=natural) == [
        *("", "1", "02", "2", "9 lives", "10", "amp", "Amp 2", "amp 2", "amp 10", "amp b", "ünder")
    ]


def test_a_long_text_keeps_its_ends() -> None:
    assert shortened("short", 80) == "short"
    assert shortened("a" * 80, 80) == "a" * 80
    assert shortened("a" * 2500 + "\x1b" + "z" * 2500, 60) == "a" * 21 + " ... of 5,004 characters ... " + "z" * 10
    assert shortened("a\nb", 80) == "a b"
