"""The command `nampedal convert`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path

import click
from nampedal.converter.errors import NothingFitsError
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening.own_playing import MAX_S
from nampedal.converter.output import partial_path
from nampedal.converter.pipeline.job import BoardJob, Job, JobResult, run
from nampedal.converter.rounding.tier_conversion import PRECISIONS
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.converter.slim.dataset import recordings_in
from nampedal.converter.tflite import tflite_export, tflite_file
from nampedal.firmware.base.errors import FileAccessError, NampedalError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.cli import words
from nampedal.firmware.cli.capture_commands import conversion_inputs
from nampedal.firmware.cli.capture_commands.format_result import conversion_json, describe_conversion, summary_table
from nampedal.firmware.cli.capture_commands.progress_view import ProgressView, WorkerProgress, show_progress
from nampedal.firmware.cli.exit_codes import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED
from nampedal.firmware.cli.groups import SectionedCommand
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, force, print_json, print_text, tier, verbose
from nampedal.firmware.cli.unused import given_options, refuse_options
from nampedal.firmware.engine import tflite_artifact

FORMATS = ("stomp", "tflite")
REPORTS = (".html", ".md")
_NOT_BEGUN, _INTERRUPTED = "not begun", "broken off"
_POLL_S = 0.2
# The most that ProcessPoolExecutor takes on Windows.
_MAX_WORKERS = 61
MAX_ESR = 0.05
MINUTES = 10.0


@click.command(
    "convert",
    cls=SectionedCommand,
    sections={
        "What is written": ("output", "form", "precision", "no_golden", "force", "as_json"),
        "A report": ("report", "listen", "listen_from_s"),
        "Rounding": ("recordings",),
        "Fitting a board": ("board", "budget", "period", "max_esr", "minutes", "material", "seed", "gpu"),
        "A .tflite": ("tflite_mode", "block", "tier"),
    },
    epilog=examples(
        "nampedal convert amp.nam",
        "nampedal convert amp.nam -o bank/amp.stomp",
        "nampedal convert amp.nam --calibrate my-guitar.wav --calibrate my-bass.wav",
        "nampedal convert amp.nam --board zero-2-w --budget 30 --report amp.html",
        "nampedal convert amp.nam --report amp.html --listen my-guitar.wav --listen-from 65",
        "nampedal convert captures/ -o bank/ --board 3b-plus --minutes 3 --material my-guitar.wav",
        "nampedal convert amp.nam -o amp.tflite --tflite-mode mixed",
    ),
)
@click.argument("sources", metavar="IN.nam...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", metavar="OUT", help="A file, or a folder/. Default: beside the input.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what the output is called, else stomp.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True)
@click.option(
    "--calibrate",
    "recordings",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help="A dry recording to round the weights with; may be given several times. Default: built-in sounds.",
)
@click.option(
    "--board",
    metavar="NAME",
    shell_complete=words.boards,
    help="Make it fit this board, slimmed if need be; see 'nampedal boards'.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0.1, 100.0),
    metavar="PERCENT",
    help="Of one core, what it may take. Default: what the board's profile says.",
)
@click.option("--period", type=click.IntRange(8, 8192), metavar="FRAMES", help="JACK's. Default: the board's.")
@click.option(
    "--max-esr",
    type=click.FloatRange(0.0, 1.0),
    default=MAX_ESR,
    show_default=True,
    help="The most that the board's tier, as stored, may differ from the original; else nothing is written.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.0),
    default=MINUTES,
    show_default=True,
    help="By the clock, for the whole conversion where it has to be slimmed. 0: pruned, not trained.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    metavar="N",
    help="Train for so many steps instead, however long they take: the same again gives the same file.",
)
@click.option(
    "--material",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help="Dry playing, or a folder of it, to slim with; may be given several times. Default: built-in sounds.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of chance in training.")
@click.option("--gpu", is_flag=True, help="Train on a GPU.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Captures at the same time.")
@click.option(
    "--tflite-mode",
    type=click.Choice(tflite_artifact.MODES),
    default=tflite_artifact.MODES[0],
    show_default=True,
    help="weights: float activations; mixed: int8 ones where little is lost; int8: everywhere, which is heard.",
)
@click.option("--block", type=int, default=64, show_default=True, help="Frames of a .tflite's audio tensors.")
@tier
@click.option("--no-golden", is_flag=True, help="Without golden vectors: 40 kB less, and 'verify' can't check it.")
@click.option(
    "--report",
    metavar="FILE",
    help="Also write a report: .html has plots, and sound to listen to; .md is text. Of several captures, a folder/.",
)
@click.option(
    "--listen",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help=f"Dry playing to hear in a .html report, up to {MAX_S:g} s; several recordings share them.",
)
@click.option(
    "--listen-from",
    "listen_from_s",
    type=click.FloatRange(0.0),
    metavar="SECONDS",
    default=0.0,
    show_default=True,
    help="Where in each of these recordings the part that is heard begins.",
)
@force
@as_json
@verbose
def convert_command(
    sources: tuple[Path, ...],
    output: str | None,
    form: str | None,
    precision: str,
    recordings: tuple[Path, ...],
    board: str | None,
    budget: float | None,
    period: int | None,
    max_esr: float,
    minutes: float,
    steps: int | None,
    material: tuple[Path, ...],
    seed: int,
    gpu: bool,
    jobs: int,
    tflite_mode: str,
    block: int,
    tier: int | str,
    no_golden: bool,
    report: str | None,
    listen: tuple[Path, ...],
    listen_from_s: float,
    force: bool,
    as_json: bool,
) -> int:
    """Convert captures into artifacts, or into .tflite files.

    An artifact is what a pedal loads. w8 stores int8 weights and prints what that costs in sound; f32 changes nothing.
    With --board it is made to fit. A folder or a .zip stands for the captures in it, which keep their places below OUT.
    """
    form = form or ("tflite" if output is not None and suffix_of(output) == tflite_artifact.SUFFIX else FORMATS[0])
    _check_options(
        board=board, form=form, minutes=minutes, precision=precision, tflite_mode=tflite_mode, listen=bool(listen)
    )
    sized = None
    if board is not None:
        recorded = recordings_in(material)
        sized = BoardJob(board, budget, period, max_esr, ConversionLimit(minutes, steps), seed, recorded, gpu)
    options = None
    if form == "tflite":
        # Before anything is rounded, and once for all captures.
        tflite_file.schema()
        options = tflite_export.TfliteOptions(tflite_mode, block, tier, precision)
    with conversion_inputs.captures(sources) as found:
        # A single file that the user named gets the long description.
        several = len(found) != 1 or found[0].path != sources[0]
        folder = _folder_of(output, several)
        if output is not None and folder is None:
            targets = [Path(output)]
        else:
            targets = [conversion_inputs.output_path(one, folder, form) for one in found]
        conversion_inputs.check_output_paths(found, targets)
        if not several:
            refuse_options("jobs", todo="there is one capture; leave it out")
        reports = _reports(report, found, several=several)
        if not all(path is not None and suffix_of(path) == REPORTS[0] for path in reports):
            refuse_options("listen", todo=f"it is for a {REPORTS[0]} report; add --report FILE.html, or leave it out")
        work = [
            Job(one.path, to, force, precision, recordings, not no_golden, sized, options, told, listen, listen_from_s)
            for one, to, told in zip(found, targets, reports, strict=True)
        ]
        _make_folders([path for path in (*targets, *reports) if path is not None])
        if not several and folder is None:
            return _one(work[0], as_json=as_json)
        return _several(work, found, jobs, as_json=as_json)


def _check_options(
    *, board: str | None, form: str, minutes: float, precision: str, tflite_mode: str, listen: bool
) -> None:
    """Raise UsageError if an option would have no effect."""
    if board is not None and form == "tflite":
        raise click.UsageError("--board makes a .stomp: a .tflite holds one size.")
    training = ("minutes", "steps", "seed", "material", "gpu")
    if board is None:
        needs = "a --board makes captures fit; name one, or leave it out"
        refuse_options("budget", "period", "max_esr", *training, todo=needs)
    if given_options("minutes") and given_options("steps"):
        raise click.UsageError("--minutes and --steps say both how long to train: give one of them.")
    if minutes == 0.0 and not given_options("steps"):
        refuse_options("seed", "gpu", todo="--minutes 0 trains nothing; give more minutes, or leave it out")
    if form == "tflite":
        refuse_options("no_golden", todo="it is for a .stomp; convert to one, or leave it out")
    else:
        refuse_options("tflite_mode", "block", "tier", todo="it is for a .tflite; add --format tflite, or leave it out")
    if not listen:
        refuse_options("listen_from_s", todo="it is for --listen; name a recording, or leave it out")
    if precision != "w8" and (form != "tflite" or tflite_mode == tflite_artifact.MODES[0]):
        refuse_options("recordings", todo=f"--precision {precision} rounds nothing; take w8, or leave it out")


def _reports(report: str | None, found: list[conversion_inputs.CaptureInput], *, several: bool) -> list[Path | None]:
    """Return the report path of each capture: one file, or one for each capture in a folder. Raises UsageError."""
    if report is None:
        return [None] * len(found)
    path = Path(report)
    is_folder = report.endswith(("/", os.sep)) or path.is_dir()
    if not is_folder and not several:
        return [path]
    if not is_folder and suffix_of(path) in REPORTS:
        raise click.UsageError(f"--report {report} is one file, and there are several captures: name a folder/.")
    return [path / one.relative_path.with_name(f"{one.relative_path.stem}{REPORTS[0]}") for one in found]


def _folder_of(output: str | None, several: bool) -> Path | None:
    """Return the output folder, or None if the output is a file or not given. Raises UsageError."""
    if output is None:
        return None
    path = Path(output)
    # A folder that does not exist yet counts too: it is made when the first file is written into it.
    named = output.endswith(("/", os.sep))
    is_file = path.is_file() or (not path.is_dir() and suffix_of(path) in (f".{one}" for one in FORMATS) and not named)
    if (several or named) and is_file:
        raise click.UsageError(f"{output}: is no folder; several captures need one.")
    as_folder = path.is_dir() and suffix_of(path) not in (f".{one}" for one in FORMATS)
    return path if several or named or as_folder else None


def _one(job: Job, *, as_json: bool) -> int:
    try:
        with show_progress(job.source.name) as follower:
            done = run(job, follower)
    except NothingFitsError as error:
        print_text(f"nampedal: {error}", err=True)
        return EXIT_FAILED
    if as_json:
        print_json({"conversions": [conversion_json(job, done)]})
        return EXIT_DONE
    for line in describe_conversion(job, done):
        console.print(line)
    if job.report is not None:
        console.print(f"{job.report}: the report, {job.report.stat().st_size:,} bytes")
    return EXIT_DONE


def _make_folders(targets: list[Path]) -> None:
    """Make the folders of the output files. Raises FileAccessError."""
    for path in targets:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"{path.parent}: can't be made: {os_error_text(error)}") from error


def _several(work: list[Job], found: list[conversion_inputs.CaptureInput], jobs: int, *, as_json: bool) -> int:
    """Convert several captures. One that fails does not stop the others."""
    names = [one.relative_path.as_posix() for one in found]
    results: list[JobResult | str] = [_NOT_BEGUN] * len(work)
    ended = False
    with show_progress(f"{len(work)} captures") as follower:
        try:
            (_in_turn if jobs == 1 else _at_once)(work, names, jobs, results, follower)
        except KeyboardInterrupt:
            ended = True
        ended = ended or follower.asks_to_end()
    told = [
        one.replace(str(of.path), of.name) if isinstance(one, str) else one
        for one, of in zip(results, found, strict=True)
    ]
    if as_json:
        print_json({"conversions": [conversion_json(job, one) for job, one in zip(work, told, strict=True)]})
        return _exit_code(results, ended=ended)
    console.print(summary_table(names, told))
    for job, result in zip(work, results, strict=True):
        if job.report is not None and not isinstance(result, str):
            console.print(f"{job.report}: the report, {job.report.stat().st_size:,} bytes")
    return _exit_code(results, ended=ended)


def _exit_code(results: Sequence[JobResult | str], *, ended: bool) -> int:
    if ended:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if any(isinstance(result, str) for result in results) else EXIT_DONE


def _in_turn(work: list[Job], names: list[str], _: int, results: list[JobResult | str], follower: ProgressView) -> None:
    for number, job in enumerate(work):
        follower.before = f"{number + 1} of {len(work)}, {names[number]}: "
        results[number] = _INTERRUPTED
        results[number] = _attempt(job, follower)
        follower.keeping = None
        if follower.asks_to_end():
            return


def _at_once(
    work: list[Job], names: list[str], jobs: int, results: list[JobResult | str], follower: ProgressView
) -> None:
    """Convert in worker processes. They are spawned, because PyTorch and the engine do not survive a fork."""
    context = get_context("spawn")
    ends, told = context.Event(), context.SimpleQueue()
    doing = ""
    follower.keeping = "finishes the captures in work with what is best so far, and begins no other"
    pool = ProcessPoolExecutor(min(jobs, len(work), _MAX_WORKERS), context, _begin_worker, (ends, told))
    try:
        futures = {pool.submit(_attempt_in_worker, job): number for number, job in enumerate(work)}
        left, began_s = set(futures), time.monotonic()
        while left:
            done, left = wait(left, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in done:
                if not future.cancelled():
                    results[futures[future]] = future.result()
            if follower.asks_to_end() and not ends.is_set():
                ends.set()
                for future in left:
                    future.cancel()
            while not told.empty():
                doing = f", {told.get()}"
            over = len(work) - len(left)
            per_s = (time.monotonic() - began_s) / over if over else _promised_s(work[0])
            rounds = -(-len(left) // jobs)
            ends_s = None if per_s is None else time.monotonic() + per_s * (rounds if over == 0 else len(left))
            follower.report_progress(f"{over} of {len(work)} done{doing}", ends_s)
    except KeyboardInterrupt:
        _end_now(work)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end_now(work: list[Job]) -> None:
    """Kill the worker processes and delete their partial output files."""
    workers = active_children()
    for process in workers:
        process.kill()
    for process in workers:
        process.join()
        for path in (path for job in work for path in (job.output, job.report) if path is not None):
            partial_path(path, process.pid or 0).unlink(missing_ok=True)


def _promised_s(job: Job) -> float | None:
    """Return the time in seconds that one capture may take, or None if no time was given."""
    if job.sized is None or job.sized.length.steps is not None or not job.sized.length.trains:
        return None
    return 60.0 * job.sized.length.minutes


def _begin_worker(ends: Event, told: SimpleQueue[str]) -> None:
    # Ctrl-C reaches every process of the terminal. Only the main process handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker.append(WorkerProgress(ends, told))


# The follower of this process, if it is a worker.
_worker: list[WorkerProgress] = []


def _attempt_in_worker(job: Job) -> JobResult | str:
    # The job was already in the worker's queue when the main process asked to end.
    if _worker[0].asks_to_end():
        return _NOT_BEGUN
    _worker[0].before = f"{job.source.name}: "
    try:
        return _attempt(job, _worker[0])
    except KeyboardInterrupt:
        return _INTERRUPTED


def _attempt(job: Job, follower: ConversionProgress) -> JobResult | str:
    try:
        return run(job, follower)
    except NampedalError as error:
        return f"failed: {error}"
