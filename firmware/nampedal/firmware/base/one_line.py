"""Makes text from files and strangers safe to show on a terminal, in a log or on a page."""

from __future__ import annotations

_BREAKS = "\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"
# Zero width joiner and non-joiner: emoji and several scripts are written with them.
_JOINERS = "\u200c\u200d"


def one_line(text: object) -> str:
    r"""Return the text as one line of visible characters.

    Line breaks and tabs become blanks. Control characters, characters that change the direction of writing, and lone
    surrogates (as in names that are not UTF-8) become escapes as in Python: \x1b, \u202e, \udcff.
    """
    said = str(text)
    return said if said.isprintable() else "".join(map(_shown, said))


def shortened(text: object, most: int) -> str:
    """Return the text as `one_line` does; text of more than `most` characters loses its middle."""
    said = one_line(text)
    if len(said) <= most:
        return said
    left_out = f" ... of {len(said):,} characters ... "
    kept = max(2, most - len(left_out))
    return said[: kept - kept // 3] + left_out + said[len(said) - kept // 3 :]


def plain_lines(text: object) -> str:
    """Apply `one_line` to each line of a text."""
    return "\n".join(map(one_line, str(text).split("\n")))


def _shown(letter: str) -> str:
    if letter in _BREAKS:
        return " "
    # Other blanks are harmless, and names may contain them.
    if letter.isprintable() or letter.isspace() or letter in _JOINERS:
        return letter
    return letter.encode("unicode_escape").decode("ascii")
