"""Sizing: the tiers of a capture that a board has time for, in order of sound: its own, then slimmed ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from nampedal.board.boards import Board
from nampedal.converter import metrics
from nampedal.converter.errors import BoardCostsMissingError, NothingFitsError
from nampedal.converter.nam_slimmable import parameter_count
from nampedal.converter.play import play
from nampedal.converter.slim.lessons import Material, lesson
from nampedal.converter.slim.plain import is_plain
from nampedal.converter.slim.shapes import blank, smallest
from nampedal.converter.slim.slim import Slimmed, Tell, slim
from nampedal.firmware.capture import Capture, Tier
from nampedal.firmware.cost import predict_us
from nampedal.firmware.network import Network, macs_per_frame

# An own tier that uses so much of the limit is taken without looking for a slimmed one between it and the next.
WELL_USED = 0.75
# The tier below the budget's: what the pedal turns to under load. It may take as long to train as this of the budget's.
STEP_DOWN = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """A board at work: percent of one of its cores, in periods of so many frames, at a sample rate in Hz."""

    board: Board
    period_frames: int
    budget_percent: float
    sample_rate: float

    def __post_init__(self) -> None:
        if self.board.cost is None:
            raise BoardCostsMissingError(
                f"board {self.board.key}: nothing is known of what networks cost on it; run 'nampedal calibrate' there"
            )

    @property
    def status(self) -> str:
        """'measured' or 'estimated'."""
        assert self.board.cost is not None
        return self.board.cost.status

    def percent(self, network: Network) -> float:
        """Of one core, as the cost model has it."""
        cost = self.board.cost
        assert cost is not None
        period_us = 1e6 * self.period_frames / self.sample_rate
        return 100.0 * predict_us(network, self.period_frames, cost.kernels, cost.nanoseconds) / period_us

    def at_most(self, network: Network) -> float:
        """The same with what the cost model may be wrong by: what has to be within the budget."""
        assert self.board.cost is not None
        return self.percent(network) * (1.0 + self.board.cost.error_percent / 100.0)

    def fits(self, network: Network, share: float = 1.0) -> bool:
        """Whether it stays within that share of the budget."""
        return self.at_most(network) <= share * self.budget_percent


@dataclass(frozen=True, slots=True)
class Slimming:
    """How to slim. minutes: of training; 0: none.  max_esr: what the budget's tier may differ from the original."""

    material: Material
    max_esr: float
    minutes: float
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Sized:
    """A tier, and how it came about. how: 'as it is', 'its own size', or the shape it was slimmed to and how.

    esr: against the full tier, on the material kept back; 0 for that tier itself.
    """

    tier: Tier
    how: str
    esr: float
    percent: float


def size(capture: Capture, target: Target, slimming: Slimming, tell: Tell = lambda done, text: None) -> list[Sized]:
    """The full tier, one within the budget, and one within half of it, in float32; those that are the same once.

    Raises NothingFitsError where the budget's tier would differ by more than max_esr, or there is none.
    """
    return _Sizing(capture, target, slimming, tell).sized()


class _Sizing:
    def __init__(self, capture: Capture, target: Target, slimming: Slimming, tell: Tell) -> None:
        self._full = replace(capture, tiers=capture.tiers[:1])
        self._capture, self._target, self._slimming, self._tell = capture, target, slimming, tell
        self._exam = lesson(self._full, slimming.material.kept_back)

    def sized(self) -> list[Sized]:
        full = Sized(self._capture.tiers[0], "as it is", 0.0, self._target.percent(self._capture.tiers[0].network))
        within = full if self._target.fits(full.tier.network) else self._best(1.0, before=0.0)
        if within is None or within.esr > self._slimming.max_esr:
            raise NothingFitsError(self._nearest(within))
        below = within
        if not self._target.fits(within.tier.network, STEP_DOWN):
            below = self._best(STEP_DOWN, before=1.0) or within
        chosen = [full, within, below]
        return [one for number, one in enumerate(chosen) if one not in chosen[:number]]

    def _best(self, share: float, before: float) -> Sized | None:
        """What sounds best of the capture's own tiers and a slimmed one, within that share of the budget and of time.

        before: how much of the whole is done, of 1 + STEP_DOWN.
        """
        own = next((tier for tier in self._capture.tiers[1:] if self._target.fits(tier.network, share)), None)
        kept = None if own is None else self._sized(own, "its own size", self._esr(own.network))
        if kept is not None and not self._target.fits(kept.tier.network, WELL_USED * share):
            return kept
        slimmed = slim(
            self._full,
            lambda network: self._target.fits(network, share),
            self._slimming.material,
            share * self._slimming.minutes,
            self._slimming.seed,
            self._slimming.device,
            self._telling(before, share),
        )
        if slimmed is None or (kept is not None and kept.esr <= slimmed.esr):
            return kept
        return self._sized(self._tier(slimmed), _how(slimmed), slimmed.esr)

    def _sized(self, tier: Tier, how: str, esr: float) -> Sized:
        return Sized(tier, how, esr, self._target.percent(tier.network))

    def _tier(self, slimmed: Slimmed) -> Tier:
        whole = self._capture.tiers[0].network
        return Tier(
            slimmed.network, parameter_count(slimmed.network), macs_per_frame(slimmed.network) / macs_per_frame(whole)
        )

    def _esr(self, network: Network) -> float:
        tier = replace(self._full.tiers[0], network=network)
        answer = play(replace(self._full, tiers=(tier,)), self._exam.audio)[:, 0]
        return metrics.esr(self._exam.answer, answer)

    def _telling(self, before: float, share: float) -> Callable[[float, str], None]:
        whole = 1.0 + STEP_DOWN
        return lambda done, text: self._tell((before + share * done) / whole, text)

    def _nearest(self, within: Sized | None) -> str:
        """Why nothing fits, and the nearest two answers."""
        target = self._target
        tier = self._capture.tiers[-1]
        own = "as it is it" if len(self._capture.tiers) == 1 else "its smallest own size"
        near = f"{own} fits at {math.ceil(target.at_most(tier.network))} %"
        if within is not None:
            reaches = math.ceil(target.at_most(within.tier.network))
            near += f"; {within.how} it fits at {reaches} % with ESR {within.esr:.1e}"
        elif is_plain(tier.network):
            least = blank(tier.network, smallest(tier.network))
            near += f"; slimmed as far as it goes it fits at {target.at_most(least):.1f} %"
        asked = f"{target.budget_percent:g} % of a core of {target.board.key} ({target.status})"
        limit = f"in periods of {target.period_frames} frames within ESR {self._slimming.max_esr:g}"
        return f"{self._capture.source.file_name}: nothing fits {asked} {limit}; {near}"


def _how(slimmed: Slimmed) -> str:
    return f"slimmed to {slimmed.shape}" if slimmed.steps else f"pruned to {slimmed.shape}"
