"""Edits text files that others edit as well, reversibly: a marked block of lines, or words in a single line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BEGIN = "# --- nampedal install: begin ---"
END = "# --- nampedal install: end; what is between is written anew at the next install ---"


@dataclass(frozen=True, slots=True)
class EditedLine:
    """The result of editing a line of words.

    removed: words that were replaced by the added ones, or that must not be there.
    """

    text: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def with_block(text: str, lines: Sequence[str]) -> str:
    """Return the text with a marked block of these lines at its end. text: has no such block yet."""
    before = text if not text or text.endswith("\n") else text + "\n"
    return before + block(lines)


def block(lines: Sequence[str]) -> str:
    """Return the lines between the begin and the end marker."""
    return "".join(f"{line}\n" for line in (BEGIN, *lines, END))


def without_block(text: str, lines: Sequence[str]) -> str | None:
    """Return the text without the block; None if exactly this block is not in it."""
    before, found, behind = text.partition(block(lines))
    return before + behind if found else None


def without_any_block(text: str) -> str:
    """Return the text without its marked block, even if its lines were edited. A block without end marker stays."""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, behind = rest.partition(END + "\n")
    return before + behind if begin and end else text


def with_words(text: str, added: Sequence[str], dropped: Sequence[str]) -> EditedLine:
    """Add words to a line. Remove the dropped words, and those with the same name (up to "=") as an added word.

    dropped: words to remove, also where a comma and more follow.
    """
    there = text.split()
    names = {_name(word) for word in added}
    stay = [word for word in there if word in added or not (_name(word) in names or _is_one_of(word, dropped))]
    new = [word for word in added if word not in there]
    removed = [word for word in there if word not in stay]
    if not new and not removed:
        return EditedLine(text, (), ())
    end = "\n" if text.endswith("\n") else ""
    return EditedLine(" ".join([*stay, *new]) + end, tuple(new), tuple(removed))


def without_words(text: str, added: Sequence[str], removed: Sequence[str]) -> str:
    """Remove the added words, and put the removed ones back at the end.

    A removed word stays away if others have set a word of the same name since; console= words always come back.
    """
    there = [word for word in text.split() if word not in added]
    names = {_name(word) for word in there}
    back = [word for word in removed if word not in there and (word.startswith("console=") or _name(word) not in names)]
    end = "\n" if text.endswith("\n") else ""
    return " ".join([*there, *back]) + end


def _name(word: str) -> str:
    return word.partition("=")[0]


def _is_one_of(word: str, beginnings: Sequence[str]) -> bool:
    return any(word == one or word.startswith(f"{one},") for one in beginnings)
