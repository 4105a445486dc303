"""Selects the tiers that a board has time for: the capture's own tiers, or slimmed networks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nampedal.board.profiles.boards import Board
from nampedal.converter.errors import ConversionError, NothingFitsError
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.nam.nam_slimmable import parameter_count
from nampedal.converter.slim.clock import ConversionLimit, StepClock, WallClock
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.converter.slim.fusable import Shape, is_plain
from nampedal.converter.slim.shapes import shapes, smallest_shape, untrained
from nampedal.converter.slim.slimmer import Slimmed, Slimmer
from nampedal.firmware.cost.cost_model import predict_us
from nampedal.firmware.engine.capture import Capture, Tier
from nampedal.firmware.engine.network import Network, WaveNet, macs_per_frame

# If one of the capture's own tiers uses this share of the limit, no slimmed tier is searched.
WELL_USED = 0.75
# Share of the budget for the tier below the budget's tier. The pedal switches to it under load.
STEP_DOWN = 0.5


@dataclass(frozen=True, slots=True)
class BudgetTarget:
    """A board in use: budget in percent of one of its cores, period in frames, sample rate in Hz.

    Raises ConversionError if the board's profile has no network costs.
    """

    board: Board
    period_frames: int
    budget_percent: float
    sample_rate: float

    def __post_init__(self) -> None:
        if self.board.cost is None:
            raise ConversionError(
                f"board {self.board.key}: nothing is known of what networks cost on it; run 'nampedal calibrate' there"
            )

    @property
    def status(self) -> str:
        """'measured' or 'estimated': the origin of the board's network costs."""
        assert self.board.cost is not None
        return self.board.cost.status

    def percent(self, network: Network) -> float:
        """Return the cost in percent of one core, by the cost model."""
        cost = self.board.cost
        assert cost is not None
        period_us = 1e6 * self.period_frames / self.sample_rate
        return 100.0 * predict_us(network, self.period_frames, cost.kernels, cost.nanoseconds) / period_us

    def upper_bound_percent(self, network: Network) -> float:
        """Return the upper bound: the cost plus the cost model's error. It must be within the budget."""
        assert self.board.cost is not None
        return self.percent(network) * (1.0 + self.board.cost.error_percent / 100.0)

    def fits(self, network: Network, share: float = 1.0) -> bool:
        """Return True if the upper bound is within this share of the budget."""
        return self.upper_bound_percent(network) <= share * self.budget_percent


@dataclass(frozen=True, slots=True)
class Slimming:
    """Options of slimming. device: PyTorch's name of the device to train on."""

    material: TrainingAudio
    length: ConversionLimit
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class SizedTier:
    """A tier in float32, and its origin.

    how: 'as it is', 'its own size', or the shape and method of slimming.
    rough_esr: ESR against the full tier on the validation material, before rounding; used to choose a tier, not shown.
    percent: cost in percent of a core.
    """

    tier: Tier
    how: str
    rough_esr: float
    percent: float


class Schedule:
    """Time limits and progress of the slimming.

    This base class sets no limit except that it allows no time for training, and it ignores progress.
    """

    def search_is_over(self) -> bool:
        """Return True if no more shapes should be tried."""
        return False

    def may_train(self) -> bool:
        """Return True if there is enough time to start training."""
        return True

    def training_ends(self) -> float:
        """Return the end of the training on the clock that Sizing.slim() was given.

        It is called when training begins, and then from time to time.
        """
        return 0.0

    def checked(self, wall_s: float, cpu_s: float) -> None:
        """Record the wall seconds and CPU seconds of a piece of work."""

    def report_progress(self, text: str, trained: float | None = None) -> None:
        """Report the current work. trained: the share of the training that is done; None: not training."""


@dataclass(slots=True)
class _Place:
    """A tier to fill within a share of the budget: with the capture's own tier, or with a slimmed shape."""

    share: float
    own: SizedTier | None
    shapes: list[Shape]
    slimmed: Slimmed | None = None


class Sizing:
    """Selects the full tier, one within the budget, and one within half of it; equal ones are listed once.

    Raises NothingFitsError if no size of the capture is within the budget.
    """

    def __init__(
        self,
        capture: Capture,
        target: BudgetTarget,
        material: TrainingAudio,
        follower: ConversionProgress | None = None,
    ) -> None:
        self._capture, self._target = capture, target
        full = capture.tiers[0]
        self._full = SizedTier(full, "as it is", 0.0, target.percent(full.network))
        self._slimmer = Slimmer(replace(capture, tiers=(full,)), material, follower)
        self._places: list[_Place] = []
        if not target.fits(full.network):
            self._places.append(self._place(1.0))
        settled = bool(self._places) and self._is_settled(self._places[0])
        if not settled and not target.fits(full.network, STEP_DOWN):
            self._places.append(self._place(STEP_DOWN))
        if not target.fits(full.network) and self._is_empty(self._places[0]):
            raise NothingFitsError(self.nothing_fits_message())

    @property
    def full(self) -> SizedTier:
        return self._full

    @property
    def needs_slimming(self) -> bool:
        """True if any tier has to be slimmed."""
        return any(place.shapes for place in self._places)

    def smaller(self) -> list[Network]:
        """Return networks that are as large as the smaller tiers will be."""
        whole = self._capture.tiers[0].network
        return [
            place.own.tier.network if place.own is not None else untrained(_wavenet(whole), place.shapes[0])
            for place in self._places
            if not self._is_empty(place)
        ]

    def slim(self, slimming: Slimming, clock: WallClock | StepClock, plan: Schedule) -> None:
        """Prune the networks, and train them if `slimming.length` allows any training."""
        places = [place for place in self._places if place.shapes]
        if not places:
            return
        pruned = self._slimmer.prune([place.shapes for place in places], plan.search_is_over, plan.report_progress)
        best = [shapes[0] for shapes in pruned]
        if slimming.length.trains and plan.may_train():
            best = self._slimmer.train(
                pruned,
                [place.share for place in places],
                plan.training_ends,
                clock,
                slimming.seed,
                slimming.device,
                lambda done, text: plan.report_progress(text, done),
                plan.checked,
            )
        for place, slimmed in zip(places, best, strict=True):
            place.slimmed = slimmed

    def best_tiers(self) -> list[SizedTier]:
        """Return the best tier for each place, full first."""
        found = [self._full]
        for place in self._places:
            # A tier that also fits half of the budget needs no step down.
            if place.share < 1.0 and self._target.fits(found[-1].tier.network, place.share):
                break
            best = self._best(place)
            if best is not None:
                found.append(best)
        return found

    def nothing_fits_message(self, max_esr: float | None = None, within: tuple[SizedTier, float] | None = None) -> str:
        """Return the message why nothing fits, with the two nearest solutions.

        within: the tier that fits, and its ESR, which is above max_esr.
        """
        target = self._target
        tier = self._capture.tiers[-1]
        own = "as it is it" if len(self._capture.tiers) == 1 else "its smallest own size"
        near = f"{own} fits at {math.ceil(target.upper_bound_percent(tier.network))} %"
        if within is not None:
            sized, esr = within
            reaches = math.ceil(target.upper_bound_percent(sized.tier.network))
            found = f"{sized.how} it fits at {reaches} % with ESR {esr:.1e}"
            near = found if sized is self._full else f"{near}; {found}"
        elif is_plain(tier.network):
            least = untrained(tier.network, smallest_shape(tier.network))
            near += f"; slimmed as far as it goes it fits at {target.upper_bound_percent(least):.1f} %"
        asked = f"{target.budget_percent:g} % of a core of {target.board.key} ({target.status})"
        limit = f"in periods of {target.period_frames} frames" + ("" if max_esr is None else f" within ESR {max_esr:g}")
        return f"{self._capture.source.file_name}: nothing fits {asked} {limit}; {near}"

    def _place(self, share: float) -> _Place:
        fits = (tier for tier in self._capture.tiers[1:] if self._target.fits(tier.network, share))
        tier = next(fits, None)
        own = None
        if tier is not None:
            own = SizedTier(tier, "its own size", self._slimmer.esr(tier.network), self._target.percent(tier.network))
            # It uses so much of its share that nothing much better would fit.
            if not self._target.fits(tier.network, WELL_USED * share):
                return _Place(share, own, [])
        whole = self._capture.tiers[0].network
        found = shapes(whole, lambda network: self._target.fits(network, share)) if is_plain(whole) else []
        return _Place(share, own, found)

    def _is_settled(self, place: _Place) -> bool:
        """Return True if the tier of this place fits half of the budget too, whatever the result."""
        return not place.shapes and place.own is not None and self._target.fits(place.own.tier.network, STEP_DOWN)

    def _is_empty(self, place: _Place) -> bool:
        return place.own is None and not place.shapes

    def _best(self, place: _Place) -> SizedTier | None:
        slimmed = place.slimmed
        if slimmed is None or (place.own is not None and place.own.rough_esr <= slimmed.esr):
            return place.own
        whole = self._capture.tiers[0].network
        tier = Tier(
            slimmed.network, parameter_count(slimmed.network), macs_per_frame(slimmed.network) / macs_per_frame(whole)
        )
        how = f"slimmed to {slimmed.shape}" if slimmed.steps else f"pruned to {slimmed.shape}"
        return SizedTier(tier, how, slimmed.esr, self._target.percent(slimmed.network))


def size(capture: Capture, target: BudgetTarget, slimming: Slimming) -> list[SizedTier]:
    """Return the tiers of a capture for a board, in float32, full first.

    A length in minutes is that of the training alone. Raises NothingFitsError.
    """
    sizing = Sizing(capture, target, slimming.material)
    clock: WallClock | StepClock = WallClock() if slimming.length.steps is None else StepClock()
    sizing.slim(slimming, clock, _Alone(slimming.length, clock))
    return sizing.best_tiers()


class _Alone(Schedule):
    """A schedule that trains for the full requested length."""

    def __init__(self, length: ConversionLimit, clock: WallClock | StepClock) -> None:
        self._ends = clock.now() + (60.0 * length.minutes if length.steps is None else length.steps)

    def training_ends(self) -> float:
        return self._ends


def _wavenet(network: Network) -> WaveNet:
    assert isinstance(network, WaveNet)
    return network
