"""nampedal convert."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
from nampedal.board.errors import NampedalError
from nampedal.converter import tflite_export
from nampedal.converter.cli.converted import described, summary
from nampedal.converter.convert import PRECISIONS
from nampedal.converter.errors import NothingFitsError
from nampedal.converter.job import BoardJob, Done, Job, run
from nampedal.firmware import tflite
from nampedal.firmware.cli.shared import EXIT_FAILED, FILE, console, examples, force, share, verbose

FORMATS = ("stomp", "tflite")
MAX_ESR = 0.05
MINUTES = 10.0


@click.command(
    "convert",
    epilog=examples(
        "nampedal convert amp.nam",
        "nampedal convert amp.nam -o bank/amp.stomp",
        "nampedal convert amp.nam --calibrate my-guitar.wav --calibrate my-bass.wav",
        "nampedal convert amp.nam --board zero-2-w --budget 30 --report amp.html",
        "nampedal convert captures/ -o bank/ --board 3b-plus --minutes 3 --material my-guitar.wav",
        "nampedal convert amp.nam -o amp.tflite --tflite-mode mixed",
    ),
)
@click.argument("sources", metavar="IN.nam...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, metavar="OUT", help="A file, or a folder. Default: beside the input.")
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
@click.option("--board", metavar="NAME", help="Make it fit this board, slimmed if need be; see 'nampedal boards'.")
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
    help="The most that it may differ from the original; nothing is written if it would have to.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.0),
    default=MINUTES,
    show_default=True,
    help="Training, where it has to be slimmed, on two fast cores; others take longer. 0: pruned only.",
)
@click.option(
    "--material",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help="Dry playing, or a folder of it, to slim with; may be given several times. Default: built-in sounds.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the training's chance.")
@click.option("--gpu", is_flag=True, help="Train on a GPU.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Captures at the same time.")
@click.option(
    "--tflite-mode",
    type=click.Choice(tflite.MODES),
    default=tflite.MODES[0],
    show_default=True,
    help="weights: float activations; mixed: int8 ones where little is lost; int8: everywhere, which is heard.",
)
@click.option("--block", type=int, default=64, show_default=True, help="Frames of a .tflite's audio tensors.")
@click.option("--tier", type=int, default=0, show_default=True, help="Which size goes into a .tflite; 0 is full.")
@click.option("--no-golden", is_flag=True, help="Without golden vectors: 40 kB less, and 'verify' can't check it.")
@click.option(
    "--report",
    type=FILE,
    metavar="FILE",
    help="Also write a report: .html has plots, and sound to listen to; .md is text.",
)
@force
@verbose
def convert_command(
    sources: tuple[Path, ...],
    output: Path | None,
    form: str | None,
    precision: str,
    recordings: tuple[Path, ...],
    board: str | None,
    budget: float | None,
    period: int | None,
    max_esr: float,
    minutes: float,
    material: tuple[Path, ...],
    seed: int,
    gpu: bool,
    jobs: int,
    tflite_mode: str,
    block: int,
    tier: int,
    no_golden: bool,
    report: Path | None,
    force: bool,
) -> int:
    """Convert captures into artifacts that a pedal loads, or into .tflite files.

    w8 stores int8 weights and prints what that costs in sound; f32 changes nothing. With --board it is made to fit.
    A folder stands for the captures in it.
    """
    form = form or ("tflite" if output is not None and output.suffix.lower() == tflite.SUFFIX else FORMATS[0])
    if board is None and (budget is not None or period is not None or material or gpu):
        raise click.UsageError("--budget, --period, --material and --gpu need a --board.")
    if board is not None and form == "tflite":
        raise click.UsageError("--board makes a .stomp: a .tflite holds one size.")
    sized = None
    if board is not None:
        recorded = tuple(_files(material, "*.wav", "*.flac"))
        sized = BoardJob(board, budget, period, max_esr, minutes, seed, recorded, gpu)
    options = tflite_export.Options(tflite_mode, block, tier, precision) if form == "tflite" else None
    found = list(_files(sources, "*.nam"))
    into_folder = output is not None and output.is_dir() and output.suffix.lower() not in (f".{one}" for one in FORMATS)
    several = into_folder or sources != tuple(found) or len(found) != 1
    if several and report is not None:
        raise click.UsageError("--report is of one capture.")
    work = [
        Job(
            source,
            _target(source, output, form, several),
            force,
            precision,
            recordings,
            not no_golden,
            sized,
            options,
            report,
        )
        for source in found
    ]
    return _several(work, jobs) if several else _one(work[0])


def _files(paths: tuple[Path, ...], *patterns: str) -> Iterator[Path]:
    """The files, and what is in the folders, in alphabetical order. Raises UsageError for an empty folder."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(file for pattern in patterns for file in path.rglob(pattern))
        if not inside:
            raise click.UsageError(f"{path}: there is no {' or '.join(patterns)} in it.")
        yield from inside


def _target(source: Path, output: Path | None, form: str, several: bool) -> Path:
    if several and output is not None:
        if not output.is_dir():
            raise click.UsageError(f"{output}: is no folder; several captures need one.")
        return output / f"{source.stem}.{form}"
    return output or source.with_suffix(f".{form}")


def _one(job: Job) -> int:
    with share(job.source.name) as tell:
        try:
            done = run(job, tell)
        except NothingFitsError as error:
            click.echo(f"nampedal: {error}", err=True)
            return EXIT_FAILED
    for line in described(job, done):
        console.print(line)
    if job.report is not None:
        console.print(f"{job.report}: the report, {job.report.stat().st_size:,} bytes")
    return 0


def _several(work: list[Job], jobs: int) -> int:
    """Each by itself: one that fails does not keep the rest from being done."""
    results: list[Done | str] = []
    with share(f"{len(work)} captures") as tell:
        if jobs == 1:
            for number, job in enumerate(work):
                results.append(_attempt(job))
                tell((number + 1) / len(work), job.source.name)
        else:
            # Processes of their own: PyTorch and the pedal's engine are not made to be forked.
            with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
                for number, result in enumerate(pool.map(_attempt, work)):
                    results.append(result)
                    tell((number + 1) / len(work), work[number].source.name)
    console.print(summary(work, results))
    return EXIT_FAILED if any(isinstance(result, str) for result in results) else 0


def _attempt(job: Job) -> Done | str:
    try:
        return run(job)
    except NampedalError as error:
        return str(error)
