"""inspect, render, convert and play take the same files, tell the same of them, and refuse others in the same words."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.converter.nam.metadata import file_metadata
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.pipeline.job import Job, run
from nampedal.converter.rendering.render import RenderOptions, render_file
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset_content import read_preset
from support.makers import nam_maker

pytestmark = pytest.mark.long

Nam = nam_maker.Nam
# What a hand or a program may put in the place of any value.
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 2.5, 3.0, 1e39, -1e400, 10**30, 44100, 100, "", "x", "Tanh", "0.9.0", "gated"),
    *([], [1], [0.5, 0.5], {}, {"active": True}, {"type": "PReLU", "negative_slopes": [0.1]}),
]
SLIM = {"method": "slice_channels_uniform"}


def seeds() -> list[Nam]:
    first = {**nam_maker.ARRAY, "channels": 2, "slimmable": SLIM}
    first["head"] = {"out_channels": 2, "kernel_size": 1, "bias": False}
    second = {**nam_maker.ARRAY, "input_size": 2, "channels": 2, "slimmable": SLIM}
    second["head1x1"] = {"active": True, "out_channels": 2, "groups": 1}
    return [
        nam_maker.a1(),
        nam_maker.linear(),
        nam_maker.lstm(),
        nam_maker.convnet(),
        nam_maker.container((0.5, nam_maker.linear(taps=2)), (1.0, nam_maker.a1())),
        nam_maker.wavenet([first, second], scale=1.0),
        nam_maker.random_wavenet(7),
        nam_maker.sequential(nam_maker.a1(), nam_maker.linear()),
    ]


SEEDS = seeds()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a .nam: what holds it, and its key there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places(value[key])


def mutated(seed: int) -> bytes:
    chance = random.Random(seed)
    nam = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        # Weights are many, and most of what they can be is sound.
        every = [place for place in places(nam) if not isinstance(place[0], list) or chance.random() < 0.1]
        holder, key = chance.choice(every)
        if isinstance(holder, dict) and chance.random() < 0.3:
            del holder[key]
        elif isinstance(holder, dict) and chance.random() < 0.2:
            holder[f"{key}_x"] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))
    data = json.dumps(nam).encode()
    if chance.random() < 0.2:
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice((b"", b"\x00", b"}", b"\xff", b",", b"1")) + data[at + chance.randrange(2) :]
    return data + (b"}\xff\x00" if chance.random() < 0.1 else b"")


def outcome(work: Callable[[], object]) -> str:
    """What became of it: the one line that refuses it, or nothing."""
    try:
        work()
    except NampedalError as error:
        return str(error)
    return ""


def outcomes(amp: Path) -> dict[str, str]:
    folder = amp.parent
    dry, target = folder / "dry.wav", folder / "out.stomp"
    if not dry.exists():
        soundfile.write(dry, np.linspace(-0.5, 0.5, 600), 48_000)

    def convert() -> None:
        run(Job(amp, target, True, "f32", (), False, None, None))

    def play() -> None:
        Chain.prepare(
            *(read_preset(amp)[0], amp.parent),
            sample_rate=48_000.0,
            max_frames=256,
            loudness_lufs=-18.0,
            read_nam=lambda path: open_capture(path).capture,
        )

    return {
        "inspect": outcome(lambda: file_metadata(open_capture(amp))),
        "render": outcome(lambda: render_file(amp, dry, folder / "out.wav", RenderOptions(force=True))),
        "convert": outcome(convert),
        "play": outcome(play),
    }


@given(seed=st.integers(0, 10**9))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_command_takes_or_refuses_a_mutated_capture_alike(tmp_path: Path, seed: int) -> None:
    amp = tmp_path / "amp.nam"
    amp.write_bytes(mutated(seed))
    said = outcomes(amp)
    several_channels = f"{amp}: plays "
    if said["play"].startswith(several_channels):
        # A pedal's chain is of one channel; files may be of any number.
        said["play"] = said["render"] = said["convert"]
    assert len(set(said.values())) == 1, said
    assert not said["inspect"] or said["inspect"].startswith(f"{amp}: ")


def test_mutations_are_neither_all_taken_nor_all_refused(tmp_path: Path) -> None:
    amp = tmp_path / "amp.nam"
    taken = []
    for seed in range(60):
        amp.write_bytes(mutated(seed))
        taken.append(outcome(lambda: open_capture(amp)) == "")
    assert 12 <= sum(taken) <= 48


@pytest.mark.parametrize("nam", SEEDS, ids=[nam["architecture"] for nam in SEEDS])
def test_a_capture_and_its_artifact_tell_the_same_facts(tmp_path: Path, nam: Nam) -> None:
    amp = nam_maker.write(tmp_path / "amp.nam", {**nam, "sample_rate": -1})
    assert set(outcomes(amp).values()) == {""}
    told, stored = (file_metadata(open_capture(path)) for path in (amp, tmp_path / "out.stomp"))
    # The submodels of the container state theirs.
    assert told["sample_rate_stated"] is ("sample_rate" in str(nam["config"]))
    # What is left out is a matter of the .nam; how it sounds one of the artifact.
    for key in ("file", "kind", "bytes", "left_out", "golden_frames"):
        told.pop(key), stored.pop(key)
    for tier in (*told["tiers"], *stored["tiers"]):
        for key in ("proof", "likeness", "golden_tolerance"):
            tier.pop(key)
    assert told == stored
