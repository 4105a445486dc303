"""What counts as the same: all of it, but for what a page leaves out or a mark lets differ."""

from __future__ import annotations

import pytest
from readme.comparison import difference
from readme.page import Marks, read_marks

DIFFER, WITHIN_3 = read_marks(["figures differ"]), read_marks(["figures within a factor of 3"])


@pytest.mark.parametrize(
    ("shown", "printed", "marks"),
    [
        (["a", "b"], ["a", "b"], Marks()),
        (["a", "b"], ["a", "b  "], Marks()),
        (["a", "..."], ["a", "b", "c"], Marks()),
        (["a", "  ..."], ["a"], Marks()),
        (["a", "...", "d", "..."], ["a", "b", "d", "c", "d", "e"], Marks()),
        (["in ... files"], ["in 12 source files"], Marks()),
        (["ESR 1.4e-07,  8 s"], ["ESR 3.9e-07, 10 s"], WITHIN_3),
        (["55,820 bytes"], ["9,820 bytes"], DIFFER),
        (["gain -0.04 dB"], ["gain +2.9 dB"], WITHIN_3),
        (["##...... 8 %"], ["##...... 8 %"], Marks()),
        (["avx512 kernels"], ["neon kernels"], read_marks([r"varies /\w+ kernels/"])),
        (["== set up", "a"], ["a"], read_marks(["not printed /set up/: it is"])),
    ],
)
def test_the_same(shown: list[str], printed: list[str], marks: Marks) -> None:
    assert difference(shown, printed, marks) == ""


@pytest.mark.parametrize(
    ("shown", "printed", "marks"),
    [
        (["a"], ["b"], Marks()),
        (["a"], ["a", "b"], Marks()),
        (["a", "b"], ["a"], Marks()),
        (["a  b"], ["a b"], Marks()),
        (["1.4e-07"], ["1.5e-07"], Marks()),
        (["a", "...", "d"], ["a", "d", "e"], Marks()),
        (["1.4e-07"], ["4.3e-07"], WITHIN_3),
        (["1.4"], ["-1.4"], WITHIN_3),
        (["0"], ["1"], WITHIN_3),
        (["gain -0.1 dB"], ["gain 3.0 dB"], WITHIN_3),
        (["1 dB"], ["1 dBFS"], DIFFER),
        (["8 s"], ["none s"], DIFFER),
        (["8 seconds"], ["8 bytes"], DIFFER),
        (["float16"], ["float32"], DIFFER),
        (["##...... 8 %"], ["###..... 8 %"], Marks()),
    ],
)
def test_not_the_same(shown: list[str], printed: list[str], marks: Marks) -> None:
    assert difference(shown, printed, marks) != ""
