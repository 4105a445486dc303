"""Changes inside text files that others write, too, and back: a marked block of lines, and words in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BEGIN = "# --- nampedal install: begin ---"
END = "# --- nampedal install: end; what is between is written anew at the next install ---"


@dataclass(frozen=True, slots=True)
class WordsMade:
    """What became of a line. removed: what stood there in place of, or against, what was added."""

    text: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def with_block(text: str, lines: Sequence[str]) -> str:
    """At the end. text: without such a block."""
    before = text if not text or text.endswith("\n") else text + "\n"
    return before + block(lines)


def block(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in (BEGIN, *lines, END))


def without_block(text: str, lines: Sequence[str]) -> str | None:
    """Everything around it; None: it is not there as it was written."""
    before, found, behind = text.partition(block(lines))
    return before + behind if found else None


def without_any_block(text: str) -> str:
    """Whatever somebody has written into it. What is cut off by no end is left."""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, behind = rest.partition(END + "\n")
    return before + behind if begin and end else text


def with_words(text: str, added: Sequence[str], dropped: Sequence[str]) -> WordsMade:
    """Words with the name of an added one make room for it. dropped: names, or beginnings up to a comma."""
    there = text.split()
    names = {_name(word) for word in added}
    stay = [word for word in there if word in added or not (_name(word) in names or _is_one_of(word, dropped))]
    new = [word for word in added if word not in there]
    removed = [word for word in there if word not in stay]
    if not new and not removed:
        return WordsMade(text, (), ())
    end = "\n" if text.endswith("\n") else ""
    return WordsMade(" ".join([*stay, *new]) + end, tuple(new), tuple(removed))


def without_words(text: str, added: Sequence[str], removed: Sequence[str]) -> str:
    """The words that were removed come back at the end, unless others have taken their place."""
    there = [word for word in text.split() if word not in added]
    names = {_name(word) for word in there}
    back = [word for word in removed if word not in there and (word.startswith("console=") or _name(word) not in names)]
    end = "\n" if text.endswith("\n") else ""
    return " ".join([*there, *back]) + end


def _name(word: str) -> str:
    return word.partition("=")[0]


def _is_one_of(word: str, beginnings: Sequence[str]) -> bool:
    return any(word == one or word.startswith(f"{one},") for one in beginnings)
