"""ThreadSanitizer over what two threads share: the stage, JACK's callback and the queues; and that it would notice."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.long

QUEUE = "dsp/rt/queue.h"
# Each is what the other thread's access has to be ordered by.
ORDERED = [at.start() for at in re.finditer("memory_order_(acquire|release)", (ROOT / "firmware" / QUEUE).read_text())]


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1:exitcode=66"}
    return subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_stage_and_the_callback_have_no_race(thread_sanitized: Path) -> None:
    done = run(thread_sanitized / "stage_race_probe")
    assert done.returncode == 0, done.stderr[-4000:]
    blocks, collected, frames, midi = map(int, done.stdout.split()[1::2])
    # All that the two threads share was in use.
    assert blocks >= 60 * 8
    assert collected > 10
    assert frames > 1000
    assert midi > 100


def test_a_parameter_that_is_set_past_the_queue_is_reported(thread_sanitized: Path) -> None:
    done = run(thread_sanitized / "stage_race_probe", "--plant")
    assert done.returncode == 66, done.stdout + done.stderr[-4000:]
    assert "WARNING: ThreadSanitizer: data race" in done.stderr


def test_the_queues_have_no_race(thread_sanitized: Path) -> None:
    done = run(thread_sanitized / "queue_race_probe")
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout == "items 20000 frames 20000\n"


@pytest.mark.parametrize("at", ORDERED)
def test_each_order_of_the_queues_is_needed(tmp_path: Path, at: int) -> None:
    text = (ROOT / "firmware" / QUEUE).read_text()
    weaker = tmp_path / QUEUE
    weaker.parent.mkdir(parents=True)
    weaker.write_text(text[:at] + re.sub("acquire|release", "relaxed", text[at:], count=1))
    program = tmp_path / "queue_race_probe"
    source = ROOT / "tests" / "firmware" / "probes" / "queue_race_probe.cpp"
    # What is included from tmp_path goes before ours of the same name.
    options = ["-std=c++20", "-O1", "-g", "-fsanitize=thread", f"-I{tmp_path}", f"-I{ROOT / 'firmware'}"]
    subprocess.run([os.environ.get("CXX", "g++"), *options, source, "-o", program], check=True)
    done = run(program)
    assert done.returncode != 0
    assert "ThreadSanitizer: data race" in done.stderr, done.stderr[-4000:]


def test_all_orders_of_the_queues_are_tried() -> None:
    assert len(ORDERED) == 8
