from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
import torch
from nampedal.converter.errors import ConversionError
from nampedal.converter.slim.dataset import TrainingAudio, TrainingPair, make_pair
from nampedal.converter.slim.distillation import DistillationLoss, Training, cosine_rate, gradient_worker
from nampedal.converter.slim.fusable import Part
from nampedal.converter.slim.prune import prune
from nampedal.converter.slim.student import Student
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import WaveNet


def trained(network: WaveNet, learned: TrainingPair, seed: int) -> Student:
    with gradient_worker(learned, "cpu") as assistant:
        training = Training(network, DistillationLoss(learned, "cpu"), assistant, seed)
        training.run(cosine_rate(step / 150) for step in range(150))
    return training.student


@pytest.mark.long
def test_training_brings_a_network_nearer_and_the_same_seed_to_the_same_place(
    small: Capture, network: WaveNet, plucked: TrainingAudio
) -> None:
    learned, exam = make_pair(small, plucked.audio), DistillationLoss(make_pair(small, plucked.validation), "cpu")
    pruned = prune(network, (Part(0, 0, 5, 4), Part(1, 0, 5, 3)), plucked.audio)
    first, again, other = (trained(pruned, learned, seed) for seed in (1, 1, 2))
    assert exam.esr(first) < 0.5 * exam.esr(Student(pruned))
    assert torch.equal(first.numbers, again.numbers)
    assert not torch.equal(first.numbers, other.numbers)


def test_the_esr_is_that_of_the_whole_lesson(small: Capture, network: WaveNet, plucked: TrainingAudio) -> None:
    learned = make_pair(small, plucked.validation)
    assert DistillationLoss(learned, "cpu").esr(Student(network)) < 1e-10
    silent = Student(network)
    with torch.no_grad():
        silent.numbers.zero_()
    assert DistillationLoss(learned, "cpu").esr(silent) == pytest.approx(1.0)


def test_a_lesson_may_be_shorter_than_a_segment(small: Capture, network: WaveNet, plucked: TrainingAudio) -> None:
    learned = make_pair(small, plucked.audio[:5000])
    assert torch.isfinite(DistillationLoss(learned, "cpu").gradient(Student(network), 0)).all()


def test_the_rate_falls_from_one_to_nothing() -> None:
    rates = [cosine_rate(step / 100) for step in range(100)]
    assert rates[0] == 1.0
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-3
    assert np.isclose(cosine_rate(0.5), 0.5)
    assert cosine_rate(1.5) == 0.0


def test_a_second_process_that_is_gone_is_told(small: Capture, network: WaveNet, plucked: TrainingAudio) -> None:
    learned = make_pair(small, plucked.validation)
    with gradient_worker(learned, "cpu") as assistant:
        (process,) = multiprocessing.active_children()
        training = Training(network, DistillationLoss(learned, "cpu"), assistant, 0)
        process.kill()
        with pytest.raises(ConversionError) as caught:
            training.run([1.0] * 5)
    assert str(caught.value) == (
        "slimming: the second process is gone, most often for want of memory; close other programs, or use --jobs 1"
    )


def test_work_that_is_broken_off_ends_quietly(
    small: Capture, network: WaveNet, plucked: TrainingAudio, capfd: pytest.CaptureFixture[str]
) -> None:
    learned = make_pair(small, plucked.validation)
    with gradient_worker(learned, "cpu") as assistant:
        training = Training(network, DistillationLoss(learned, "cpu"), assistant, 0)
        # A request whose answer nobody waits for.
        assistant.send(network)
        assistant.send((0, training.student.numbers.numpy()))
    assert capfd.readouterr() == ("", "")
