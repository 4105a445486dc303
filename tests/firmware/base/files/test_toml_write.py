"""TOML from strangers: what would take long to read is refused before it is read."""

from __future__ import annotations

import pytest
from nampedal.firmware.base.errors import SettingsSyntaxError
from nampedal.firmware.base.files.toml_schema import load_toml

MIB = 1 << 20


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 100_000 + " = 1",
        "[" + "a . " * 100_000 + "a]",
        "x = {" + '"a".' * 100_000 + "a = 1}",
        "'a\"'" + ".'a\"'" * 32 + " = 1",
        r'"\""' + r'."\\"' * 32 + " = 1",
    ],
)
def test_a_key_of_very_many_parts_is_refused(text: str) -> None:
    with pytest.raises(SettingsSyntaxError) as caught:
        load_toml("x.toml", text.encode())
    assert str(caught.value) == "x.toml: is not TOML that is read here: a key has over 32 parts"


def test_keys_of_some_parts_and_texts_with_dots_are_read() -> None:
    key = ".".join("abcdefghijklmnopqrstuvwxyzABCDEF")
    assert (
        load_toml("x.toml", f'{key} = 1\ntext = "{"... " * 100}"\nlist = [{"1.5, " * 100}]'.encode())["list"]
        == [1.5] * 100
    )


@pytest.mark.parametrize("text", ['"' + '\\"' * (MIB // 2), "'a" * (MIB // 2), "a" * MIB, "a " * (MIB // 2)])
def test_text_that_only_looks_like_a_key_is_named_as_what_it_is(text: str) -> None:
    """With time that grows with its length, not with the square of it, which would take hours."""
    with pytest.raises(SettingsSyntaxError, match=r"^x\.toml: is not TOML: "):
        load_toml("x.toml", text.encode())
