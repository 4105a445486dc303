"""Whether a command printed what its page shows."""

from __future__ import annotations

import difflib
import math
import re
from functools import cache

from readme.page import Marks

# Not the digits of a word: avx512, float16.
FIGURE = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)(?P<decibels> (?:dB\w*|LUFS))?")
# Of any words, in a line. A bar of dots is none.
ELISION = re.compile(r"(?<!\.)\.{3}(?!\.)")
# Levels are logarithms already.
DECIBELS = 3.0
# What stands where a piece varied.
VARIED = "\N{WAVY DASH}"


def difference(shown: list[str], printed: list[str], marks: Marks) -> str:
    """Empty: there is none. Else both, line by line, as diff does.

    A line `...` on the page stands for any number of lines, and `...` within a line for any words.
    """
    wanted = [line for line in shown if not any(one.search(line) for one in marks.not_printed)]
    got = [line.rstrip() for line in printed]
    if _lines_match(wanted, got, marks):
        return ""
    return "\n".join(difflib.unified_diff(wanted, got, "the page", "the command", lineterm="", n=1))


def _lines_match(wanted: list[str], got: list[str], marks: Marks) -> bool:
    @cache
    def match(at: int, to: int) -> bool:
        if at == len(wanted):
            return to == len(got)
        if is_elision(wanted[at]):
            return match(at + 1, to) or (to < len(got) and match(at, to + 1))
        return to < len(got) and same_line(wanted[at], got[to], marks) and match(at + 1, to + 1)

    return match(0, 0)


def is_elision(line: str) -> bool:
    """Whether it stands for any number of lines."""
    return line.strip() == "..."


def same_line(wanted: str, got: str, marks: Marks) -> bool:
    for piece in marks.varies:
        wanted, got = piece.sub(VARIED, wanted), piece.sub(VARIED, got)
    if marks.factor is None:
        return _words_match(wanted, got)
    # What numbers are wide, columns are.
    here, there = (FIGURE.sub("0", line).split() for line in (wanted, got))
    if not _words_match(" ".join(here), " ".join(there)):
        return False
    figures = [list(FIGURE.finditer(line)) for line in (wanted, got)]
    return ELISION.search(wanted) is not None or all(
        _near(one, other, marks.factor) for one, other in zip(*figures, strict=True)
    )


def _words_match(wanted: str, got: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, ELISION.split(wanted))), got) is not None


def _near(one: re.Match[str], other: re.Match[str], factor: float) -> bool:
    if one["decibels"] != other["decibels"]:
        return False
    here, there = (float(re.split(r" ", match[0])[0].replace(",", "")) for match in (one, other))
    if factor == 0.0 or here == there:
        return True
    if one["decibels"]:
        return abs(here - there) <= DECIBELS
    return here * there > 0.0 and abs(math.log(here / there)) <= math.log(factor)
