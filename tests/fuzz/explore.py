"""Runs one reader on mutations of its seeds, and keeps those that reach lines of nampedal that no other has reached.

Whatever comes in, a reader gives a value, or raises a NampedalError whose text is one line of printable characters.
Anything else is a finding; so is an input that takes too much time or memory.
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import nampedal.board
from fuzz.mutators import Mutator
from nampedal.firmware.base.errors import NampedalError

# What says that a mistake was caught which nobody has thought of.
UNFORESEEN = "nampedal itself went wrong"
_OURS = tuple(str(Path(path).parent) for path in nampedal.__path__)


@dataclass(frozen=True, slots=True)
class Target:
    """seeds: made in a folder.  ready: in a folder of its own gives what is called with each input.

    max_bytes: of an input.  slow: takes so many times as long as most; a counted run does as many times fewer.
    """

    name: str
    seeds: Callable[[Path], list[bytes]]
    ready: Callable[[Path], Callable[[bytes], object]]
    mutate: Mutator
    max_bytes: int = 1 << 17
    slow: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one input.

    cpu_s: of the processor's time, which a busy machine does not change.  mebibytes: more than before.
    """

    cpu_s: float = 10.0
    mebibytes: int = 256


@dataclass(slots=True)
class Found:
    """what: where, and what happened; the same for the same mistake.  detail: for people.  data: the input."""

    what: str
    detail: str
    data: bytes


@dataclass(slots=True)
class Result:
    executions: int = 0
    lines: int = 0
    refused: int = 0
    findings: list[Found] = field(default_factory=list)


class UnfitError(Exception):
    """What a reader gave back or said is not what it may."""


class _TooSlowError(BaseException):
    """Nothing but this module catches it."""


def check_text(text: object) -> None:
    """That a message is one line of printable characters. Raises UnfitError."""
    shown = str(text)
    if not shown or not shown.isprintable():
        raise UnfitError(f"a message is no line of printable characters: {shown[:300]!r}")
    if UNFORESEEN in shown:
        raise UnfitError(f"a mistake that nobody has thought of: {shown[:300]}")


class Explorer:
    """One reader, in a folder of its own.

    before: called with each input before it is read: a reader that ends the process leaves it behind.
    """

    def __init__(
        self, target: Target, folder: Path, limits: Limits, before: Callable[[bytes], object] = lambda data: None
    ) -> None:
        self._target, self._limits, self._before = target, limits, before
        self.result = Result()
        self._seen: set[tuple[CodeType, int]] = set()
        self._run = target.ready(folder)

    def explore(self, seeds: list[bytes], seed: int, count: int | None, seconds: float | None) -> None:
        """All seeds, then mutations; count, seconds: the most of either, None: no limit."""
        dice = Random(seed)
        end_s = time.monotonic() + seconds if seconds is not None else None
        corpus = []
        for data in seeds:
            self.execute(data)
            corpus.append(data)
        while (count is None or self.result.executions < count) and (end_s is None or time.monotonic() < end_s):
            # What was found last has been tried least.
            late = dice.random() < 0.5
            data = dice.choice(corpus[-8:] if late else corpus)
            for _ in range(dice.choice((1, 1, 1, 2, 4))):
                data = self._target.mutate(dice, data)
            data = data[: self._target.max_bytes]
            if self.execute(data):
                corpus.append(data)

    def execute(self, data: bytes) -> bool:
        """Whether it reached a line that was not reached before."""
        self._before(data)
        before = len(self._seen)
        _forget_peak()
        had_kib = _peak_kib()
        found = None
        try:
            with _counted(self._limits.cpu_s), self._traced(), _heard() as said:
                self._run(data)
            for line in said:
                check_text(line)
        except NampedalError as error:
            self.result.refused += 1
            found = self._judge(error, data)
        except (Exception, SystemExit, _TooSlowError) as error:
            found = Found(_where(error), _told(error), data)
        self.result.executions += 1
        took = (_peak_kib() - had_kib) >> 10
        if found is None and took > self._limits.mebibytes:
            found = Found("memory", f"took {took} MiB; {self._limits.mebibytes} are allowed", data)
            gc.collect()
        self.result.lines = len(self._seen)
        if found is not None and all(found.what != one.what for one in self.result.findings):
            self.result.findings.append(found)
        return found is None and len(self._seen) > before

    def _judge(self, error: NampedalError, data: bytes) -> Found | None:
        try:
            check_text(error)
        except UnfitError as unfit:
            return Found(f"text {_where(error)}", f"{unfit}\n{_told(error)}", data)
        return None

    @contextmanager
    def _traced(self) -> Iterator[None]:
        """Notes each line of nampedal that is run."""
        seen = self._seen
        ours: dict[CodeType, bool] = {}

        def line(frame: FrameType, event: str, argument: object) -> Any:
            if event == "line":
                seen.add((frame.f_code, frame.f_lineno))
            return line

        def call(frame: FrameType, event: str, argument: object) -> Any:
            code = frame.f_code
            if code not in ours:
                ours[code] = code.co_filename.startswith(_OURS) and "/nampedal/" in code.co_filename
            return line if ours[code] else None

        before = sys.gettrace()
        sys.settrace(call)
        try:
            yield
        finally:
            sys.settrace(before)


def name_of(data: bytes) -> str:
    """A short one, the same for the same input."""
    return sha256(data).hexdigest()[:12]


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What is logged meanwhile; nothing of it is shown."""
    ear, log = _Ear(), logging.getLogger("nampedal")
    before = log.propagate
    log.addHandler(ear)
    log.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield ear.said
    finally:
        log.removeHandler(ear)
        log.propagate = before


@contextmanager
def _counted(cpu_s: float) -> Iterator[None]:
    """Raises _TooSlowError inside, once so much of the processor's time was used."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise _TooSlowError(f"took more than {cpu_s:g} s of the processor's time")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _forget_peak() -> None:
    """The most memory that was used counts from now on (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_kib() -> int:
    """The most memory that this process has used.

    Not from getrusage(): it never falls, and Linux has it begin with what the parent had used.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _where(error: BaseException) -> str:
    """Kind, and the innermost line of nampedal."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(_OURS)]
    if isinstance(error, UnfitError) or not frames:
        # It is the text that tells one from another, up to what it quotes.
        return f"{type(error).__name__}: {str(error).partition(':')[0][:80]}"
    return f"{type(error).__name__} {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _told(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    text = "".join(lines if len(lines) < 40 else [*lines[:15], "  ...\n", *lines[-15:]])
    return text[-6000:]
