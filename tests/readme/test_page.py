"""How pages are read: which commands they have, and which marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme.page import MarkError, blocks
from readme.rewrite import rewritten, shown


def test_commands_have_what_is_below_them_up_to_the_next(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```\n$ one\na\n\nb\n$ two\n```\n\n- in a list:\n\n  ```\n  $ three\n    c\n  ```\n")
    found = [(one.line, one.command, one.printed) for block in blocks(page) for one in block.examples]
    assert found == [(4, "one", ["a", "", "b"]), (8, "two", []), (14, "three", ["  c"])]


def test_blocks_without_commands_and_marks_are_passed_over(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```toml\na = 1\n```\n<!-- example: saved as b.toml -->\n```toml\nb = 1\n```\n")
    (block,) = blocks(page)
    assert (block.text, block.marks.saved_as, block.examples) == ("b = 1\n", "b.toml", [])


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("not run", "page.md: above line 3: 'not run' is no mark; tests/readme/page.py lists them"),
        ("not run: ", "page.md: above line 3: 'not run:' is no mark; tests/readme/page.py lists them"),
        ("figures", "page.md: above line 3: 'figures' is no mark; tests/readme/page.py lists them"),
        (
            'run with "-n 1" for "-n 9": shorter',
            "page.md: above line 3: no command below has '-n 9' for which another could be run",
        ),
    ],
)
def test_a_mark_that_says_nothing_is_refused(tmp_path: Path, mark: str, said: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- example: {mark} -->\n```\n$ one -n 2\n```\n")
    with pytest.raises(MarkError) as caught:
        blocks(page)
    assert str(caught.value) == said


@pytest.mark.parametrize("between", ["\n", "Words.\n"])
def test_a_mark_that_stands_above_no_block_is_refused(tmp_path: Path, between: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- example: goes on -->\n{between}```\n$ one\n```\n")
    with pytest.raises(MarkError, match=r"^page\.md: a mark is not right above a block, or has no end$"):
        blocks(page)


def test_a_page_is_rewritten_with_what_was_printed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("A\n```\n$ one\nold\n$ two\nold\n  ...\nold\n$ three\n```\nB\n")
    (block,) = blocks(page)
    printed = [["new", "newer  "], ["2", "3", "4", "5"], []]
    found = [(one, shown(one, said, block.marks) or []) for one, said in zip(block.examples, printed, strict=True)]
    assert rewritten(page.read_text(), found) == "A\n```\n$ one\nnew\nnewer\n$ two\n2\n  ...\n5\n$ three\n```\nB\n"


@pytest.mark.parametrize("text", ["a\n...\nb\n...\n", "in ... files\n", "a\n...\nb\nc\n"])
def test_what_a_page_leaves_out_otherwise_is_left_to_a_person(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```\n$ one\n{text}```\n")
    (block,) = blocks(page)
    assert shown(block.examples[0], ["x", "y"], block.marks) is None
