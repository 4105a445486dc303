"""A page's examples: blocks of commands, each behind `$ `, and below it what it prints.

How an example is run where it can't be run just so is said in comments right above its block, which no reader of the
page sees:

    <!-- example: not run: REASON -->
    <!-- example: slow: REASON -->     rewrite.py runs it, and the tests do not
    <!-- example: first                what a reader has by now, as shell lines
    cp demo/riff.wav my-guitar.wav -->
    <!-- example: saved as PATH -->    the block is a file, and the test writes it
    <!-- example: run with "--steps 1" for "--minutes 3": REASON -->
    <!-- example: goes on -->          until Ctrl-C, which the test sends before the next one that goes on
    <!-- example: exit code 2 -->
    <!-- example: figures within a factor of 3 -->
    <!-- example: figures differ -->   numbers are compared with numbers, whichever they are
    <!-- example: varies /RE/ -->      so are pieces of lines like it
    <!-- example: not printed /RE/: REASON -->   lines like it stand on the page, and are not waited for
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = re.compile(
    r"(?P<marks>(?:^ *<!--(?:(?!-->).)*-->\n)*)^(?P<indent> *)```\w*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"<!-- example: (.*?)\s*-->", re.DOTALL)


class MarkError(Exception):
    """A mark that can't be read."""


@dataclass(frozen=True)
class Marks:
    """What is said above a block.  factor: by which figures may differ; None: not at all; 0: by any."""

    not_run: str = ""
    slow: str = ""
    first: str = ""
    saved_as: str = ""
    instead: tuple[tuple[str, str], ...] = ()
    goes_on: bool = False
    exit_code: int = 0
    factor: float | None = None
    varies: tuple[re.Pattern[str], ...] = ()
    not_printed: tuple[re.Pattern[str], ...] = ()


@dataclass(frozen=True)
class Example:
    """One command, and what it prints.  line: where it stands, from 1."""

    line: int
    command: str
    printed: list[str]


@dataclass(frozen=True)
class Block:
    """line: where its text begins, from 1.  text: without the spaces that a list puts before each line."""

    line: int
    text: str
    marks: Marks
    examples: list[Example] = field(default_factory=list)


def blocks(page: Path) -> list[Block]:
    """Those with commands, and those with marks, in order.  MarkError."""
    text = page.read_text()
    found, attached = [], 0
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        inside = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        said = MARK.findall(match["marks"])
        attached += len(said)
        try:
            block = Block(line, inside, read_marks(said), examples(inside, line))
            for old, _ in block.marks.instead:
                if not any(old in example.command for example in block.examples):
                    raise MarkError(f"no command below has {old!r} for which another could be run")
        except MarkError as error:
            raise MarkError(f"{page.name}: above line {line}: {error}") from None
        found.append(block)
    if attached != text.count("<!-- example:"):
        raise MarkError(f"{page.name}: a mark is not right above a block, or has no end")
    return [block for block in found if block.examples or block.marks != Marks()]


def examples(text: str, line: int) -> list[Example]:
    found: list[Example] = []
    for number, content in enumerate(text.splitlines(), line):
        if content.startswith("$ "):
            found.append(Example(number, content.removeprefix("$ "), []))
        elif found:
            found[-1].printed.append(content)
    return found


def read_marks(said: list[str]) -> Marks:
    """MarkError."""
    known: dict[str, object] = {}
    instead: list[tuple[str, str]] = []
    varies: list[re.Pattern[str]] = []
    not_printed: list[re.Pattern[str]] = []
    for mark in said:
        if match := re.fullmatch(r"(not run|slow): (\S.*)", mark, re.DOTALL):
            known[match[1].replace(" ", "_")] = " ".join(match[2].split())
        elif match := re.fullmatch(r"first\n(.+)", mark, re.DOTALL):
            known["first"] = match[1]
        elif match := re.fullmatch(r"saved as (\S+)", mark):
            known["saved_as"] = match[1]
        elif match := re.fullmatch(r'run with "(.+)" for "(.+)": \S.*', mark, re.DOTALL):
            instead.append((match[2], match[1]))
        elif mark == "goes on":
            known["goes_on"] = True
        elif match := re.fullmatch(r"exit code (\d+)", mark):
            known["exit_code"] = int(match[1])
        elif mark == "figures differ":
            known["factor"] = 0.0
        elif match := re.fullmatch(r"figures within a factor of ([\d.]+)", mark):
            known["factor"] = float(match[1])
        elif match := re.fullmatch(r"varies /(.+)/", mark):
            varies.append(re.compile(match[1]))
        elif match := re.fullmatch(r"not printed /(.+)/: \S.*", mark, re.DOTALL):
            not_printed.append(re.compile(match[1]))
        else:
            raise MarkError(f"{mark!r} is no mark; tests/readme/page.py lists them")
    return Marks(instead=tuple(instead), varies=tuple(varies), not_printed=tuple(not_printed), **known)  # type: ignore[arg-type]
