"""Prunes a capture's network to several cost limits, then trains the pruned networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening import metrics
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.clock import StepClock, WallClock
from nampedal.converter.slim.dataset import TrainingAudio, make_pair
from nampedal.converter.slim.fusable import Shape, shape_name
from nampedal.converter.slim.prune import prune
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Network, WaveNet

# Pruning is fitted on FIT_S seconds of the material, taken as EXCERPTS excerpts.
FIT_S = 2.0
EXCERPTS = 8


@dataclass(frozen=True, slots=True)
class Slimmed:
    """One slimmed network.

    network: its weights are float32.
    shape: its name (see `shape_name`).
    esr: error-to-signal ratio on the validation audio.
    steps: training steps taken; 0 means pruned only.
    """

    network: WaveNet
    shape: str
    esr: float
    steps: int


class Slimmer:
    """Makes smaller networks from the full tier of a capture. That network must be plain (`fusable.is_plain`)."""

    def __init__(self, capture: Capture, material: TrainingAudio, follower: ConversionProgress | None = None) -> None:
        self._capture, self._material = capture, material
        self._follower = follower or ConversionProgress()
        self.validation = make_pair(capture, material.validation)

    def prune(
        self,
        limits: Sequence[Sequence[Shape]],
        enough: Callable[[], bool] = lambda: False,
        progress: Callable[[str], None] = lambda text: None,
    ) -> list[list[Slimmed]]:
        """Prune the network to the shapes of each limit. Return one list for each limit, sorted by ESR, best first.

        limits: for each limit, at least one shape.
        enough(): returns True to stop early; each limit gets at least one pruned network in any case.
        progress(text): called with a progress text before each shape.
        """
        network = self._capture.tiers[0].network
        assert isinstance(network, WaveNet)
        excerpt = _excerpt(self._material.audio, self._capture.sample_rate)
        found: list[list[Slimmed]] = [[] for _ in limits]
        total = sum(map(len, limits))
        for limit, shape in _in_turn(limits):
            if all(found) and enough():
                break
            self._follower.check()
            progress(f"trying shape {sum(map(len, found)) + 1} of {total}")
            found[limit].append(self._judged(prune(network, shape, excerpt), shape))
        return [sorted(pruned, key=lambda one: one.esr) for pruned in found]

    def train(
        self,
        pruned: Sequence[Sequence[Slimmed]],
        weights: Sequence[float],
        end: Callable[[], float],
        clock: WallClock | StepClock,
        seed: int = 0,
        device: str = "cpu",
        progress: Callable[[float, str], None] = lambda done, text: None,
        checked: Callable[[float, float], None] = lambda wall_s, cpu_s: None,
    ) -> list[Slimmed]:
        """Train the pruned networks of each limit, and return the best network for each limit.

        pruned: for each limit, its networks, best first.
        weights: for each limit, its relative share of the training time.
        end(): returns the position on the clock at which training ends. It is called when everything else is ready, and
        again after each validation.
        checked(wall_s, cpu_s): called after each validation with the time it took, in seconds.
        progress(done, text): progress callback, see `shape_search.ProgressCallback`.
        """
        # Imported here because it loads PyTorch, which is slow to import and needed only for training.
        from nampedal.converter.slim.shape_search import ShapeSearch  # noqa: PLC0415

        search = ShapeSearch(
            *(make_pair(self._capture, self._material.audio), self.validation),
            clock=clock,
            seed=seed,
            device=device,
            follower=self._follower,
            progress=progress,
            checked=checked,
        )
        return search.best(pruned, weights, end)

    def esr(self, network: Network) -> float:
        """Return the ESR on the validation audio if this network replaces the full tier's network."""
        tier = replace(self._capture.tiers[0], network=network)
        answer = play(replace(self._capture, tiers=(tier,)), self.validation.audio)[:, 0]
        return metrics.esr(self.validation.answer, answer)

    def _judged(self, network: WaveNet, shape: Shape) -> Slimmed:
        return Slimmed(network, shape_name(shape), self.esr(network), 0)


def _in_turn(limits: Sequence[Sequence[Shape]]) -> Iterator[tuple[int, Shape]]:
    """Yield (limit index, shape): the first shape of each limit, then the second shape of each, and so on."""
    for turn in range(max(map(len, limits), default=0)):
        for number, shapes in enumerate(limits):
            if turn < len(shapes):
                yield number, shapes[turn]


def _excerpt(audio: Audio, sample_rate: float) -> Audio:
    length = min(len(audio), round(FIT_S * sample_rate)) // EXCERPTS
    starts = np.linspace(0, len(audio) - length, EXCERPTS).astype(int)
    return np.concatenate([audio[start : start + length] for start in starts])
