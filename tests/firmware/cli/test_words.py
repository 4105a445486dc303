"""What a shell completes: asked as bash asks, and in a real bash."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nampedal.board.profiles.boards import board_keys
from nampedal.board.profiles.pedals import pedal_keys
from nampedal.firmware.actions.control_socket import ControlServer
from nampedal.firmware.engine.inference import isas
from nampedal.firmware.engine.tier_names import WORDS
from support.makers import nam_maker
from support.makers.bank_maker import make_bank


def completed(words: str, **environment: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    shell = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_NAMPEDAL_COMPLETE": "bash_complete"}
    command = [sys.executable, "-m", "nampedal.firmware.cli"]
    done = subprocess.run(
        command, env={**os.environ, **shell, **environment}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        *((f"nampedal {command} --board ", board_keys) for command in ("convert amp.nam", "calibrate")),
        *(
            (f"nampedal {command} --pedal ", pedal_keys)
            for command in ("play", "latency", "learn bypass", "install", "image build")
        ),
        ("nampedal setup ", pedal_keys),
    ],
)
def test_boards_and_pedals_complete_to_their_names(words: str, names: Callable[[], list[str]]) -> None:
    assert completed(words) == [f"plain,{name}" for name in names()]
    first = names()[0]
    assert f"plain,{first}" in completed(words + first[:2])
    # A profile may be a file, too.
    assert completed(words + "./mine") == ["file,./mine"]


def test_presets_of_a_folder_complete(tmp_path: Path) -> None:
    bank = make_bank(tmp_path / "rock")
    assert completed(f"nampedal play {bank} --preset ") == ["plain,crunch", "plain,lead"]
    assert completed(f"nampedal bank remove {bank} l") == ["plain,lead"]
    assert completed(f"nampedal bank reorder {bank} lead cr") == ["plain,crunch"]
    assert completed(f"nampedal bank remove {tmp_path}/gone l") == []


def test_presets_complete_to_nothing_where_no_pedal_answers(tmp_path: Path) -> None:
    assert completed("nampedal preset ", XDG_RUNTIME_DIR=str(tmp_path)) == []


@contextmanager
def answering(path: Path, answer: dict[str, Any]) -> Iterator[None]:
    """A pedal's socket that always answers this."""
    server = ControlServer(path, lambda _: answer)
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.01):
            server.poll()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.close()


def test_presets_of_the_pedal_that_plays_complete(tmp_path: Path) -> None:
    socket = tmp_path / "control.sock"
    with answering(socket, {"presets": [{"name": name} for name in ("clean", "crunch", "night")]}):
        assert completed(f"nampedal preset --socket {socket} n") == ["plain,night", "plain,next"]
        assert completed(f"nampedal level --socket {socket} c") == ["plain,clean", "plain,crunch"]


def test_an_action_completes_word_by_word(tmp_path: Path) -> None:
    socket = tmp_path / "control.sock"
    with answering(socket, {"presets": [{"name": "clean"}, {"name": "crunch"}], "banks": ["rock", "jazz"]}):
        of_pedal = f"nampedal do --socket {socket} "
        assert completed(f"{of_pedal}b") == ["plain,bank", "plain,bypass"]
        assert completed(f"{of_pedal}bank ") == ["plain,next", "plain,previous", "plain,rock", "plain,jazz"]
        assert completed(f"{of_pedal}preset cr") == ["plain,crunch"]
        assert completed(f"{of_pedal}preset crunch again by") == ["plain,bypass"]
        assert completed(f"{of_pedal}tuner ") == ["plain,on", "plain,off", "plain,again"]


@pytest.fixture
def sizes(tmp_path: Path) -> Path:
    """A capture of three sizes."""
    models = [nam_maker.linear(taps) for taps in (2, 3, 4)]
    return nam_maker.write(tmp_path / "sizes.nam", nam_maker.container(*zip((0.3, 0.6, 1.0), models, strict=True)))


@pytest.mark.parametrize("command", ["render {} in.wav out.wav", "bench {}", "compare {} {}", "convert {}"])
def test_tiers_complete_from_the_file_that_is_named(sizes: Path, command: str) -> None:
    typed = f"nampedal {command.format(sizes, sizes)} --tier "
    assert completed(typed) == ["plain,full", "plain,smaller", "plain,lightest"]
    assert completed(f"{typed}li") == ["plain,lightest"]


def test_tiers_of_an_artifact_complete_and_of_other_files_nothing(sizes: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nampedal.firmware.cli", "convert", str(sizes), "--no-golden"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert completed(f"nampedal bench {sizes.with_suffix('.stomp')} --tier s") == ["plain,smaller"]
    (tmp_path / "broken.nam").write_text("{")
    for name in ("broken.nam", "gone.stomp", "di.wav"):
        assert completed(f"nampedal bench {tmp_path / name} --tier ") == []


def test_what_has_a_few_words_completes_to_them() -> None:
    assert completed("nampedal convert amp.nam --format ") == ["plain,stomp", "plain,tflite"]
    assert completed("nampedal verify amp.stomp --isa ") == [f"plain,{name}" for name in isas()]
    assert completed("nampedal play bank/ --tier ") == [f"plain,{word}" for word in WORDS]
    assert completed("nampedal image build --radio ") == ["plain,on", "plain,off"]


def test_help_completes_commands() -> None:
    assert completed("nampedal help con") == ["plain,convert"]
    assert completed("nampedal help ex") == ["plain,exit-codes"]
    assert completed("nampedal help j") == ["plain,json"]
    assert completed("nampedal help bank re") == ["plain,remove", "plain,reorder"]
    assert completed("nampedal help verify ") == []


@pytest.fixture
def bash(tmp_path: Path) -> Callable[..., list[str]]:
    """What a real bash offers for the last of some words, with the script that `nampedal completion bash` prints."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("there is no bash here")
    program = tmp_path / "bin" / "nampedal"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m nampedal.firmware.cli "$@"\n')
    program.chmod(0o755)

    def offered(*words: str) -> list[str]:
        typed = " ".join(map(shlex.quote, words))
        script = f"""
            source <(nampedal completion bash)
            COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1} COMP_TYPE=9
            _nampedal_completion nampedal "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        there = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=False, env=there)
        # compopt has no effect outside of an interactive shell, and says so.
        said = [line for line in done.stderr.splitlines() if "compopt" not in line]
        assert (done.returncode, said) == (0, [])
        return done.stdout.split()

    return offered


def test_a_real_bash_completes(bash: Callable[..., list[str]], sizes: Path) -> None:
    assert bash("nampedal", "comp") == ["compare", "completion"]
    assert bash("nampedal", "convert", "amp.nam", "--board", "zero") == ["zero-2-w"]
    assert bash("nampedal", "bench", str(sizes), "--tier", "") == ["full", "smaller", "lightest"]
    assert bash("nampedal", "help", "bank", "exp") == ["export"]
    assert bash("nampedal", "image", "build", "--pedal", "zero-2-w-codec") == ["zero-2-w-codec-zero"]
