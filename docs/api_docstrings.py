"""Makes the docstrings of the Python package easier to read on the site: a list of what they say of each name.

They say it as `name: text`, one behind the other. Only names that the object has are taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

# Where a sentence ends, or a line; and what begins there.
NAMED = re.compile(r"(?:^|(?<=[.;\n])\s*)((?:\w+, )*\w+): ", re.MULTILINE)
RAISES = re.compile(r"(?:^|(?<=\.)\s+)(?=Raises? [A-Z])", re.MULTILINE)


class Lists(griffe.Extension):
    """A griffe extension."""

    def on_object(self, *, obj: griffe.Object, **others: Any) -> None:
        """Rewrite the docstring of a function or a class."""
        if obj.docstring is not None and isinstance(obj, griffe.Function | griffe.Class):
            known = {one.name for one in obj.parameters} | set(obj.members)
            obj.docstring.value = rewritten(obj.docstring.value, known)


def rewritten(text: str, known: set[str]) -> str:
    """Return the text with a list of the known names that it explains, and what it raises in a paragraph."""
    return "\n\n".join(part for paragraph in text.split("\n\n") for part in _parts(paragraph, known))


def _parts(paragraph: str, known: set[str]) -> Iterator[str]:
    if paragraph.startswith(" "):
        yield paragraph
        return
    for sentences in RAISES.split(paragraph):
        names = [one for one in NAMED.finditer(sentences) if set(one[1].split(", ")) <= known]
        ends = [one.start() for one in names[1:]] + [len(sentences)]
        if before := sentences[: names[0].start() if names else len(sentences)].strip():
            yield before
        items = [
            f"- `{one[1]}`: {' '.join(sentences[one.end() : end].split())}"
            for one, end in zip(names, ends, strict=False)
        ]
        if items:
            yield "\n".join(items)
