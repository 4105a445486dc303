"""Runs one step of an import in its own process with limits, so that a hostile file can harm only that process.

The process is forked from one that has loaded all modules, so it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from nampedal.firmware.base.errors import (
    CardError,
    FileAccessError,
    ImportEndedError,
    ImportNotStartedError,
    ImportStoppedError,
    NampedalError,
    TooMuchMemoryError,
)
from nampedal.firmware.base.faults import describe_error
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.memory_limit import limit_memory, set_limit
from nampedal.firmware.system.bank_import.import_scan import shown

# The memory cgroup, which MemoryMax= of a unit needs, is off on a Raspberry Pi: its kernel is started with
# cgroup_disable=memory (raspberrypi/linux, pull request 6439 and issue 6980). So `memory_limit` limits the memory.
MAX_CPU_S = 120
# Timeout of a step: enough for a bank of the maximum size from a slow USB stick.
MAX_S = 240.0
_MAX_ANSWER_BYTES = 1 << 20
_PIECE = 1 << 16
# The kernel kills the process with the highest value first if memory runs out (proc_pid_oom_score_adj(5)).
_OOM = Path("/proc/self/oom_score_adj")
# prctl(2), linux/prctl.h: the signal that this process gets when its parent ends.
_PR_SET_PDEATHSIG = 1

_log = logging.getLogger(__name__)


class Worker:
    """Runs steps of an import, each in its own process.

    end_s: the deadline of all steps, as time.monotonic().  peak_bytes: the peak memory of the last step.
    """

    def __init__(self, end_s: float) -> None:
        self.peak_bytes = 0
        self._end_s = end_s

    def __call__(self, do: Callable[[], Any], name: str) -> Any:
        """Call do() in its own process and return its result, which has to be JSON data. name: the file, for the log.

        Raises ImportNotStartedError: the deadline has passed or no process can be started.  FileAccessError,
        CardError: do() raised a NampedalError (an OSError or not), and these have its text.
        ImportStoppedError: do() raised an unexpected exception or ran out of memory.  ImportEndedError: the process
        crashed, was killed, or exceeded a time limit.
        """
        now_s = time.monotonic()
        if now_s >= self._end_s:
            raise ImportNotStartedError("there was no time left; it is taken over at the next start")
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise ImportNotStartedError(f"no process can be started: {os_error_text(error)}") from error
        if child == 0:
            _work(do, writing)
        os.close(writing)
        try:
            said, in_time = _listen(reading, min(self._end_s, now_s + MAX_S))
        finally:
            os.close(reading)
            _kill(child)
            _, status, used = os.wait4(child, 0)
        self.peak_bytes = used.ru_maxrss << 10
        _log.info("%s: %.1f s, %.0f MiB", shown(name), time.monotonic() - now_s, self.peak_bytes / (1 << 20))
        return _answer(said, status, in_time=in_time)


def set_oom_score(score: int) -> None:
    """Make the kernel kill this process early if memory runs out. score: up to 1000; the highest is killed first."""
    try:
        _OOM.write_text(str(score), encoding="utf-8")
    except OSError:
        return


def _work(do: Callable[[], Any], writing: int) -> NoReturn:
    """Call do() in the child process, write the answer to the pipe, and exit."""
    try:
        # The child must not outlive its parent, which may be killed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        set_oom_score(1000)
        set_limit(resource.RLIMIT_CPU, MAX_CPU_S)
        set_limit(resource.RLIMIT_CORE, 0)
        data = json.dumps(_done(do)).encode("ascii")
        while data:
            data = data[os.write(writing, data[:_PIECE]) :]
    except BaseException:
        _log.exception("import")
    finally:
        # os._exit: buffers and files that were inherited from the parent must not be flushed or closed here.
        os._exit(0)


def _done(do: Callable[[], Any]) -> dict[str, Any]:
    try:
        with limit_memory("it"):
            return {"did": do()}
    except TooMuchMemoryError as error:
        return {"fault": str(error).replace("it: ", "it ", 1)}
    except NampedalError as error:
        return {"later" if isinstance(error, OSError) else "refused": str(error)}
    except Exception as error:
        return {"fault": f"nampedal itself went wrong: {describe_error(error)}"}


def _listen(reading: int, end_s: float) -> tuple[bytes, bool]:
    """Return the child's output until it ends, and True if it ended before end_s."""
    said = b""
    while len(said) <= _MAX_ANSWER_BYTES:
        ready, _, _ = select.select([reading], [], [], max(0.0, end_s - time.monotonic()))
        if not ready:
            return b"", False
        piece = os.read(reading, _PIECE)
        if not piece:
            return said, True
        said += piece
    return b"", True


def _kill(child: int) -> None:
    """Kill the child, which has written its answer or takes too long. It may have ended already."""
    os.kill(child, signal.SIGKILL)


def _answer(said: bytes, status: int, *, in_time: bool) -> Any:
    if not in_time:
        raise ImportEndedError("it took too long and was ended")
    try:
        answer = json.loads(said)
    except ValueError:
        raise ImportEndedError(_how(status)) from None
    match answer:
        case {"did": done}:
            return done
        case {"later": str(text)}:
            raise FileAccessError(text)
        case {"refused": str(text)}:
            raise CardError(text)
        case {"fault": str(text)}:
            raise ImportStoppedError(text)
    raise ImportEndedError("it gave no answer")


def _how(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return f"it took more than {MAX_CPU_S} s of the processor"
    if number == signal.SIGKILL:
        return "the system ended it, as it does when memory runs out"
    return f"it crashed ({signal.Signals(number).name})" if number else "it gave no answer"
