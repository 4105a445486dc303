"""Converts a capture in memory, for users of the Python API."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nampedal.board.profiles.boards import LIMITS
from nampedal.converter.api.models import Model, StrPath, board_named, nam_of
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening import own_playing
from nampedal.converter.output import atomic_output
from nampedal.converter.pipeline.job import BoardJob, Converted, Job, convert_in_memory, report_text
from nampedal.converter.rounding.tier_conversion import PRECISIONS
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.converter.slim.dataset import recordings_in
from nampedal.converter.tflite import tflite_file
from nampedal.converter.tflite.tflite_export import TfliteOptions
from nampedal.firmware.base.errors import AlreadyExistsError, ArgumentError
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.capture import Capture, Proof

FORMATS = ("stomp", "tflite")
MAX_ESR = 0.05
MINUTES = 10.0
BLOCK = 64
# What `convert` allows, both ends included.
RANGES = {
    "budget": (0.1, 100.0),
    "period": LIMITS["period_frames"],
    "max_esr": (0.0, 1.0),
    "minutes": (0.0, math.inf),
    "steps": (1, math.inf),
    "seed": (0, math.inf),
}
# Minimum seconds between two calls of `progress` while the same work goes on.
_PROGRESS_S = 1.0
# What changes in a line of progress while the same work goes on: counters, and figures such as 1.2e-03.
_FIGURES = re.compile(r"\d[\d.e+-]*")


class Conversion(Model):
    """A converted capture. It can be played like any model, saved, and reported on. `nampedal.convert` makes it.

    metrics: how `default_tier` differs from the full tier of the original.
    """

    def __init__(self, job: Job, done: Converted) -> None:
        self._job, self._done = job, done
        is_tflite = job.tflite is not None
        name = job.source.stem
        source = (
            done.made if isinstance(done.made, Capture) else tflite_artifact.parse(Path(f"{name}.tflite"), done.data)
        )
        super().__init__(source, None, name, FORMATS[is_tflite])
        if done.target is not None:
            fits = done.target.fits
            self.default_tier = next(i for i, sized in enumerate(done.sized) if fits(sized.tier.network))
        found = self.tiers[self.default_tier].metrics
        assert found is not None
        self.metrics: Proof = found

    def __bytes__(self) -> bytes:
        """Return the bytes of the file that `save` writes."""
        return self._done.data

    def save(self, path: StrPath, *, overwrite: bool = False) -> Path:
        """Write the file. Return its path.

        path: ends in .stomp or .tflite, as the conversion's format.
        Raises ArgumentError for another ending, AlreadyExistsError, FileAccessError.
        """
        place = Path(path)
        suffix = f".{self.format}"
        if place.suffix.lower() != suffix:
            raise ArgumentError(
                f"{place}: ends in {place.suffix or 'nothing'}; this conversion is a {suffix}: convert with format="
            )
        _check_free(place, overwrite)
        with atomic_output(place, force=overwrite) as partial:
            partial.write_bytes(self._done.data)
        return place

    def report(
        self, path: StrPath, *, listen: Sequence[StrPath] = (), listen_from_s: float = 0.0, overwrite: bool = False
    ) -> Path:
        """Write the report, which plays the original and each tier. Return its path.

        path: ends in .html (plots, and sound to listen to) or .md (text).
        listen: dry recordings to listen to; empty: the audio that the tiers were judged on.
        listen_from_s: where the part of each that is used begins.
        Raises ArgumentError for another ending, MissingPackageError if a package for the plots is not installed,
        ConversionError for a .tflite, AlreadyExistsError, FileAccessError.
        """
        place = Path(path)
        _check_free(place, overwrite)
        job, done = self._job, self._done
        if listen:
            job = replace(job, listen=tuple(map(Path, listen)), listen_from_s=listen_from_s)
            done = replace(done, own=own_playing.from_files(job.listen, self.sample_rate, listen_from_s))
        with atomic_output(place, force=overwrite) as partial:
            partial.write_text(report_text(job, done, place), encoding="utf-8", newline="\n")
        return place


def convert(
    capture: Model | StrPath,
    *,
    board: str | None = None,
    budget: float | None = None,
    period: int | None = None,
    max_esr: float = MAX_ESR,
    minutes: float = MINUTES,
    steps: int | None = None,
    material: Sequence[StrPath] = (),
    calibrate: Sequence[StrPath] = (),
    precision: str = "w8",
    format: str = "stomp",
    tflite_mode: str = "weights",
    block: int = BLOCK,
    tier: int | str = 0,
    golden: bool = True,
    seed: int = 0,
    gpu: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Conversion:
    """Convert a .nam into an artifact, or into a .tflite, as `nampedal convert` does. Nothing is written.

    capture: path of a .nam, or the model that `load` made of one.
    board: make it fit this board, slimmed if needed: one of `boards()`, or the path of a profile that ends in .toml.
        The options down to `material`, and `seed` and `gpu`, are for a board.
    budget: percent of one core; None: the board's own.
    period: JACK's, in frames; None: the board's own.
    max_esr: largest ESR of the board's tier.
    minutes: how long the whole conversion may take, if it has to be slimmed; 0: pruned, not trained.
    steps: train for this number of steps instead of `minutes`; the same again gives the same bytes.
    material: dry recordings, or folders of them, to slim with; empty: built-in audio.
    calibrate: dry recordings to round the weights with; empty: built-in audio.
    precision: 'w8' (int8 weights) or 'f32' (nothing is rounded).
    format: 'stomp' or 'tflite'.
    tflite_mode: of a .tflite: 'weights' (float activations), 'mixed' (int8 ones where little is lost) or 'int8'.
    block: frames of a .tflite's audio tensors.
    tier: number or name of the tier that goes into a .tflite.
    golden: store golden vectors, which `nampedal verify` plays.
    seed: of training.  gpu: train on a GPU.
    progress: called with a line of text when other work begins, and at most once a second while it goes on.

    Raises CaptureError for what is no .nam, NothingFitsError if no size fits the board, ArgumentError for an option
    that is out of range or would have no effect, ConversionError, AudioError, FileAccessError, MissingPackageError.
    """
    ranged = {"budget": budget, "period": period, "max_esr": max_esr, "minutes": minutes, "steps": steps, "seed": seed}
    for name, value in ranged.items():
        _check_range(name, value)
    _check_choice("format", format, FORMATS)
    _check_choice("precision", precision, PRECISIONS)
    _check_choice("tflite_mode", tflite_mode, tflite_artifact.MODES)
    if board is None:
        for_board = {"budget": budget, "period": period, "steps": steps, "material": material, "gpu": gpu}
        _refuse(for_board, "is for a board; name one as board=, or leave it out")
    if format == "tflite":
        _refuse({"board": board, "golden=False": not golden}, "is for a .stomp; leave it out, or leave format= out")
    else:
        for_tflite = {"tflite_mode": tflite_mode != tflite_artifact.MODES[0], "block": block != BLOCK, "tier": tier}
        _refuse(for_tflite, "is for a .tflite; add format='tflite', or leave it out")
    if precision != PRECISIONS[0] and tflite_mode == tflite_artifact.MODES[0]:
        _refuse({"calibrate": calibrate}, f"is for rounding, and {precision} rounds nothing; leave it out")
    sized = tflite = None
    if board is not None:
        board_named(board)
        length = ConversionLimit(minutes, steps)
        recordings = recordings_in([Path(one) for one in material])
        sized = BoardJob(board, budget, period, max_esr, length, seed, recordings, gpu)
    if format == "tflite":
        # A missing package is told before anything is rounded.
        tflite_file.schema()
        tflite = TfliteOptions(tflite_mode, block, tier, precision)
    source, original = nam_of(capture) if isinstance(capture, Model) else (Path(capture), None)
    job = Job(source, source, False, precision, tuple(map(Path, calibrate)), golden, sized, tflite)
    return Conversion(job, convert_in_memory(job, _Follower(progress), original))


class _Follower(ConversionProgress):
    """Passes the progress of a conversion to a callable, as lines of text."""

    def __init__(self, progress: Callable[[str], object] | None) -> None:
        self._progress = progress
        self._work: str | None = None
        self._told_s = 0.0

    def report_progress(self, doing: str, ends_s: float | None = None) -> None:
        now_s = time.monotonic()
        work = _FIGURES.sub("", doing)
        if self._progress is None or (work == self._work and now_s - self._told_s < _PROGRESS_S):
            return
        self._work, self._told_s = work, now_s
        left = "" if ends_s is None else f", {max(0.0, ends_s - now_s):.0f} s left"
        self._progress(f"{doing}{left}")

    def note(self, text: str) -> None:
        if self._progress is not None:
            self._progress(text)


def _check_choice(name: str, found: str, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise ArgumentError(f"{name}: is {found!r}; {', '.join(allowed)} are allowed")


def _check_range(name: str, found: float | None) -> None:
    low, high = RANGES[name]
    if found is not None and not low <= found <= high:
        allowed = f"{low:g} to {high:g} is" if math.isfinite(high) else f"{low:g} or more is"
        raise ArgumentError(f"{name}: is {found:g}; {allowed} allowed")


def _refuse(given: Mapping[str, object], why: str) -> None:
    """Raise ArgumentError for the first option that is given, because it would have no effect."""
    for name, value in given.items():
        if value:
            raise ArgumentError(f"{name}: {why}")


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise AlreadyExistsError(f"{path}: is there already; overwrite=True replaces it")
