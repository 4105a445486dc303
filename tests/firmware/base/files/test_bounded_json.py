"""JSON from strangers: what is beyond the limits is refused, with its place, and everything else is what json reads."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.files.bounded_json import MAX_DEPTH, JsonBoundError, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=40,
)


@given(VALUES, st.sampled_from([None, 2]))
def test_what_is_within_the_limits_is_read_as_json_reads_it(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert loads(text) == loads(text.encode()) == loads(b"\xef\xbb\xbf" + text.encode()) == value


@given(st.integers(min_value=1 << 64) | st.integers(max_value=-(1 << 63) - 1), VALUES)
def test_an_integer_beyond_64_bits_is_refused(number: int, beside: object) -> None:
    with pytest.raises(JsonBoundError, match=r"^line 1 column \d+: .* is beyond 64 bits$"):
        loads(json.dumps({"a": beside, "n": [number]}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "b": ' + "9" * 5000 + "}", "line 2 column 7: 99999999... of 5000 digits is beyond 64 bits"),
        ('["NaN", NaN]', "line 1 column 9: NaN is no number of JSON's"),
        ("[-Infinity]", "line 1 column 2: -Infinity is no number of JSON's"),
        ('["1e999",\n1e999]', "line 2 column 1: 1e999 is larger than any number that is read here"),
        ("1" * 400 + ".5", "line 1 column 1: 11111111... of 402 digits is larger than any number that is read here"),
        ("[" * 65 + "]" * 65, "line 1 column 65: is nested more than 64 deep"),
        ('{"a":' * 100_000, "line 1 column 321: is nested more than 64 deep"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    for given_text in (text, text.encode()):
        with pytest.raises(JsonBoundError) as caught:
            loads(given_text)
        assert str(caught.value) == said


def test_numbers_that_are_not_finite_are_read_where_that_is_asked_for() -> None:
    nan, low, huge = loads("[NaN, -Infinity, 1e999]", finite=False)
    assert (math.isnan(nan), low, huge) == (True, -math.inf, math.inf)
    assert loads("[1e100, 1e-400, 1e300]") == [1e100, 0.0, 1e300]


def test_brackets_in_texts_and_beside_each_other_have_no_depth() -> None:
    texts = ["[" * 1000, '\\"[{' * 100, *([[]] * 200)]
    assert loads(json.dumps(texts)) == texts
    deepest: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    assert loads(json.dumps(deepest)) == deepest


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "[1,]", '"', '"\\', "nul", "[01]", '"' + '\\"[' * 1_000_000])
def test_what_is_no_json_is_refused_as_json_refuses_it(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        loads(text)


@pytest.mark.parametrize("data", [b"\xff", b'"\xe9"'])
def test_bytes_that_are_no_utf8_are_refused(data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        loads(data)
