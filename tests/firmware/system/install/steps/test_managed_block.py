"""Blocks and words in texts of others: in, and out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.system.install.steps.managed_block import (
    BEGIN,
    END,
    with_block,
    with_words,
    without_any_block,
    without_block,
    without_words,
)

LINES = ["[all]", "dtoverlay="]
WORD = st.sampled_from(["quiet", "splash", "isolcpus=1", "isolcpus=3", "console=tty1", "console=serial0,115200", "ro"])


@given(st.text(st.characters(codec="ascii"), max_size=30).map(lambda text: text + "\n" if text else ""))
def test_a_text_with_a_block_less_the_block_is_the_text(text: str) -> None:
    with_it = with_block(text, LINES)
    assert without_block(with_it, LINES) == text
    assert without_any_block(with_it) == text


def test_a_block_stands_at_the_end_between_its_marks() -> None:
    assert with_block("a=1", LINES) == f"a=1\n{BEGIN}\n[all]\ndtoverlay=\n{END}\n"


def test_lines_behind_a_block_stay() -> None:
    text = with_block("a=1\n", LINES) + "b=2\n"
    assert without_block(text, LINES) == "a=1\nb=2\n"


def test_a_block_with_other_lines_is_another() -> None:
    text = with_block("a=1\n", [*LINES, "c=3"])
    assert without_block(text, LINES) is None
    assert without_any_block(text) == "a=1\n"


def test_a_block_without_its_end_is_none() -> None:
    text = with_block("a=1\n", LINES).replace(END, "")
    assert without_any_block(text) == text


def test_words_make_room_for_others_of_their_name() -> None:
    made = with_words(
        "console=serial0,115200 console=tty1 isolcpus=1 quiet\n", ["isolcpus=3", "quiet"], ["console=serial0"]
    )
    assert made.text == "console=tty1 quiet isolcpus=3\n"
    assert made.added == ("isolcpus=3",)
    assert made.removed == ("console=serial0,115200", "isolcpus=1")


def test_words_that_are_there_are_left_where_they_are() -> None:
    text = " ro   isolcpus=3"
    assert with_words(text, ["isolcpus=3"], []).text == text


def name_of(word: str) -> str:
    # There may be several consoles, each with its own word.
    return word if word.startswith("console=") else word.partition("=")[0]


@given(
    st.lists(WORD, unique_by=name_of),
    st.lists(WORD.filter(lambda word: not word.startswith("console=")), unique_by=name_of),
)
def test_words_go_in_and_out_again(there: list[str], added: list[str]) -> None:
    made = with_words(" ".join(there) + "\n", added, ["console=serial0"])
    again = with_words(made.text, added, ["console=serial0"])
    assert again.text.split() == made.text.split()
    assert sorted(without_words(made.text, made.added, made.removed).split()) == sorted(there)


@pytest.mark.parametrize(
    ("now", "then"),
    [("ro isolcpus=2", "ro isolcpus=2"), ("ro isolcpus=3", "ro isolcpus=1"), ("isolcpus=1 ro", "isolcpus=1 ro")],
)
def test_a_word_that_was_removed_does_not_come_back_beside_another_of_its_name(now: str, then: str) -> None:
    assert without_words(now, ["isolcpus=3"], ["isolcpus=1"]) == then
