"""Options that would do nothing are refused, in one line that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from nampedal.firmware.cli.main import cli

NEEDS_BOARD = "a --board makes captures fit; name one, or leave it out"
TRAINS_NOTHING = "--minutes 0 trains nothing; give more minutes, or leave it out"
OF_TFLITE = "it is for a .tflite; add --format tflite, or leave it out"
AS_IT_IS = "LiteRT plays a .tflite as it is; leave it out"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        *(
            (f"convert amp.nam {option}", f"{option.split()[0]} does nothing here: {NEEDS_BOARD}.")
            for option in (
                "--budget 30",
                "--period 64",
                "--max-esr 0.05",
                "--minutes 10",
                "--steps 100",
                "--seed 0",
                "--material di.wav",
                "--gpu",
            )
        ),
        ("convert amp.nam --seed 1 --minutes 3", f"--minutes and --seed do nothing here: {NEEDS_BOARD}."),
        (
            "convert amp.nam --board 5 --minutes 3 --steps 9",
            "--minutes and --steps say both how long to train: give one of them.",
        ),
        ("convert amp.nam --board 5 --minutes 0 --seed 1", f"--seed does nothing here: {TRAINS_NOTHING}."),
        ("convert amp.nam --block 64", f"--block does nothing here: {OF_TFLITE}."),
        ("convert amp.nam --tier 0", f"--tier does nothing here: {OF_TFLITE}."),
        ("convert amp.nam --tflite-mode int8", f"--tflite-mode does nothing here: {OF_TFLITE}."),
        (
            "convert amp.nam -o amp.tflite --no-golden",
            "--no-golden does nothing here: it is for a .stomp; convert to one, or leave it out.",
        ),
        (
            "convert amp.nam --precision f32 --calibrate di.wav",
            "--calibrate does nothing here: --precision f32 rounds nothing; take w8, or leave it out.",
        ),
        ("convert amp.nam --jobs 2", "--jobs does nothing here: there is one capture; leave it out."),
        ("bench amp.tflite --isa scalar --exact", f"--exact and --isa do nothing here: {AS_IT_IS}."),
        ("render amp.tflite di.wav out.wav --exact", f"--exact does nothing here: {AS_IT_IS}."),
        (
            "compare a.wav b.wav --exact",
            "--exact does nothing here: it is for a .nam or a .stomp; leave it out.",
        ),
        ("compare a.wav b.wav --tier 1", "--tier does nothing here: recordings have no tiers; leave it out."),
        (
            "image build --pedal pi-4-dac-adc -o pedal.img --base debian --pi-key key.gpg",
            "--pi-key does nothing here: the base debian has nothing from Raspberry Pi's archive; leave it out.",
        ),
        (
            "level --full-scale-dbu 12",
            "--full-scale-dbu does nothing here: the pedal knows its input; it is for --from, or leave it out.",
        ),
        (
            "level --from di.wav rock --seconds 3",
            "--seconds does nothing here: --from has the playing, and asks no pedal; leave it out.",
        ),
        ("play --safe --tier 1", "--tier does nothing here: --safe plays no captures; leave it out."),
        (
            "play amp.stomp --controls pedal",
            "--controls pedal needs a --pedal, whose controls they are: name one, or take mock",
        ),
    ],
)
def test_an_option_that_does_nothing_is_refused(tmp_path: Path, line: str, text: str) -> None:
    (tmp_path / "amp.nam").write_text("{}")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        done = CliRunner().invoke(cli, line.split(), standalone_mode=False)
    finally:
        os.chdir(before)
    assert isinstance(done.exception, click.UsageError)
    assert done.exception.format_message() == text
    assert [path.name for path in tmp_path.iterdir()] == ["amp.nam"]
