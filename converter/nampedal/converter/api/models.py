"""A model file in memory, for users of the Python API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from nampedal.board.profiles.boards import Board, board_keys, read_board
from nampedal.board.profiles.profile_files import is_profile_path
from nampedal.converter.api.audio_arrays import rows_of
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.errors import CaptureError, ConversionError
from nampedal.converter.nam.metadata import capture_metadata
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.rendering.backends import Backend, player_of
from nampedal.converter.rendering.render import render_audio
from nampedal.converter.tflite.tflite_export import tflite_facts
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.capture import Capture, Proof
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.tflite_artifact import TfliteFile
from nampedal.firmware.engine.tier_names import find_tier

StrPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class ModelTier:
    """One size of a model.

    number: 0 is the full one.
    name: see `nampedal inspect`, such as 'full', 'slimmed' or 'A2 Lite'.
    parameters: count of weights.
    macs_per_sample: multiplications that one sample takes.
    receptive_field: in frames; None: unlimited.
    metrics: as stored, measured against the original of the full tier; None: not measured, as in a .nam.
    """

    number: int
    name: str
    parameters: int
    macs_per_sample: int
    receptive_field: int | None
    metrics: Proof | None


@dataclass(frozen=True, slots=True)
class BoardCost:
    """What one tier takes of one core of a board.

    percent: by the cost model.
    at_most_percent: with the cost model's error added. It has to be within the budget.
    status: 'measured' or 'estimated'.
    period_frames: JACK's period, in frames.
    """

    board: str
    percent: float
    at_most_percent: float
    budget_percent: float
    fits: bool
    status: str
    period_frames: int


class Model:
    """A model of an amplifier or pedal: a .nam, .stomp or .tflite file. `nampedal.load` makes it.

    name: what its maker calls it, else the file's name.
    path: of the file; None: it is in memory only.
    format: 'nam', 'stomp' or 'tflite'.
    default_tier: number of the tier that plays if none is named: the full one, or, of a conversion for a board, the one
        that the board has time for.
    """

    def __init__(self, source: Capture | TfliteFile, path: Path | None, name: str, form: str) -> None:
        self._source = source
        self.path = path
        self.format = form
        self.default_tier = 0
        facts = capture_metadata(source) if isinstance(source, Capture) else tflite_facts(source)
        self._tiers = tuple(map(self._tier, range(len(facts["tiers"])), facts["tiers"]))
        self._facts = MappingProxyType({key: value for key, value in facts.items() if key != "tiers"})
        self.name = str(facts.get("name") or name)

    def _tier(self, number: int, facts: Mapping[str, Any]) -> ModelTier:
        proof = facts.get("likeness") or facts.get("proof")
        return ModelTier(
            number,
            str(facts["tier_name"]),
            int(facts["parameters"]),
            int(facts["macs_per_frame"]),
            facts["receptive_field_frames"],
            None if proof is None else _proof(proof),
        )

    def __repr__(self) -> str:
        sizes = ", ".join(tier.name for tier in self.tiers)
        return f"<nampedal.{type(self).__name__} {self.name!r}: {self.format}, {self.sample_rate:g} Hz, {sizes}>"

    @property
    def sample_rate(self) -> float:
        """Return the model's own sample rate, in Hz."""
        return self._source.sample_rate

    @property
    def tiers(self) -> tuple[ModelTier, ...]:
        """Return the sizes of the model, the full one first."""
        return self._tiers

    @property
    def parameters(self) -> int:
        """Return the count of weights of the full tier."""
        return self._tiers[0].parameters

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return what the file says of itself, with the keys of `nampedal inspect --json`. None: it does not say."""
        return self._facts

    def render(
        self,
        dry: np.typing.ArrayLike,
        sample_rate: float = 48000,
        *,
        tier: int | str | None = None,
        exact: bool = False,
    ) -> Audio:
        """Play audio through the model, as `nampedal render` does. Return float32, of the same shape.

        dry: (frames,) or (frames, channels), float, 1.0 is full scale. Each channel is played for itself; a model of
            several input channels takes them together. It is resampled to the model's sample rate, and the result back.
        sample_rate: of `dry`, in Hz.
        tier: number or name of a tier; None: `default_tier`.
        exact: use exact instead of fast activations; ignored for a .tflite.
        Raises ArgumentError for what is no such audio, rate or tier; AudioError for the wrong number of channels.
        """
        rows = rows_of(dry, sample_rate, "dry")
        played = render_audio(lambda: self.player(tier, exact), rows, sample_rate, "dry")
        mono = np.ndim(dry) == 1 and played.shape[1] == 1
        return np.ascontiguousarray(played[:, 0] if mono else played, np.float32)

    def cost(self, board: str, *, tier: int | str | None = None, period: int | None = None) -> BoardCost:
        """Return what a tier takes of one core of a board.

        board: one of `nampedal.boards()`, or the path of a profile that ends in .toml.
        tier: number or name of a tier; None: `default_tier`.
        period: JACK's, in frames; None: the board's own.
        Raises ConversionError for a .tflite, whose cost is not known; ArgumentError for an unknown board or tier.
        """
        if not isinstance(self._source, Capture):
            raise ConversionError(
                f"{self._where}: what a .tflite costs on a board is not known; ask for the .nam's cost"
            )
        number = find_tier(self.default_tier if tier is None else tier, [one.name for one in self._tiers], self._where)
        facts = board_named(board)
        frames = facts.period_frames.value if period is None else period
        target = BudgetTarget(facts, frames, facts.budget_percent.value, self.sample_rate)
        network = self._source.tiers[number].network
        return BoardCost(
            board,
            target.percent(network),
            target.upper_bound_percent(network),
            target.budget_percent,
            target.fits(network),
            target.status,
            frames,
        )

    @property
    def _where(self) -> str:
        return self.name if self.path is None else str(self.path)

    def player(self, tier: int | str | None, exact: bool) -> Backend:
        """Return a new player of one tier, in its steady state. `render` uses one for each channel."""
        return player_of(self._source, self._where, self.default_tier if tier is None else tier, exact)


def _proof(facts: Mapping[str, Any]) -> Proof:
    """Return the proof in a tier's facts, where None stands for what is not finite."""
    values: dict[str, Any] = {key: np.nan if value is None else value for key, value in facts.items()}
    return Proof(**values)


def nam_of(model: Model) -> tuple[Path, Capture]:
    """Return the path of a .nam, and the capture that was read from it. Raises CaptureError for another format."""
    if model.format != "nam" or model.path is None or not isinstance(model._source, Capture):
        raise CaptureError(f"{model._where}: is a .{model.format} already; a .nam is needed")
    return model.path, model._source


def load(path: StrPath) -> Model:
    """Read a .nam, .stomp or .tflite file.

    Raises CaptureError or ArtifactError for what is none or is damaged, FileAccessError for what can't be read.
    """
    place = Path(path)
    if place.suffix.lower() == tflite_artifact.SUFFIX:
        return Model(tflite_artifact.read(place), place, place.stem, "tflite")
    opened = open_capture(place)
    return Model(opened.capture, place, place.stem, "stomp" if opened.kind == "artifact" else "nam")


def board_named(board: str) -> Board:
    """Read the profile of a board. Raises ArgumentError for an unknown name, SettingsError for a damaged profile."""
    if not is_profile_path(board) and board not in boards():
        raise ArgumentError(f"board: is {board!r}; {', '.join(boards())} are allowed")
    return read_board(board)


def boards() -> tuple[str, ...]:
    """Return the names of the boards that `convert` and `Model.cost` know."""
    return tuple(board_keys())
