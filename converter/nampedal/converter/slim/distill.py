"""Distillation: a smaller network learns to answer as the original does. Adam's successor SOAP, on two processes.

Deterministic: the same network, lesson, seed and steps give the same numbers on the same machine.
"""

from __future__ import annotations

import math
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

import numpy as np
import torch
from nampedal.converter.errors import TrainingProcessError
from nampedal.converter.slim.lessons import Lesson
from nampedal.converter.slim.soap import Soap
from nampedal.converter.slim.student import Student
from nampedal.firmware.network import WaveNet
from torch import Tensor

# Frames of a segment that are judged; what a network has to hear before is extra.
SEGMENT = 8192
RATE = 5e-3
WARM_UP = 100
# The share of the pre-emphasised error in the loss, and the pre-emphasis.
EMPHASISED = 0.25
EMPHASIS = 0.85
# Of the mean energy: how much quieter segments count for less.
FLOOR = 0.1


class Pupil:
    """A lesson, and the student that is to learn it: what its loss on a segment is, and how each number changes it."""

    def __init__(self, lesson: Lesson, device: str) -> None:
        self.device = device
        self._audio = torch.tensor(lesson.audio, device=device)
        self._answer = torch.tensor(lesson.answer, device=device)
        answer = lesson.answer.astype(np.float64)
        self._energy = float(np.mean(answer**2))
        self._emphasised_energy = float(np.mean((answer[1:] - EMPHASIS * answer[:-1]) ** 2))

    def gradient(self, student: Student, start: int) -> Tensor:
        """Of the loss on the segment that begins at frame `start`, by the student's numbers: (numbers,)."""
        answer = self._answer[start : start + SEGMENT]
        error = student.forward(self._heard(student, start, len(answer))) - answer
        loss = error.square().mean() / (answer.square().mean() + FLOOR * self._energy)
        emphasised = answer[1:] - EMPHASIS * answer[:-1]
        wrong = (error[1:] - EMPHASIS * error[:-1]).square().mean()
        loss = loss + EMPHASISED * wrong / (emphasised.square().mean() + FLOOR * self._emphasised_energy)
        return torch.cat([of.reshape(-1) for of in torch.autograd.grad(loss, student.parameters)])

    @torch.no_grad()
    def esr(self, student: Student) -> float:
        """Error-to-signal ratio on the whole lesson."""
        error = 0.0
        for start in range(0, len(self._answer), 1 << 15):
            answer = self._answer[start : start + (1 << 15)]
            heard = student.forward(self._heard(student, start, len(answer)))
            error += float((heard - answer).square().sum())
        return error / (self._energy * len(self._answer))

    @property
    def segments(self) -> int:
        """Frames at which a segment can begin."""
        return max(1, len(self._answer) - SEGMENT + 1)

    def _heard(self, student: Student, start: int, frames: int) -> Tensor:
        """The segment with the past that the student needs; before the lesson there was silence."""
        first = start - student.receptive_field + 1
        heard = self._audio[max(0, first) : start + frames]
        return torch.nn.functional.pad(heard, (max(0, -first), 0))


class Training:
    """A network in training."""

    def __init__(self, network: WaveNet, pupil: Pupil, assistant: Connection, seed: int) -> None:
        self.student = Student(network, pupil.device)
        self._pupil = pupil
        self._assistant = assistant
        self._soap = Soap(self.student.parameters)
        self._random = np.random.default_rng(seed)
        self._done = 0

    def run(self, steps: int, rate: Callable[[int], float]) -> None:
        """Take so many steps; rate(n): of the n-th of them, as a share of RATE. Raises TrainingProcessError."""
        try:
            self._run(steps, rate)
        except (EOFError, OSError) as error:
            todo = "close other programs, or use --jobs 1"
            raise TrainingProcessError(
                f"slimming: the second process is gone, most often for want of memory; {todo}"
            ) from error

    def _run(self, steps: int, rate: Callable[[int], float]) -> None:
        self._assistant.send(self.student.network())
        for step in range(steps):
            own, other = (int(start) for start in self._random.integers(0, self._pupil.segments, 2))
            self._assistant.send((other, self.student.numbers.detach().cpu().numpy()))
            gradient = self._pupil.gradient(self.student, own)
            gradient = 0.5 * (gradient + torch.tensor(self._assistant.recv(), device=gradient.device))
            ramp = min(1.0, (self._done + 1) / WARM_UP)
            self._soap.step(self.student.split(gradient), RATE * ramp * rate(step))
            self._done += 1


def cosine(done: int, steps: int) -> Callable[[int], float]:
    """From 1 to 0 over so many steps, of which some are done already (Loshchilov and Hutter 2017)."""
    return lambda step: 0.5 * (1.0 + math.cos(math.pi * (done + step) / steps))


@contextmanager
def assisted(lesson: Lesson, device: str) -> Iterator[Connection]:
    """A second process that knows the lesson. Two threads of one would wait for Python's lock most of the time."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_assist, args=(there, lesson, device), daemon=True)
    process.start()
    there.close()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield here
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        here.close()
        process.join()


def _assist(connection: Connection, lesson: Lesson, device: str) -> None:
    # Ctrl-C goes to every process of a terminal; the first decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    # The other end is closed when the work is done, or was broken off.
    with suppress(EOFError, OSError):
        _answer(connection, Pupil(lesson, device), device)


def _answer(connection: Connection, pupil: Pupil, device: str) -> None:
    student: Student | None = None
    while True:
        message = connection.recv()
        if isinstance(message, WaveNet):
            student = Student(message, device)
            continue
        assert student is not None
        start, numbers = message
        with torch.no_grad():
            student.numbers.copy_(torch.from_numpy(numbers))
        connection.send(pupil.gradient(student, start).cpu().numpy())
