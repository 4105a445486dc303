"""What `nampedal.convert` takes: the options of the command, with its defaults and limits, and no option in vain."""

from __future__ import annotations

import inspect
import math
import time
from pathlib import Path
from typing import Any

import click
import nampedal
import numpy as np
import pytest
import soundfile
from nampedal.converter.api import conversions
from nampedal.firmware.cli.capture_commands.convert_command import convert_command
from support.makers import nam_maker

# The command's names of these options.
NAMES = {"format": "form", "calibrate": "recordings", "golden": "no_golden"}
BOARD = "is for a board; name one as board=, or leave it out"
TFLITE = "is for a .tflite; add format='tflite', or leave it out"
STOMP = "is for a .stomp; leave it out, or leave format= out"


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.a1())


def test_defaults_and_limits_are_those_of_the_command() -> None:
    options = {one.name: one for one in convert_command.params if isinstance(one, click.Option)}
    for name, parameter in inspect.signature(nampedal.convert).parameters.items():
        if name in ("capture", "progress"):
            continue
        option = options[NAMES.get(name, name)]
        if not option.multiple and name not in ("format", "golden"):
            assert parameter.default == option.to_info_dict()["default"], name
        kind = option.type
        if isinstance(kind, (click.IntRange, click.FloatRange)) and name in conversions.RANGES:
            low, high = conversions.RANGES[name]
            assert (low, high) == (kind.min, math.inf if kind.max is None else kind.max), name
    ranged = {name for name, one in options.items() if isinstance(one.type, (click.IntRange, click.FloatRange))}
    assert ranged - {"jobs", "listen_from_s"} == set(conversions.RANGES)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"board": "5", "budget": 0.0}, "budget: is 0; 0.1 to 100 is allowed"),
        ({"board": "5", "period": 4}, "period: is 4; 8 to 8192 is allowed"),
        ({"board": "5", "max_esr": 1.5}, "max_esr: is 1.5; 0 to 1 is allowed"),
        ({"board": "5", "minutes": -1}, "minutes: is -1; 0 or more is allowed"),
        ({"board": "5", "minutes": math.nan}, "minutes: is nan; 0 or more is allowed"),
        ({"board": "5", "steps": 0}, "steps: is 0; 1 or more is allowed"),
        ({"board": "5", "seed": -1}, "seed: is -1; 0 or more is allowed"),
        ({"precision": "w4"}, "precision: is 'w4'; w8, f32 are allowed"),
        ({"format": "onnx"}, "format: is 'onnx'; stomp, tflite are allowed"),
        ({"format": "tflite", "tflite_mode": "int4"}, "tflite_mode: is 'int4'; weights, mixed, int8 are allowed"),
        ({"budget": 30}, f"budget: {BOARD}"),
        ({"period": 64}, f"period: {BOARD}"),
        ({"steps": 5}, f"steps: {BOARD}"),
        ({"material": ["di.wav"]}, f"material: {BOARD}"),
        ({"gpu": True}, f"gpu: {BOARD}"),
        ({"tflite_mode": "int8"}, f"tflite_mode: {TFLITE}"),
        ({"block": 32}, f"block: {TFLITE}"),
        ({"tier": 1}, f"tier: {TFLITE}"),
        ({"tier": "lite"}, f"tier: {TFLITE}"),
        ({"format": "tflite", "board": "5"}, f"board: {STOMP}"),
        ({"format": "tflite", "golden": False}, f"golden=False: {STOMP}"),
        (
            {"precision": "f32", "calibrate": ["di.wav"]},
            "calibrate: is for rounding, and f32 rounds nothing; leave it out",
        ),
    ],
)
def test_an_option_that_is_wrong_or_in_vain_is_refused_before_the_work(options: dict[str, Any], text: str) -> None:
    with pytest.raises(nampedal.ArgumentError) as caught:
        nampedal.convert("there-is-no-such.nam", **options)
    assert str(caught.value) == text


def test_material_is_looked_for_in_folders_and_judged_on(amp: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(nampedal.ArgumentError) as caught:
        nampedal.convert(amp, board="5", material=[tmp_path / "mine"])
    assert str(caught.value) == f"{tmp_path / 'mine'}: there is no *.wav or *.flac in it"
    playing = np.random.default_rng(1).normal(0.0, 0.1, 96_000).astype(np.float32)
    soundfile.write(tmp_path / "mine" / "di.wav", playing, 48_000, "FLOAT")
    made = nampedal.convert(amp, board="5", minutes=0, precision="f32", golden=False, material=[str(tmp_path / "mine")])
    assert made.metrics.material == "0.5 s kept back of di.wav"


def test_a_model_is_converted_as_it_was_read(amp: Path) -> None:
    model = nampedal.load(amp)
    wanted = bytes(nampedal.convert(amp, precision="f32"))
    amp.unlink()
    assert bytes(nampedal.convert(model, precision="f32")) == wanted


def test_what_is_converted_is_not_converted_again(amp: Path, tmp_path: Path) -> None:
    made = nampedal.convert(amp, precision="f32", golden=False)
    path = made.save(tmp_path / "amp.stomp")
    for given, text in (
        (made, "amp: is a .stomp already; a .nam is needed"),
        (nampedal.load(path), f"{path}: is a .stomp already; a .nam is needed"),
        (path, f"{path}: is an artifact already; a .nam is needed"),
    ):
        with pytest.raises(nampedal.CaptureError) as caught:
            nampedal.convert(given)
        assert str(caught.value) == text


def test_a_board_may_be_a_profile_of_ones_own(amp: Path, tmp_path: Path, root: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_bytes((root / "hw-profiles" / "boards" / "5.toml").read_bytes())
    model = nampedal.load(amp)
    mine, five = model.cost(str(own)), model.cost("5")
    assert (mine.percent, mine.at_most_percent, mine.fits) == (five.percent, five.at_most_percent, True)
    assert model.cost("5", period=256).period_frames == 256
    assert nampedal.convert(model, board=str(own), precision="f32", golden=False).tiers[0].name == "full"
    with pytest.raises(nampedal.ArgumentError) as caught:
        model.cost("55")
    assert str(caught.value) == f"board: is '55'; {', '.join(nampedal.boards())} are allowed"


def test_other_work_is_told_at_once_and_the_same_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    told: list[str] = []
    follower = conversions._Follower(told.append)
    follower.report_progress("reading")
    follower.report_progress("trying shape 1 of 9", 160.0)
    follower.report_progress("trying shape 2 of 9", 160.0)
    now_s = 101.0
    follower.report_progress("trying shape 3 of 9", 160.0)
    follower.note("the material is short")
    follower.report_progress("training, ESR 1.2e-03")
    follower.report_progress("training, ESR 0.0009")
    assert told == [
        *("reading", "trying shape 1 of 9, 60 s left", "trying shape 3 of 9, 59 s left"),
        *("the material is short", "training, ESR 1.2e-03"),
    ]


def test_an_artifact_is_verified(amp: Path, tmp_path: Path) -> None:
    path = nampedal.convert(amp, precision="f32").save(tmp_path / "amp.stomp")
    (check,) = nampedal.verify(str(path), isa="scalar")
    assert (check.tier, check.name, check.isa, check.passed) == (0, "full", "scalar", True)
    bare = nampedal.convert(amp, precision="f32", golden=False).save(tmp_path / "bare.stomp")
    with pytest.raises(nampedal.NoGoldenVectorsError):
        nampedal.verify(bare)
