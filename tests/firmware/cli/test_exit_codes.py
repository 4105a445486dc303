"""Each exit code that the help lists is really returned, for what it is said to mean."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware.cli.exit_codes import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_MISTAKE, MEANINGS
from nampedal.firmware.engine import artifact
from support.makers import nam_maker

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.linear())


def test_done_is_0(nampedal: Run, amp: Path) -> None:
    assert nampedal("inspect", amp).returncode == EXIT_DONE == 0
    assert nampedal("boards").returncode == EXIT_DONE


@pytest.mark.parametrize(
    "words",
    [
        ("card", "check", "nampedal.toml"),
        ("doctor", "--root", "nobody"),
        ("convert", ".", "--board", "zero-2-w", "--budget", "0.1", "--minutes", "0", "-o", "bank/"),
    ],
    ids=lambda words: words[0],
)
def test_a_no_is_1(nampedal: Run, amp: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert amp.exists()
    nam_maker.write(tmp_path / "wide.nam", nam_maker.a1((32, 16)))
    (tmp_path / "nampedal.toml").write_text("pedal = 3\n")
    (tmp_path / "nobody").mkdir()
    done = nampedal(*words)
    assert done.returncode == EXIT_FAILED == 1, done.stderr
    assert done.stdout != ""


def test_an_artifact_that_sounds_otherwise_is_1(nampedal: Run, amp: Path, tmp_path: Path) -> None:
    assert nampedal("convert", amp).returncode == EXIT_DONE
    stored = tmp_path / "amp.stomp"
    assert nampedal("verify", stored).returncode == EXIT_DONE
    capture = artifact.read(stored)
    (tier,) = capture.tiers
    assert tier.golden is not None
    np.copyto(tier.golden.output, tier.golden.output + np.float32(0.1))
    stored.write_bytes(artifact.pack(capture))
    assert nampedal("verify", stored).returncode == EXIT_FAILED
    done = nampedal("verify", stored, "--json")
    assert (done.returncode, done.stderr) == (EXIT_FAILED, "")


@pytest.mark.parametrize(
    "words",
    [
        ("convert",),
        ("--no-such",),
        ("inspect", "gone.nam"),
        ("inspect", "gone.nam", "--json"),
        ("compare", "gone.wav", "gone.wav", "--json"),
        ("status", "--socket", "gone.sock"),
        ("status", "--json", "--socket", "gone.sock"),
        ("bank", "list", "gone"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_2_and_one_line_on_stderr_alone(nampedal: Run, words: tuple[str, ...]) -> None:
    done = nampedal(*words)
    assert (done.returncode, done.stdout) == (EXIT_MISTAKE, "")
    assert EXIT_MISTAKE == 2
    assert done.stderr.startswith("nampedal: ")
    assert done.stderr.count("\n") == 1


def test_ctrl_c_is_130(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    command = [sys.executable, "-m", "nampedal.firmware.cli", "status", "--socket", str(path)]
    with socket.socket(socket.AF_UNIX) as pedal:
        pedal.bind(str(path))
        pedal.listen()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            # It has asked, and nobody will answer.
            answer, _ = pedal.accept()
            with answer:
                assert answer.recv(100) != b""
                process.send_signal(signal.SIGINT)
                out, said = process.communicate(timeout=60)
    # The line behind the ^C that a terminal shows.
    assert (process.returncode, out, said) == (EXIT_INTERRUPTED, "", "\nnampedal: interrupted\n")
    assert EXIT_INTERRUPTED == 130


def test_no_other_code_is_listed() -> None:
    assert list(MEANINGS) == [EXIT_DONE, EXIT_FAILED, EXIT_MISTAKE, EXIT_INTERRUPTED]
