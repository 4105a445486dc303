from __future__ import annotations

import numpy as np
import pytest
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.slim import shape_search
from nampedal.converter.slim.clock import ConversionLimit, StepClock
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.converter.slim.distillation import DistillationLoss
from nampedal.converter.slim.fusable import Shape
from nampedal.converter.slim.shapes import shapes
from nampedal.converter.slim.slimmer import Slimmed, Slimmer
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import Network, WaveNet, convolutions, macs_per_frame

pytestmark = pytest.mark.long


class SlowClock(StepClock):
    """On which a step takes so long, as a wall's clock would have it; and other work may take time too."""

    def __init__(self, step_s: float) -> None:
        super().__init__()
        self._step_s = step_s
        self.passed_s = 0.0

    def now(self) -> float:
        return self._step_s * super().now() + self.passed_s


class Leaving(ConversionProgress):
    """Asks to end after so many steps were told."""

    def __init__(self, steps: int) -> None:
        self.told, self._steps = 0, steps

    def asks_to_end(self) -> bool:
        return self.told >= self._steps


def wide(capture: Capture, share: float) -> list[Shape]:
    """Shapes within that share of the work."""
    network = capture.tiers[0].network
    assert isinstance(network, WaveNet)
    limit = share * macs_per_frame(network)
    return shapes(network, lambda smaller: macs_per_frame(smaller) <= limit)


def trained(
    slimmer: Slimmer, pruned: list[list[Slimmed]], steps: float, clock: StepClock | None = None
) -> list[Slimmed]:
    clock = clock or StepClock()
    weights = [1.0, 0.5][: len(pruned)]
    return slimmer.train(pruned, weights, lambda: steps, clock)


def weights(network: Network) -> list[bytes]:
    return [np.asarray(conv.weight).tobytes() for conv in convolutions(network).values()]


@pytest.fixture(scope="module")
def slimmer(small: Capture, plucked: TrainingAudio) -> Slimmer:
    return Slimmer(small, plucked)


@pytest.fixture(scope="module")
def pruned(slimmer: Slimmer, small: Capture) -> list[list[Slimmed]]:
    return slimmer.prune([wide(small, 0.4), wide(small, 0.2)])


def test_training_beats_pruning_and_the_same_steps_again_give_the_same(
    small: Capture, slimmer: Slimmer, pruned: list[list[Slimmed]]
) -> None:
    first, again = (trained(slimmer, pruned, 600) for _ in range(2))
    for before, one, other, share in zip(pruned, first, again, (0.4, 0.2), strict=True):
        assert before[0].steps == 0
        assert one.steps > 0
        assert one.esr < 0.5 * before[0].esr
        assert macs_per_frame(one.network) <= share * macs_per_frame(small.tiers[0].network)
        assert weights(one.network) == weights(other.network)
        assert (one.shape, one.esr, one.steps) == (other.shape, other.esr, other.steps)


def test_every_limit_is_pruned_best_first_and_told(slimmer: Slimmer, small: Capture) -> None:
    told: list[str] = []
    limits = [wide(small, 0.4), wide(small, 0.2)]
    found = slimmer.prune(limits, progress=told.append)
    total = sum(map(len, limits))
    assert [len(one) for one in found] == [len(one) for one in limits]
    assert told == [f"trying shape {number + 1} of {total}" for number in range(total)]
    for limit in found:
        assert [one.esr for one in limit] == sorted(one.esr for one in limit)


def test_where_time_is_short_every_limit_has_one_shape(slimmer: Slimmer, small: Capture) -> None:
    found = slimmer.prune([wide(small, 0.4), wide(small, 0.2)], enough=lambda: True)
    assert [len(one) for one in found] == [1, 1]


@pytest.mark.parametrize("step_s", [0.5, 2.0])
def test_training_ends_when_the_clock_says_whatever_a_step_takes(
    slimmer: Slimmer, pruned: list[list[Slimmed]], step_s: float
) -> None:
    clock = SlowClock(step_s)
    trained(slimmer, pruned, 300.0, clock)
    # A step begun is ended.
    assert 300.0 <= clock.now() <= 300.0 + 2 * step_s


def test_tiers_share_the_time_by_their_weights(slimmer: Slimmer, pruned: list[list[Slimmed]]) -> None:
    told: list[tuple[float, str]] = []
    clock = StepClock()
    slimmer.train(pruned, [1.0, 0.5], lambda: 300.0, clock, progress=lambda done, text: told.append((done, text)))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(text.startswith("training ") and ", ESR so far " in text for _, text in told)
    # The last third is the second tier's, from what both spent on choosing shapes on.
    last = told[-1][1].split(",")[0]
    of_last = sum(text.split(",")[0] == last for _, text in told[-70:])
    assert of_last >= 65


def test_judging_takes_a_small_part_of_the_time(
    slimmer: Slimmer, pruned: list[list[Slimmed]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, checks = SlowClock(1.0), 0
    judge = DistillationLoss.esr

    def slowly(pupil: DistillationLoss, student: object) -> float:
        nonlocal checks
        checks += 1
        clock.passed_s += 10.0
        return judge(pupil, student)  # type: ignore[arg-type]

    monkeypatch.setattr(DistillationLoss, "esr", slowly)
    trained(slimmer, pruned[:1], 600.0, clock)
    assert clock.now() <= 600.0 + 15.0
    # One to know what it takes; rounds of 6, 18 and 36 s are too short for it.
    assert 1 < checks <= 1 + 600.0 / (10.0 * shape_search.MIN_VALIDATION_INTERVAL) + 1


def ended_after(steps: int, small: Capture, plucked: TrainingAudio, pruned: list[list[Slimmed]]) -> list[Slimmed]:
    follower = Leaving(steps)

    def count(done: float, text: str) -> None:
        follower.told += 1

    clock = StepClock()
    slimmer = Slimmer(small, plucked, follower)
    return slimmer.train(pruned, [1.0, 0.5], lambda: 1500.0, clock, progress=count)


def test_an_end_that_is_asked_for_keeps_the_best_of_every_tier(
    small: Capture, plucked: TrainingAudio, pruned: list[list[Slimmed]]
) -> None:
    # Both tiers' shapes are chosen within 0.3 of the steps.
    found = ended_after(700, small, plucked, pruned)
    for before, one in zip(pruned, found, strict=True):
        assert one.steps > 0
        assert one.esr < before[0].esr
    assert [one.steps for one in ended_after(1, small, plucked, pruned)] == [0, 0]


def test_a_length_is_of_steps_or_minutes() -> None:
    lengths: list[tuple[ConversionLimit, bool]] = [
        (ConversionLimit(), False),
        (ConversionLimit(minutes=0.1), True),
        (ConversionLimit(steps=1), True),
        (ConversionLimit(steps=0), False),
    ]
    assert [length.trains for length, _ in lengths] == [trains for _, trains in lengths]


def test_fewer_shapes_are_left_round_by_round() -> None:
    counts = [count for count, _ in shape_search.ROUNDS]
    assert counts == sorted(counts, reverse=True)
    assert sum(count * share for count, share in shape_search.ROUNDS) < 0.3
