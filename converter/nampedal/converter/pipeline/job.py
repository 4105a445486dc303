"""Describes and runs one conversion from file to file: which capture, which output, for which board."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from nampedal.board.profiles.boards import read_board
from nampedal.converter.budget.fitting import Fitting
from nampedal.converter.budget.sizing import BudgetTarget, SizedTier, Slimming
from nampedal.converter.errors import ConversionError
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening import calibration_audio, own_playing
from nampedal.converter.nam.open_capture import read_nam
from nampedal.converter.output import atomic_output
from nampedal.converter.pipeline.board_fit import fits
from nampedal.converter.pipeline.provenance import provenance
from nampedal.converter.report.report_model import Provenance, Report, collect
from nampedal.converter.report.writers import writer
from nampedal.converter.rounding.tier_conversion import Conversion, ValidationAudio, convert
from nampedal.converter.slim import dataset
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.converter.tflite import tflite_export
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture

TRAINS_WITH = "torch"
# Minimum seconds of rounding before its end can be predicted.
KNOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class BoardJob:
    """The options of a conversion for a board.

    budget_percent, period_frames: None: the board's own.
    length: of the whole conversion.
    material: recordings to train and judge with; empty: built-in audio.
    gpu: train on a GPU.
    """

    board: str
    budget_percent: float | None
    period_frames: int | None
    max_esr: float
    length: ConversionLimit
    seed: int
    material: tuple[Path, ...]
    gpu: bool


@dataclass(frozen=True, slots=True)
class Job:
    """The options of a conversion.

    recordings: audio to round the weights with.
    sized: None: the capture's own tiers, for no particular board.
    tflite: None: write an artifact.
    report: path of the report; None: no report.
    listen: recordings to listen to in the report; empty: the audio that tiers are judged on.
    listen_from_s: where the part of each that is used begins.
    """

    source: Path
    output: Path
    force: bool
    precision: str
    recordings: tuple[Path, ...]
    golden: bool
    sized: BoardJob | None
    tflite: tflite_export.TfliteOptions | None
    report: Path | None = None
    listen: tuple[Path, ...] = ()
    listen_from_s: float = 0.0


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job.

    bytes: size of the output file.
    target, sized, built_in_esrs: same as in Fitted, if a board was requested.
    doubts: why levels that the capture states are treated as unknown.
    left_out: why sizes in the capture are missing in the output.
    material_gaps: kinds of playing that the material has too little of.
    """

    output: Path
    bytes: int
    made: Capture | tflite_export.ExportedTflite
    target: BudgetTarget | None = None
    sized: tuple[SizedTier, ...] = ()
    built_in_esrs: tuple[float, ...] = ()
    doubts: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    material_gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A conversion in memory.

    original: the capture as read.
    data: bytes of the output file.
    made, target, sized, built_in_esrs: same as in JobResult.
    judge: recordings that the tiers were judged on; None: the built-in audio.
    ends_s: when the job should be done, by time.monotonic(); None: no time was given.
    own: the user's own playing, to listen to in a report; None: the audio that the tiers were judged on.
    """

    original: Capture
    data: bytes
    made: Capture | tflite_export.ExportedTflite
    target: BudgetTarget | None = None
    sized: tuple[SizedTier, ...] = ()
    built_in_esrs: tuple[float, ...] = ()
    judge: ValidationAudio | None = None
    ends_s: float | None = None
    own: own_playing.OwnPlaying | None = None


def run(job: Job, follower: ConversionProgress | None = None) -> JobResult:
    """Read, size, round, prove and write. If it raises a NampedalError or KeyboardInterrupt, nothing was written."""
    follower = follower or ConversionProgress()
    if job.report is not None:
        # Before the work begins, so that a missing package or a wrong name is told early.
        _report_writer(job, job.report)
    with ExitStack() as outputs:
        partial = outputs.enter_context(atomic_output(job.output, job.force))
        partial_report = None if job.report is None else outputs.enter_context(atomic_output(job.report, job.force))
        done = convert_in_memory(job, follower)
        partial.write_bytes(done.data)
        if job.report is not None and partial_report is not None:
            follower.report_progress("playing it for the report", done.ends_s)
            partial_report.write_text(report_text(job, done, job.report, follower), encoding="utf-8", newline="\n")
    return JobResult(
        job.output,
        len(done.data),
        done.made,
        done.target,
        done.sized,
        done.built_in_esrs,
        doubts=tuple(done.original.source.doubtful_levels().values()),
        left_out=done.original.left_out,
        material_gaps=() if done.judge is None else done.judge.doubts,
    )


def convert_in_memory(job: Job, follower: ConversionProgress, original: Capture | None = None) -> Converted:
    """Read, size, round and prove. Nothing is written: `output` and `force` of the job are not used.

    original: the capture, if `source` of the job has been read already.
    Raises NampedalError, and KeyboardInterrupt if the follower asks to end before there is anything to keep.
    """
    follower.keeping = None
    begin_s = time.monotonic()
    capture = read_nam(job.source) if original is None else original
    calibrate = calibration_audio.from_files(job.recordings, capture.sample_rate) if job.recordings else None
    own = own_playing.from_files(job.listen, capture.sample_rate, job.listen_from_s) if job.listen else None
    if job.tflite is not None:
        exported = tflite_export.export(capture, job.tflite, calibrate, _rounding(follower))
        return Converted(capture, exported.data, exported)
    if job.sized is None:
        converted = convert(capture, job.precision, calibrate, job.golden, _rounding(follower))
        return Converted(capture, artifact.pack(converted), converted, own=own)
    length = job.sized.length if can_train() else ConversionLimit()
    promised_s = begin_s + 60.0 * length.minutes if length.trains and length.steps is None else None
    target = _target(capture, job.sized)
    follower.report_progress("reading", promised_s)
    material = _material(capture, job.sized)
    judge = ValidationAudio(material.validation, material.described, material.doubts) if job.sized.material else None
    fitted = Fitting(
        capture,
        target,
        Slimming(material, length, job.sized.seed, _device(job.sized.gpu)),
        Conversion(capture, job.precision, calibrate, job.golden, judge),
        job.sized.max_esr,
        begin_s=begin_s,
        with_report=job.report is not None,
        follower=follower,
    ).run()
    data = artifact.pack(fitted.capture)
    found = fitted.capture, target, fitted.sized, fitted.built_in_esrs, judge, fitted.ends_s
    return Converted(capture, data, *found, own)


def report_text(job: Job, done: Converted, path: Path, follower: ConversionProgress | None = None) -> str:
    """Return the report of a conversion, in the form that the name of `path` asks for.

    Raises ArgumentError, MissingPackageError, ConversionError.
    """
    write = _report_writer(job, path)
    assert isinstance(done.made, Capture)
    fitting = fits(done.made, done.target)
    return write(collect(done.original, done.made, fitting, _provenance(job), done.judge, follower, done.own))


def _report_writer(job: Job, report: Path) -> Callable[[Report], str]:
    """Return the function that writes the report. It is looked up before the work begins, so that it fails early."""
    if job.tflite is not None:
        raise ConversionError(f"{job.output}: --report is for a .stomp; convert to one, or leave --report away")
    return writer(report)


def _provenance(job: Job) -> Provenance:
    options, seed, material = {"--precision": job.precision}, None, job.recordings
    if job.sized is not None:
        asked = job.sized
        options |= {"--board": asked.board, "--max-esr": f"{asked.max_esr:g}", **_length(asked.length)}
        options |= {"--budget": f"{asked.budget_percent:g}"} if asked.budget_percent is not None else {}
        options |= {"--period": f"{asked.period_frames}"} if asked.period_frames is not None else {}
        seed, material = asked.seed, (*job.recordings, *asked.material)
    options |= {"--listen-from": f"{job.listen_from_s:g}"} if job.listen_from_s else {}
    material = tuple(dict.fromkeys((*material, *job.listen)))
    return provenance(options, material, seed)


def _length(length: ConversionLimit) -> dict[str, str]:
    return {"--minutes": f"{length.minutes:g}"} if length.steps is None else {"--steps": f"{length.steps}"}


def can_train() -> bool:
    """Return True if PyTorch is installed. PyTorch is not imported."""
    return importlib.util.find_spec(TRAINS_WITH) is not None


def _target(capture: Capture, job: BoardJob) -> BudgetTarget:
    board = read_board(job.board)
    period = board.period_frames.value if job.period_frames is None else job.period_frames
    budget = board.budget_percent.value if job.budget_percent is None else job.budget_percent
    return BudgetTarget(board, period, budget, capture.sample_rate)


def _material(capture: Capture, job: BoardJob) -> TrainingAudio:
    if job.material:
        return dataset.from_files(job.material, capture.sample_rate)
    return dataset.built_in(capture.sample_rate)


def _device(gpu: bool) -> str:
    if not gpu:
        return "cpu"
    if not can_train():
        raise MissingPackageError("--gpu: PyTorch is not installed: pip install 'nampedal[slim]'")
    if not import_module(TRAINS_WITH).cuda.is_available():
        raise ConversionError("--gpu: PyTorch finds no GPU here; leave the option out to train on two processor cores")
    return "cuda"


def _rounding(follower: ConversionProgress) -> Callable[[int, int], None]:
    """Return a progress callback for a job that only rounds. It predicts the end from the time of its passes so far."""
    began_s, before = time.monotonic(), 0

    def advance(done: int, total: int) -> None:
        nonlocal began_s, before
        follower.check()
        now = time.monotonic()
        if done < before:
            began_s = now
        before = done
        known = done > 0 and now - began_s > KNOWN_S
        follower.report_progress("rounding", now + (now - began_s) * (total - done) / done if known else None)

    return advance
