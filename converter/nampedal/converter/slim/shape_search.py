"""Trains several candidate shapes for each tier, drops the worst in rounds, and trains the best to the end.

Needs PyTorch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from nampedal.converter.follower import ConversionProgress
from nampedal.converter.slim.clock import StepClock, WallClock
from nampedal.converter.slim.dataset import TrainingPair
from nampedal.converter.slim.distillation import DistillationLoss, Training, cosine_rate, gradient_worker
from nampedal.converter.slim.slimmer import Slimmed

# Selection rounds: how many shapes are trained, and the share of the tier's time for each of them.
ROUNDS = ((8, 0.01), (3, 0.03), (2, 0.06))
# Validations during the final training. There are fewer if one would take more than 1/JUDGING of the time.
VALIDATIONS = 40
MIN_VALIDATION_INTERVAL = 12.0
# A selection round is skipped if one validation would take more than 1/MIN_ROUND of its time: too few steps to compare.
MIN_ROUND = 6.0

# Progress callback (done, text). done: share of the whole training.  text: what is being trained.
ProgressCallback = Callable[[float, str], None]


@dataclass(slots=True)
class _Candidate:
    """One shape in training. esr: at the last validation; infinite before the first."""

    shape: str
    training: Training
    esr: float = math.inf
    steps: int = 0


@dataclass(slots=True)
class _Tier:
    """Training state of one tier. weight: relative share of the time.  best: the best network so far."""

    weight: float
    best: Slimmed
    running: list[_Candidate] = field(default_factory=list)


class ShapeSearch:
    """The whole training of one capture. Positions and lengths are in units of the clock (seconds or steps).

    learned, exam: training and validation audio.
    checked(wall_s, cpu_s): called after each validation with the seconds that it took.
    """

    def __init__(
        self,
        learned: TrainingPair,
        exam: TrainingPair,
        *,
        clock: WallClock | StepClock,
        seed: int = 0,
        device: str = "cpu",
        follower: ConversionProgress | None = None,
        progress: ProgressCallback = lambda done, text: None,
        checked: Callable[[float, float], None] = lambda wall_s, cpu_s: None,
    ) -> None:
        self._checked = checked
        self._learned, self._judge = learned, DistillationLoss(exam, device)
        self._clock, self._seed, self._device, self._progress = clock, seed, device, progress
        self._follower = follower or ConversionProgress()
        self._begin = self._end = 0.0
        # Duration of one validation, in units of the clock.
        self._check = 0.0
        self._ask_end: Callable[[], float] = lambda: 0.0

    def best(
        self, pruned: Sequence[Sequence[Slimmed]], weights: Sequence[float], end: Callable[[], float]
    ) -> list[Slimmed]:
        """Train, and return the best network of each tier. Returns early if the follower asks to end.

        pruned: for each tier, its pruned networks, best first.
        weights: for each tier, its relative share of the time.
        end(): returns the position on the clock at which training ends; called at the start and after each validation.

        The shape of every tier is chosen before any tier is trained to the end, so that each tier has a result early.
        Each round ends at a learning rate of zero, because the ESR at a higher rate says little about the final ESR.
        """
        tiers = [_Tier(weight, shapes[0]) for weight, shapes in zip(weights, pruned, strict=True)]
        with gradient_worker(self._learned, self._device) as assistant:
            pupil = DistillationLoss(self._learned, self._device)
            self._ask_end = end
            self._begin, self._end = self._clock.now(), end()
            self._judge_once(Training(pruned[0][0].network, pupil, assistant, self._seed))
            for tier, shapes in zip(tiers, pruned, strict=True):
                tier.running = [
                    _Candidate(one.shape, Training(one.network, pupil, assistant, self._seed))
                    for one in shapes[: ROUNDS[0][0]]
                ]
                self._choose(tier, (self._end - self._begin) * tier.weight / sum(weights))
            for number, tier in enumerate(tiers):
                left = sum(weights[number:])
                now = self._clock.now()
                share = tier.weight / left
                self._run(tier, tier.running[0], self._part(now, share), VALIDATIONS)
        return [tier.best for tier in tiers]

    def _part(self, begin: float, share: float) -> Callable[[], float]:
        """Return a function that gives the end of this share of the time that is left after `begin`."""
        return lambda: begin + (self._end - begin) * share

    def _choose(self, tier: _Tier, length: float) -> None:
        """Run the selection rounds; afterwards the tier's best shape is first. length: of the tier's whole training."""
        for count, share in ROUNDS:
            tier.running = tier.running[:count]
            if len(tier.running) == 1:
                return
            if share * length < MIN_ROUND * self._check:
                continue
            for candidate in tier.running:
                until = self._clock.now() + share * length
                self._run(tier, candidate, _fixed(until), 1)
            tier.running.sort(key=lambda candidate: candidate.esr)

    def _run(self, tier: _Tier, candidate: _Candidate, ends: Callable[[], float], checks: int) -> None:
        """Train one shape and validate it regularly.

        ends(): returns the position on the clock at which to stop; it can change during training.
        """
        until = begin = self._clock.now()
        while not self._follower.asks_to_end():
            # The last validation must also be finished by then.
            end = max(begin, ends() - self._check)
            until = min(
                end, max(until + (end - begin) / checks, self._clock.now() + MIN_VALIDATION_INTERVAL * self._check)
            )
            candidate.training.run(self._rates(tier, candidate, begin, end, until))
            if self._follower.asks_to_end():
                return
            self._examine(tier, candidate)
            if until >= end:
                return

    def _rates(self, tier: _Tier, candidate: _Candidate, begin: float, end: float, until: float) -> Iterator[float]:
        """Yield the learning rate of each step, as a share of RATE, until the clock reaches `until`; at least once."""
        first = True
        while first or (self._clock.now() < until and not self._follower.asks_to_end()):
            first = False
            yield cosine_rate((self._clock.now() - begin) / (end - begin) if end > begin else 1.0)
            self._clock.stepped()
            candidate.steps += 1
            whole = self._end - self._begin
            done = (self._clock.now() - self._begin) / whole if whole > 0.0 else 1.0
            self._progress(min(1.0, max(0.0, done)), f"training {candidate.shape}, ESR so far {tier.best.esr:.1e}")

    def _examine(self, tier: _Tier, candidate: _Candidate) -> None:
        esr = self._judge_once(candidate.training)
        candidate.esr = math.inf if math.isnan(esr) else esr
        if candidate.esr < tier.best.esr:
            network = candidate.training.student.network()
            tier.best = Slimmed(network, candidate.shape, candidate.esr, candidate.steps)

    def _judge_once(self, training: Training) -> float:
        """Return the ESR on the validation audio, and record how long the validation took.

        Only this process computes here, so the measured time is also valid for the validation after training.
        """
        began, wall_s, cpu_s = self._clock.now(), time.monotonic(), time.process_time()
        esr = self._judge.esr(training.student)
        self._check = self._clock.now() - began
        self._checked(time.monotonic() - wall_s, time.process_time() - cpu_s)
        self._end = self._ask_end()
        return esr


def _fixed(end: float) -> Callable[[], float]:
    return lambda: end
