"""A course of training: several shapes begin, the best of them goes on to the end. Needs PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from nampedal.converter.slim.distill import Pupil, Training, assisted, cosine
from nampedal.converter.slim.lessons import Lesson
from nampedal.converter.slim.slim import Slimmed, Tell

# Shapes that are trained to choose among them, round by round, and the part of all steps that each then takes.
ROUNDS = ((6, 0.01), (3, 0.03), (2, 0.05))
CHECKS = 40


@dataclass(slots=True)
class _Candidate:
    """A shape in training."""

    shape: str
    training: Training
    esr: float = math.inf
    steps: int = 0


class Course:
    """All training of one capture to one limit."""

    def __init__(self, learned: Lesson, exam: Lesson, seed: int, device: str, tell: Tell) -> None:
        self._learned = learned
        self._judge = Pupil(exam, device)
        self._seed, self._device, self._tell = seed, device, tell
        self._done = 0

    def best(self, pruned: list[Slimmed], steps: int) -> Slimmed:
        """The best that training makes of them; on Ctrl-C, the best so far."""
        self._best = pruned[0]
        with assisted(self._learned, self._device) as assistant:
            pupil = Pupil(self._learned, self._device)
            running = [
                _Candidate(one.shape, Training(one.network, pupil, assistant, self._seed))
                for one in pruned[: ROUNDS[0][0]]
            ]
            try:
                for count, share in ROUNDS:
                    running = running[:count]
                    for candidate in running:
                        self._run(candidate, round(share * steps), lambda step: 1.0, steps)
                    running.sort(key=lambda candidate: candidate.esr)
                left = max(CHECKS, steps - self._done)
                for check in range(CHECKS):
                    taken = left // CHECKS
                    self._run(running[0], taken, cosine(check * taken, taken * CHECKS), steps)
            except KeyboardInterrupt:
                pass
        return self._best

    def _run(self, candidate: _Candidate, steps: int, rate: Callable[[int], float], total: int) -> None:
        candidate.training.run(steps, rate)
        self._done += steps
        candidate.steps += steps
        candidate.esr = self._judge.esr(candidate.training.student)
        if candidate.esr < self._best.esr:
            network = candidate.training.student.network()
            self._best = Slimmed(network, candidate.shape, candidate.esr, candidate.steps)
        self._tell(min(1.0, self._done / total), f"{candidate.shape}: ESR {candidate.esr:.1e}")
