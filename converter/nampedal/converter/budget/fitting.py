"""Converts a capture for a board, and ends at the promised time.

The full tier is rounded first. Its duration predicts that of the smaller tiers, and so the time at which training must
end. It also means that the full tier is done when the user asks for an early stop: the rest must then take at most ten
seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from nampedal.converter.budget.sizing import BudgetTarget, Schedule, SizedTier, Sizing, Slimming
from nampedal.converter.errors import NothingFitsError
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.rounding.mixed_precision import MAX_ESR
from nampedal.converter.rounding.tier_conversion import Conversion
from nampedal.converter.slim.clock import StepClock, WallClock
from nampedal.firmware.engine.capture import Capture, Tier
from nampedal.firmware.engine.network import Network, convolutions

# Share of the time between the full tier and the smaller ones that the search for shapes may take.
SEARCH_SHARE = 0.2
# Minimum time for training: PyTorch and the second process need some seconds to start.
MIN_TRAINING_S = 5.0
# ESR that rounding may add to a slimmed tier, as a share of the ESR from slimming.
ROUNDING_SHARE = 0.01
# Maximum seconds for the work after training when an early stop is requested; if it would take longer, tiers are
# rounded in the hurried way (less audio, no own proof).
HURRY_S = 6.0
# The rounding time grows with the number of matrix columns to this power (measured on A1 captures of 16 to 4 channels).
WORK_POWER = 1.2
# Margin on the predicted time of the work after training: a factor, and seconds.
RESERVE, RESERVE_S = 1.05, 0.5
# Limits of the ratio of wall time to CPU time, and the weight of a new measurement of it.
MIN_STRETCH, MAX_STRETCH, SMOOTHING = 0.5, 20.0, 0.25
# Number of proofs of a smaller tier: against its own original, and against the full tier's.
PROOFS = 2.0
# Time of a report for the original and for each tier, in proofs.
REPORT = 0.8

KEEPS = "ends the training and writes what is best so far of every tier"


@dataclass(frozen=True, slots=True)
class FitResult:
    """The result of Fitting.

    capture: to be stored.
    sized: the origin of each of its tiers.
    built_in_esrs: ESR of each tier against the original on the built-in audio, even if other audio is used for judging.
    ends_s: when the whole job will be done, including a report if there is one, by time.monotonic().
    """

    capture: Capture
    sized: tuple[SizedTier, ...]
    built_in_esrs: tuple[float, ...]
    ends_s: float


class Fitting:
    """One conversion for a board.

    begin_s: start of the conversion, by time.monotonic().
    conversion: judges on the validation part of the material.
    with_report: reserve time for a report.
    """

    def __init__(
        self,
        capture: Capture,
        target: BudgetTarget,
        slimming: Slimming,
        conversion: Conversion,
        max_esr: float,
        *,
        begin_s: float,
        with_report: bool = False,
        follower: ConversionProgress | None = None,
    ) -> None:
        self._follower = follower or ConversionProgress()
        self._target, self._slimming, self._conversion = target, slimming, conversion
        self._max_esr = max_esr
        self._begin_s, self._with_report = begin_s, with_report
        self._sizing = Sizing(capture, target, slimming.material, self._follower)

    def run(self) -> FitResult:
        """Run the conversion.

        Raises NothingFitsError if the ESR of the tier for the budget is above max_esr; KeyboardInterrupt.
        """
        sizing, length = self._sizing, self._slimming.length
        trains = length.trains and sizing.needs_slimming
        promised = self._begin_s + 60.0 * length.minutes if trains and length.steps is None else None
        stopwatch = _Stopwatch(self._follower.check)
        schedule = _Schedule(self._follower, promised, length.steps)
        if trains and self._slimming.material.doubts:
            self._follower.note(_doubted(self._slimming.material.described, self._slimming.material.doubts))

        schedule.report_progress("rounding")
        tiers = [self._conversion.tier(sizing.full.tier, stopwatch.advance)]
        behind = [self._takes(stopwatch, sizing.full.tier.network, network) for network in sizing.smaller()]
        schedule.behind_cpu_s = sum(behind) + self._report_s(1 + len(behind))
        schedule.checked(*stopwatch.took())
        schedule.warn(length.minutes)
        schedule.search()
        clock: WallClock | StepClock = WallClock() if length.steps is None else StepClock()
        schedule.clock = clock
        sizing.slim(self._slimming, clock, schedule)
        schedule.is_behind()
        sized = sizing.best_tiers()
        report_s = self._report_s(len(sized))
        left = behind[: len(sized) - 1]
        for one in sized[1:]:
            schedule.behind_cpu_s = sum(left) + report_s
            schedule.report_progress("rounding")
            wall_s, cpu_s = time.monotonic(), time.process_time()
            tiers.append(self._smaller(one, schedule))
            cpu_s = time.process_time() - cpu_s
            schedule.checked(time.monotonic() - wall_s, cpu_s)
            # Scale the remaining predictions by the same ratio.
            ratio = cpu_s / left.pop(0)
            left, report_s = [seconds * ratio for seconds in left], report_s * ratio
        self._judge(sized, tiers)
        capture = self._conversion.assemble(tiers)
        return FitResult(capture, tuple(sized), tuple(self._conversion.built_in_esrs), schedule.ends_s(report_s))

    def _smaller(self, sized: SizedTier, schedule: _Schedule) -> Tier:
        own = sized.how == "its own size"
        max_esr = MAX_ESR if own else max(MAX_ESR, ROUNDING_SHARE * sized.rough_esr)
        return self._conversion.tier(sized.tier, max_esr=max_esr, hurried=schedule.is_hurried())

    def _judge(self, sized: list[SizedTier], tiers: list[Tier]) -> None:
        """Raise NothingFitsError if the budget's tier, in its stored form, has an ESR above max_esr."""
        number = next(i for i, one in enumerate(sized) if self._target.fits(one.tier.network))
        proof = tiers[number].likeness or tiers[number].proof
        assert proof is not None
        if not proof.esr <= self._max_esr:
            raise NothingFitsError(self._sizing.nothing_fits_message(self._max_esr, (sized[number], proof.esr)))

    def _takes(self, stopwatch: _Stopwatch, full: Network, network: Network) -> float:
        """Predict the CPU seconds of a smaller tier's rounding and proofs from the time of the full one."""
        part = float((_work(network) / _work(full)) ** WORK_POWER)
        return stopwatch.pass_s * part + PROOFS * self._conversion.proof_cpu_s

    def _report_s(self, tiers: int) -> float:
        return REPORT * self._conversion.proof_cpu_s * (1 + tiers) if self._with_report else 0.0


class _Stopwatch:
    """Measures the CPU time of rounding the full tier: one pass over its convolutions."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._began_wall_s = time.monotonic()
        self._began_s = time.process_time()
        self._most = 0
        self.pass_s = 0.0

    def advance(self, done: int, total: int) -> None:
        self._check()
        # A second pass may follow, which starts again at the first convolution.
        if done > self._most:
            self._most, self.pass_s = done, time.process_time() - self._began_s

    def took(self) -> tuple[float, float]:
        """Return the wall seconds and CPU seconds since the start."""
        return time.monotonic() - self._began_wall_s, time.process_time() - self._began_s


class _Schedule(Schedule):
    """Decides when each part of the work must end.

    promised_s: when the whole job must end, by time.monotonic(); None: no time was promised.
    steps: number of training steps; None: training ends by time.
    behind_cpu_s: remaining work after training, in CPU seconds.
    """

    def __init__(self, follower: ConversionProgress, promised_s: float | None, steps: int | None) -> None:
        self._follower, self._promised_s, self._steps = follower, promised_s, steps
        self.behind_cpu_s = 0.0
        # Wall seconds per CPU second, because the machine may have other work.
        self._stretch: float | None = None
        self._steps_end: float | None = None
        self.clock: WallClock | StepClock = WallClock()
        self._search_ends_s: float | None = None
        self._trains_since_s: float | None = None
        self._is_behind = False

    @property
    def behind_s(self) -> float:
        """Remaining work after training, in wall seconds."""
        return RESERVE * self.behind_cpu_s * (self._stretch or 1.0) + RESERVE_S

    def checked(self, wall_s: float, cpu_s: float) -> None:
        stretch = min(max(wall_s / max(cpu_s, 1e-3), MIN_STRETCH), MAX_STRETCH)
        self._stretch = stretch if self._stretch is None else self._stretch + SMOOTHING * (stretch - self._stretch)

    def ends_s(self, cpu_s: float) -> float:
        """Return when this many CPU seconds of work will be done, by time.monotonic()."""
        return time.monotonic() + cpu_s * (self._stretch or 1.0)

    def is_behind(self) -> None:
        """Mark that the search for shapes and the training are over."""
        self._is_behind = True

    def warn(self, minutes: float) -> None:
        """Tell the user if the time is too short."""
        if self._promised_s is None:
            return
        left_s = self._promised_s - self.behind_s - time.monotonic()
        if left_s < 2.0 * MIN_TRAINING_S:
            needs_s = 60.0 * minutes - left_s
            self._follower.note(
                f"--minutes {minutes:g} is short: rounding and measuring take about {needs_s:.0f} s of it on this "
                f"machine, so that little or nothing is trained; {math.ceil(2.0 * needs_s / 60.0) + 1:g} would do"
            )

    def search(self) -> None:
        """Start the search for shapes."""
        if self._promised_s is not None:
            now = time.monotonic()
            self._search_ends_s = now + SEARCH_SHARE * max(0.0, self._promised_s - self.behind_s - now)

    def search_is_over(self) -> bool:
        return self._search_ends_s is not None and time.monotonic() >= self._search_ends_s

    def may_train(self) -> bool:
        if self._promised_s is None:
            return True
        return self._promised_s - self.behind_s - time.monotonic() >= MIN_TRAINING_S

    def training_ends(self) -> float:
        # From now on every tier has a result: at least the pruned one.
        self._follower.keeping = KEEPS
        if self._trains_since_s is None:
            self._trains_since_s = time.monotonic()
        if self._steps is not None:
            if self._steps_end is None:
                self._steps_end = self.clock.now() + self._steps
            return self._steps_end
        assert self._promised_s is not None
        return max(self.clock.now(), self._promised_s - self.behind_s)

    def report_progress(self, text: str, trained: float | None = None) -> None:
        self._follower.report_progress(text, self._ends_s(trained))

    def _ends_s(self, trained: float | None) -> float | None:
        now = time.monotonic()
        if self._follower.keeping is not None and self._follower.asks_to_end():
            return now + min(self.behind_s, HURRY_S)
        if self._promised_s is not None:
            # After training, the job ends as soon as its work is done.
            return now + self.behind_s if self._is_behind else max(self._promised_s, now + self.behind_s)
        if trained is not None and trained > 0.0 and self._trains_since_s is not None:
            return now + (now - self._trains_since_s) * (1.0 - trained) / trained + self.behind_s
        return None

    def is_hurried(self) -> bool:
        """Return True if an early stop was requested and the remaining work would take longer than HURRY_S."""
        return self._follower.asks_to_end() and self.behind_s > HURRY_S


def _doubted(described: str, doubts: tuple[str, ...]) -> str:
    lacks = "; ".join(doubts)
    better = "a minute or more, soft and hard, low and high, is better"
    return f"material ({described}): {lacks}; what is not in it is learned less well: {better}"


def _work(network: Network) -> float:
    """Return the number of columns of the matrices that are rounded."""
    return 1.0 + sum(conv.in_channels * conv.kernel_size for conv in convolutions(network).values())
