"""One conversion from file to file, as a value: what to make of which capture, for which board."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from nampedal.board.boards import read_board
from nampedal.converter import calibration, nam_file, tflite_export
from nampedal.converter.convert import convert
from nampedal.converter.errors import NoGpuError, ReportOfTfliteError, SlimExtraMissingError
from nampedal.converter.output import replacing
from nampedal.converter.report.facts import Provenance, Report, gather
from nampedal.converter.report.fits import fits
from nampedal.converter.report.provenance import provenance
from nampedal.converter.report.writers import writer
from nampedal.converter.sizing import Sized, Slimming, Target, size
from nampedal.converter.slim import lessons
from nampedal.converter.slim.slim import Tell
from nampedal.firmware import artifact
from nampedal.firmware.capture import Capture

TRAINS_WITH = "torch"


@dataclass(frozen=True, slots=True)
class BoardJob:
    """What a board asks for. budget_percent, period_frames: None: the board's own.  minutes: 0: nothing is trained."""

    board: str
    budget_percent: float | None
    period_frames: int | None
    max_esr: float
    minutes: float
    seed: int
    material: tuple[Path, ...]
    gpu: bool


@dataclass(frozen=True, slots=True)
class Job:
    """sized: None: the capture's own tiers.  tflite: None: an artifact.  recordings: to round the weights with.

    report: where one is written, or None.
    """

    source: Path
    output: Path
    force: bool
    precision: str
    recordings: tuple[Path, ...]
    golden: bool
    sized: BoardJob | None
    tflite: tflite_export.Options | None
    report: Path | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a job wrote, bytes long. sized, target: where a board was asked for."""

    output: Path
    bytes: int
    made: Capture | tflite_export.Exported
    target: Target | None = None
    sized: tuple[Sized, ...] = ()


def run(job: Job, tell: Tell = lambda done, text: None) -> Done:
    """Read, size, round, prove, write. Raises a NampedalError, and then has written nothing."""
    to_report = None if job.report is None else _report_writer(job, job.report)
    capture = original = nam_file.read(job.source)
    calibrate = calibration.from_files(job.recordings, capture.sample_rate) if job.recordings else None
    with ExitStack() as outputs:
        partial = outputs.enter_context(replacing(job.output, job.force))
        partial_report = None if job.report is None else outputs.enter_context(replacing(job.report, job.force))
        if job.tflite is not None:
            exported = tflite_export.export(capture, job.tflite, calibrate, _rounding(tell))
            partial.write_bytes(exported.data)
            return Done(job.output, len(exported.data), exported)
        target: Target | None = None
        sized: tuple[Sized, ...] = ()
        if job.sized is not None:
            target, sized = _sized(capture, job.sized, tell)
            capture = replace(capture, tiers=tuple(one.tier for one in sized))
        converted = convert(capture, job.precision, calibrate, job.golden, _rounding(tell))
        data = artifact.pack(converted)
        partial.write_bytes(data)
        if to_report is not None and partial_report is not None:
            tell(1.0, "playing it for the report")
            told = gather(original, converted, fits(converted, target), _provenance(job))
            partial_report.write_text(to_report(told), encoding="utf-8")
    return Done(job.output, len(data), converted, target, sized)


def _report_writer(job: Job, report: Path) -> Callable[[Report], str]:
    """What writes the report, found before the work begins."""
    if job.tflite is not None:
        raise ReportOfTfliteError(f"{job.output}: --report is for a .stomp; convert to one, or leave --report away")
    return writer(report)


def _provenance(job: Job) -> Provenance:
    options, seed, material = {"--precision": job.precision}, None, job.recordings
    if job.sized is not None:
        asked = job.sized
        options |= {"--board": asked.board, "--max-esr": f"{asked.max_esr:g}", "--minutes": f"{asked.minutes:g}"}
        options |= {"--budget": f"{asked.budget_percent:g}"} if asked.budget_percent is not None else {}
        options |= {"--period": f"{asked.period_frames}"} if asked.period_frames is not None else {}
        seed, material = asked.seed, (*job.recordings, *asked.material)
    return provenance(options, material, seed)


def can_train() -> bool:
    """Whether PyTorch is installed; it is not loaded."""
    return importlib.util.find_spec(TRAINS_WITH) is not None


def _sized(capture: Capture, job: BoardJob, tell: Tell) -> tuple[Target, tuple[Sized, ...]]:
    board = read_board(job.board)
    period = board.period_frames.value if job.period_frames is None else job.period_frames
    budget = board.budget_percent.value if job.budget_percent is None else job.budget_percent
    target = Target(board, period, budget, capture.sample_rate)
    if job.material:
        material = lessons.from_files(job.material, capture.sample_rate)
    else:
        material = lessons.built_in(capture.sample_rate)
    minutes = job.minutes if can_train() else 0.0
    slimming = Slimming(material, job.max_esr, minutes, job.seed, _device(job.gpu))
    return target, tuple(size(capture, target, slimming, tell))


def _device(gpu: bool) -> str:
    if not gpu:
        return "cpu"
    if not can_train():
        raise SlimExtraMissingError("--gpu: PyTorch is not installed: pip install 'nampedal[slim]'")
    if not import_module(TRAINS_WITH).cuda.is_available():
        raise NoGpuError("--gpu: PyTorch finds no GPU here; leave the option out to train on two processor cores")
    return "cuda"


def _rounding(tell: Tell) -> Callable[[int, int], None]:
    return lambda done, total: tell(done / max(total, 1), "rounding")
