from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.student import Student
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import WaveNet
from support.makers import nam_maker

KINDS = [
    *({"activation": name} for name in ("Tanh", "Hardtanh", "ReLU", "LeakyReLU", "Sigmoid", "SiLU", "Softsign")),
    {"activation": {"type": "PReLU", "negative_slopes": [0.1, 0.2, 0.3, 0.4]}},
    {"gated": True},
    {"head": {"out_channels": 1, "kernel_size": 5, "bias": True}},
]


def capture_of(folder: Path, changed: dict[str, object]) -> tuple[Capture, WaveNet]:
    capture = nam_file.read(nam_maker.write(folder / "one.nam", nam_maker.wavenet([{**nam_maker.ARRAY, **changed}])))
    network = capture.tiers[0].network
    assert isinstance(network, WaveNet)
    return capture, network


def heard(student: Student, audio: Audio) -> Audio:
    silence = np.zeros(student.receptive_field - 1, np.float32)
    return np.asarray(student.forward(torch.tensor(np.concatenate([silence, audio]))).detach())


@pytest.mark.parametrize("changed", KINDS)
def test_a_student_plays_what_the_engine_plays(tmp_path: Path, changed: dict[str, object]) -> None:
    capture, network = capture_of(tmp_path, changed)
    audio = np.random.default_rng(1).normal(0.0, 0.3, 500).astype(np.float32)
    wanted = play(capture, audio, exact=True)[:, 0]
    np.testing.assert_allclose(heard(Student(network), audio), wanted, atol=1e-5 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("changed", KINDS)
def test_the_gradient_is_what_a_small_step_changes(tmp_path: Path, changed: dict[str, object]) -> None:
    _, network = capture_of(tmp_path, changed)
    student = Student(network)
    audio = torch.tensor(np.random.default_rng(2).normal(0.0, 0.5, student.receptive_field + 60).astype(np.float32))
    gradients = torch.autograd.grad(student.forward(audio).square().sum(), student.parameters)
    steps = np.random.default_rng(3)
    for parameter, gradient in zip(student.parameters, gradients, strict=True):
        step = torch.tensor(steps.normal(0.0, 1.0, tuple(parameter.shape)).astype(np.float32))
        ends = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                parameter.add_(sign * 1e-3 * step)
                ends.append(float(student.forward(audio).double().square().sum()))
                parameter.sub_(sign * 1e-3 * step)
        slope = float((gradient * step).sum())
        scale = float(gradient.norm() * step.norm()) + 1e-6
        assert abs((ends[0] - ends[1]) / 2e-3 - slope) < 0.03 * scale


def test_a_network_comes_back_as_it_went_in(small: Capture, network: WaveNet) -> None:
    back = Student(network).network()
    audio = np.random.default_rng(4).normal(0.0, 0.3, 800).astype(np.float32)
    again = replace(small, tiers=(replace(small.tiers[0], network=back),))
    np.testing.assert_array_equal(play(again, audio), play(small, audio))


def test_parameters_share_the_memory_of_the_numbers(network: WaveNet) -> None:
    student = Student(network)
    with torch.no_grad():
        student.numbers.zero_()
    assert all(not parameter.any() for parameter in student.parameters)
    assert sum(parameter.numel() for parameter in student.parameters) == student.numbers.numel()
