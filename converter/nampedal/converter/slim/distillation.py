"""Distillation: trains a smaller network to give the same output as the original, with SOAP, on two processes.

Training is deterministic: the same network, training pair, seed and number of steps give the same weights on the same
machine.
"""

from __future__ import annotations

import math
import multiprocessing
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import torch
from nampedal.converter.errors import ConversionError
from nampedal.converter.slim.dataset import TrainingPair
from nampedal.converter.slim.soap import Soap
from nampedal.converter.slim.student import Student
from nampedal.firmware.engine.network import WaveNet
from torch import Tensor

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as Connection
else:
    from multiprocessing.connection import Connection

# Output frames of a training segment; the input of the receptive field before them is extra.
SEGMENT = 8192
LEARNING_RATE = 5e-3
WARM_UP_STEPS = 100
# Weight of the pre-emphasised error in the loss, and the coefficient of the pre-emphasis filter.
EMPHASIS_WEIGHT = 0.25
EMPHASIS = 0.85
# Added to a segment's energy in the loss, as a share of the mean energy: quiet segments count less.
ENERGY_FLOOR = 0.1


class DistillationLoss:
    """The distillation loss of a student on one training pair, and its gradient on one segment."""

    def __init__(self, lesson: TrainingPair, device: str) -> None:
        self.device = device
        self._audio = torch.tensor(lesson.audio, device=device)
        self._answer = torch.tensor(lesson.answer, device=device)
        answer = lesson.answer.astype(np.float64)
        self._energy = float(np.mean(answer**2))
        self._emphasised_energy = float(np.mean((answer[1:] - EMPHASIS * answer[:-1]) ** 2))

    def gradient(self, student: Student, start: int) -> Tensor:
        """Return the gradient of the loss on the segment that begins at frame `start`, shape (numbers,)."""
        answer = self._answer[start : start + SEGMENT]
        error = student.forward(self._input(student, start, len(answer))) - answer
        loss = error.square().mean() / (answer.square().mean() + ENERGY_FLOOR * self._energy)
        emphasised = answer[1:] - EMPHASIS * answer[:-1]
        wrong = (error[1:] - EMPHASIS * error[:-1]).square().mean()
        loss = loss + EMPHASIS_WEIGHT * wrong / (emphasised.square().mean() + ENERGY_FLOOR * self._emphasised_energy)
        return torch.cat([of.reshape(-1) for of in torch.autograd.grad(loss, student.parameters)])

    @torch.no_grad()
    def esr(self, student: Student) -> float:
        """Return the error-to-signal ratio on the whole training pair."""
        error = 0.0
        for start in range(0, len(self._answer), 1 << 15):
            answer = self._answer[start : start + (1 << 15)]
            heard = student.forward(self._input(student, start, len(answer)))
            error += float((heard - answer).square().sum())
        return error / (self._energy * len(self._answer))

    @property
    def segment_starts(self) -> int:
        """Number of frames at which a segment can begin."""
        return max(1, len(self._answer) - SEGMENT + 1)

    def _input(self, student: Student, start: int, frames: int) -> Tensor:
        """Return the input of a segment with the past that the student needs; missing past is filled with zeros."""
        first = start - student.receptive_field + 1
        heard = self._audio[max(0, first) : start + frames]
        return torch.nn.functional.pad(heard, (max(0, -first), 0))


class Training:
    """A network in training. Each step averages the gradients of this process and of `gradient_worker`."""

    def __init__(self, network: WaveNet, pupil: DistillationLoss, assistant: Connection, seed: int) -> None:
        self.student = Student(network, pupil.device)
        self._pupil = pupil
        self._assistant = assistant
        self._soap = Soap(self.student.parameters)
        self._random = np.random.default_rng(seed)
        self._done = 0

    def run(self, rates: Iterable[float]) -> None:
        """Take one step for each learning rate, given as a share of RATE. Raises ConversionError."""
        with _gone():
            self._run(rates)

    def _run(self, rates: Iterable[float]) -> None:
        self._assistant.send(self.student.network())
        for rate in rates:
            own, other = (int(start) for start in self._random.integers(0, self._pupil.segment_starts, 2))
            self._assistant.send((other, self.student.numbers.detach().cpu().numpy()))
            gradient = self._pupil.gradient(self.student, own)
            gradient = 0.5 * (gradient + torch.tensor(self._assistant.recv(), device=gradient.device))
            ramp = min(1.0, (self._done + 1) / WARM_UP_STEPS)
            self._soap.step(self.student.split(gradient), LEARNING_RATE * ramp * rate)
            self._done += 1


def cosine_rate(done: float) -> float:
    """Return the learning rate of a cosine schedule, from 1 down to 0 (Loshchilov and Hutter 2017).

    done: share of the training that is done, 0 to 1.
    """
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, max(0.0, done))))


@contextmanager
def gradient_worker(lesson: TrainingPair, device: str) -> Iterator[Connection]:
    """Run a second process that computes gradients for the same training pair, and yield the connection to it.

    Two threads of one process would wait for Python's global interpreter lock most of the time.
    Raises ConversionError.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_assist, args=(there, device), daemon=True)
    process.start()
    there.close()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with _gone():
            # Not passed as an argument of the process: if this process ends during the start, the child would fail to
            # read its arguments and print a traceback.
            here.send(lesson)
            # Wait until it is ready, so that its start does not count as training time.
            here.recv()
        yield here
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        here.close()
        # Safe to kill: it has no state to save, and its current result is not needed.
        process.kill()
        process.join()


@contextmanager
def _gone() -> Iterator[None]:
    """Raise ConversionError if the second process no longer answers."""
    try:
        yield
    except (EOFError, OSError) as error:
        todo = "close other programs, or use --jobs 1"
        raise ConversionError(f"slimming: the second process is gone, most often for want of memory; {todo}") from error


def _assist(connection: Connection, device: str) -> None:
    # Ctrl-C is sent to every process of the terminal; only the parent process handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    # The parent closes its end when the work is done or cancelled.
    with suppress(EOFError, OSError):
        pupil = DistillationLoss(connection.recv(), device)
        connection.send(None)
        _answer(connection, pupil, device)


def _answer(connection: Connection, pupil: DistillationLoss, device: str) -> None:
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
