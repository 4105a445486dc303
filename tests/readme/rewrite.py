"""python tests/readme/rewrite.py [--all] PAGE...: runs their examples, and puts what they print in the pages.

Only where the page shows something else; --all: also where no more than figures differ, as the page says they may. What
a page leaves out with a line `...` stays left out; where `...` is used otherwise it is left to a person, and told.
Commands run as they stand on the page: none is shortened, as the tests do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

from readme.comparison import ELISION, is_elision
from readme.page import Example, Marks, blocks
from readme.session import session


def shown(example: Example, printed: list[str], marks: Marks) -> list[str] | None:
    """What a page is to show of it; None: it is left to a person."""
    printed = [line.rstrip() for line in printed]
    kept = [line for line in example.printed if any(one.search(line) for one in marks.not_printed)]
    before = [line for line in example.printed if line not in kept]
    left_out = [number for number, line in enumerate(before) if ELISION.search(line)]
    if not left_out:
        return kept + printed
    (at, *others) = left_out
    behind = len(before) - at - 1
    if others or not is_elision(before[at]) or len(printed) < at + behind:
        return None
    return [*kept, *printed[:at], before[at], *printed[len(printed) - behind :]]


def rewritten(text: str, found: list[tuple[Example, list[str]]]) -> str:
    """A page with what examples are to show, from the last to the first."""
    lines = text.split("\n")
    for example, new in reversed(found):
        lines[example.line : example.line + len(example.printed)] = new
    return "\n".join(lines)


def rewrite(page: Path, all_of_them: bool) -> None:
    found: list[tuple[Example, list[str]]] = []
    with tempfile.TemporaryDirectory() as folder, session(Path(folder) / "s", f"rewrite-{page.stem}") as reader:
        for block in blocks(page):
            for example, printed, wrong in reader.run(block, as_typed=True):
                new = shown(example, printed, block.marks) if wrong or all_of_them else example.printed
                if wrong:
                    print(f"{page.name}:{example.line}: $ {example.command}\n{wrong}\n", flush=True)
                if new is None:
                    print(f"{page.name}:{example.line}: has '...' elsewhere than in a line of its own: left as it is\n")
                else:
                    found.append((example, new))
    page.write_text(rewritten(page.read_text(), found))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", help="also where figures alone differ")
    parser.add_argument("pages", type=Path, nargs="+", metavar="PAGE")
    arguments = parser.parse_args()
    for page in arguments.pages:
        rewrite(page.resolve(), arguments.all)


if __name__ == "__main__":
    main()
