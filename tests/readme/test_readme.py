"""The examples of README and of the documents are what happens: all their commands are run, in order.

How a block may differ from what is printed here, or why it is not run, is said in a comment above it: page.py lists
them. `python tests/readme/rewrite.py PAGE...` puts what is printed here in the pages.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT
from readme.page import blocks
from readme.session import session
from test_docs import PAGES

pytestmark = pytest.mark.long

WITH_EXAMPLES = [name for name in PAGES if any(block.examples for block in blocks(ROOT / name))]


def mistakes(page: Path, folder: Path) -> list[str]:
    """What a page's commands print or do that it does not show.  Prints how many were run, and why others were not."""
    wrong, run, left = [], 0, []
    with session(folder, re.sub(r"\W", "-", page.name)) as reader:
        for block in blocks(page):
            if reason := block.marks.not_run or block.marks.slow:
                left.append(f"{page.name}:{block.line}: {len(block.examples)} not run: {reason}")
            for example, _, said in reader.run(block):
                run += 1
                if said:
                    wrong.append(f"{page.name}:{example.line}: $ {example.command}\n{said}")
    print(f"{page.name}: {run} commands run", *left, sep="\n")
    return wrong


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_a_page_shows_what_its_commands_print(name: str, tmp_path: Path) -> None:
    wrong = mistakes(ROOT / name, tmp_path / "s")
    assert not wrong, "\n\n".join(wrong)


WRONG = """
```
$ echo one
one
$ echo two
three
$ nampedal fly
$ false
```
<!-- example: goes on -->
```
$ nampedal play demo/nothing.nam
nampedal: preset nothing
```
"""


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(WRONG)
    wrong = mistakes(page, tmp_path / "s")
    assert [one.split("\n")[0] for one in wrong] == [
        "page.md:5: $ echo two",
        "page.md:7: $ nampedal fly",
        "page.md:8: $ false",
        "page.md:12: $ nampedal play demo/nothing.nam",
    ]
    assert "\n-three\n+two" in wrong[0]
    assert "exit code 2, not 0" in wrong[1]
    assert "exit code 1, not 0" in wrong[2]
    assert "+nampedal: demo/nothing.nam: is not there" in wrong[3]


def test_what_was_to_go_on_and_did_not_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- example: goes on -->\n```\n$ sleep 0.1\n```\n```\n$ sleep 1\n```\n")
    with pytest.raises(AssertionError, match=r"'exec sleep 0\.1'\] ended by itself, with exit code 0$"):
        mistakes(page, tmp_path / "s")


def test_a_reader_has_what_the_page_says(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- example: slow: a day -->\n```\n$ sleep 86400\n```\n"
        "<!-- example: saved as presets/a.toml -->\n```toml\na = 1\n```\n"
        "<!-- example: first\ncp presets/a.toml b.toml -->\n"
        '<!-- example: run with "-n 1" for "-n 2": shorter -->\n'
        "```\n$ head -n 2 presets/a.toml b.toml | wc -l\n5\n```\n"
    )
    assert mistakes(page, tmp_path / "s") == []
