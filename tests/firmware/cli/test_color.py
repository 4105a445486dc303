"""Colours are for terminals only, and not where NO_COLOR says so (https://no-color.org)."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.makers import nam_maker

# Select Graphic Rendition (ECMA-48): what sets a colour of text or background.
COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    nam_maker.write(tmp_path / "amp.nam", nam_maker.a1())
    # So long that its progress is shown.
    soundfile.write(tmp_path / "in.wav", np.zeros(600_000, np.float32), 48_000, subtype="PCM_16")
    return tmp_path


def on_a_terminal(folder: Path, line: str, **environment: str) -> str:
    """Run a command whose output and errors go to a terminal. Return all that is written to it."""
    reads, writes = pty.openpty()
    there = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")}
    command = [sys.executable, "-m", "nampedal.firmware.cli", *line.split()]
    with subprocess.Popen(
        command, cwd=folder, stdin=writes, stdout=writes, stderr=writes, env={**there, "TERM": "xterm", **environment}
    ):
        os.close(writes)
        text = b""
        while True:
            try:
                data = os.read(reads, 65536)
            except OSError:
                break
            text += data
    os.close(reads)
    return text.decode()


RENDER = "render amp.nam in.wav out.wav --force"
COMMANDS = (
    RENDER,
    "convert amp.nam --force",
    "inspect amp.nam",
    "boards",
    "boards amp.nam",
    "inspect gone.nam",
    "--help",
)


def test_a_progress_bar_has_colours_on_a_terminal(folder: Path) -> None:
    shown = on_a_terminal(folder, RENDER)
    assert "out.wav" in shown
    assert COLOUR.search(shown)
    # "if it is not an empty string"
    assert COLOUR.search(on_a_terminal(folder, RENDER, NO_COLOR=""))


@pytest.mark.parametrize("line", COMMANDS)
def test_no_color_is_heeded(folder: Path, line: str) -> None:
    shown = on_a_terminal(folder, line, NO_COLOR="1")
    assert shown.strip()
    assert not COLOUR.search(shown), repr(COLOUR.search(shown))


@pytest.mark.parametrize("line", COMMANDS)
def test_a_pipe_gets_no_escape_sequence_at_all(folder: Path, line: str) -> None:
    command = [sys.executable, "-m", "nampedal.firmware.cli", *line.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
