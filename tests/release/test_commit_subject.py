"""The form of a commit's first line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commit_subject import problem


@pytest.mark.parametrize(
    "message",
    [
        "image: keep the root read-only\n",
        "pedal, controls: say in one reading what fields hold\n\nThe reason.\n",
        "bank add: limit memory\n# What git tells.\n",
        "Merge branch 'main'\n",
        "fixup! image: keep the root read-only\n",
        "ci: run it\n# ------------------------ >8 ------------------------\ndiff --git a b\n",
    ],
)
def test_a_good_message_is_taken(message: str) -> None:
    assert problem(message) is None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Keep the root read-only", "the first line is 'Keep the root read-only'; it has the form 'area: change'"),
        ("image:keep it", "has the form 'area: change'"),
        ("image: ", "has the form 'area: change'"),
        ("Image: keep it", "has the form 'area: change'"),
        ("", "the first line is ''"),
        (f"image: {'a' * 74}", "the first line has 81 characters; at most 80 fit: move the reason into the body"),
        ("image: keep it.", "the first line ends with a full stop; leave it out"),
        ("image: keep it\nThe reason.", "the second line is not empty; leave one empty line before the body"),
    ],
)
def test_a_bad_one_is_told(message: str, said: str) -> None:
    assert said in (problem(message) or "")


def test_git_is_told_by_the_exit_code(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "COMMIT_EDITMSG"
    command = [sys.executable, str(root / "release" / "commit_subject.py"), str(file)]
    file.write_text("image: keep it\n")
    assert subprocess.run(command, check=False).returncode == 0
    file.write_text("Keep it\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("commit message: the first line is 'Keep it'; ")
