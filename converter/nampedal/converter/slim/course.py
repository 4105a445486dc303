"""A course of training: several shapes begin, the best of them goes on to the end. Needs PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nampedal.converter.slim.distill import Pupil, Training, assisted, cosine
from nampedal.converter.slim.lessons import Lesson
from nampedal.converter.slim.slim import Slimmed, Tell, step_seconds

# Shapes that are trained to choose among them, round by round, and the part of all time that each then takes.
ROUNDS = ((8, 0.01), (3, 0.03), (2, 0.06))
CHECKS = 40


@dataclass(slots=True)
class _Candidate:
    """A shape in training."""

    shape: str
    training: Training
    step_s: float
    esr: float = math.inf
    steps: int = 0


class Course:
    """All training of one capture to one limit."""

    def __init__(self, learned: Lesson, exam: Lesson, seed: int, device: str, tell: Tell) -> None:
        self._learned = learned
        self._judge = Pupil(exam, device)
        self._seed, self._device, self._tell = seed, device, tell

    def best(self, pruned: list[Slimmed], seconds: float) -> Slimmed:
        """The best that training makes of them in that time, as step_seconds() counts it; on Ctrl-C, the best so far.

        Each round ends at a rate of zero: what a network sounds like in between tells little of what will become of it.
        """
        self._best, self._seconds, self._spent = pruned[0], seconds, 0.0
        with assisted(self._learned, self._device) as assistant:
            pupil = Pupil(self._learned, self._device)
            running = [
                _Candidate(one.shape, Training(one.network, pupil, assistant, self._seed), step_seconds(one.network))
                for one in pruned[: ROUNDS[0][0]]
            ]
            try:
                for count, share in ROUNDS:
                    running = running[:count]
                    for candidate in running:
                        self._run(candidate, share * seconds, 1)
                    running.sort(key=lambda candidate: candidate.esr)
                self._run(running[0], seconds - self._spent, CHECKS)
            except KeyboardInterrupt:
                pass
        return self._best

    def _run(self, candidate: _Candidate, seconds: float, checks: int) -> None:
        steps = max(1, round(seconds / candidate.step_s / checks))
        for check in range(checks):
            candidate.training.run(steps, cosine(check * steps, checks * steps))
            candidate.steps += steps
            candidate.esr = self._judge.esr(candidate.training.student)
            self._spent += steps * candidate.step_s
            if candidate.esr < self._best.esr:
                network = candidate.training.student.network()
                self._best = Slimmed(network, candidate.shape, candidate.esr, candidate.steps)
            self._tell(min(1.0, self._spent / self._seconds), f"{candidate.shape}: ESR {candidate.esr:.1e}")
