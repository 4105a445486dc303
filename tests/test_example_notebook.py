"""The notebook in examples/ runs from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = "first-steps.ipynb"


def test_the_notebook_is_kept_without_what_it_printed(root: Path) -> None:
    notebook = json.loads((root / "examples" / NOTEBOOK).read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook["cells"])


@pytest.mark.long
def test_the_notebook_runs(root: Path, tmp_path: Path) -> None:
    for folder in ("examples", "demo"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("out", "build"))
    command = [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", NOTEBOOK]
    done = subprocess.run(command, cwd=tmp_path / "examples", capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "examples" / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    printed = "".join("".join(out.get("text", "")) for cell in cells for out in cell.get("outputs", ()))
    assert [line.split()[0] for line in printed.splitlines()] == sorted(
        line.split()[0] for line in printed.splitlines()
    )
    assert "zero-2-w    42.0 %, at most  59.2 %: is too dear" in printed
