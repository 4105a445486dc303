"""One step of an import in a process of its own, with limits: what a file does to it, it does to nobody else.

It is forked from a process that has loaded everything already, which takes milliseconds.
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

from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware.card.errors import (
    ImportEndedError,
    ImportFaultError,
    ImportLaterError,
    ImportRefusedError,
    NotBegunError,
)
from nampedal.firmware.card.found import shown
from nampedal.firmware.errors import TooMuchMemoryError
from nampedal.firmware.memory_limit import limited, set_limit

# The memory cgroup, which MemoryMax= of a unit needs, is off on a Raspberry Pi: its kernel is started with
# cgroup_disable=memory (raspberrypi/linux, pull request 6439 and issue 6980). So `memory_limit` holds.
MOST_CPU_S = 120
# A bank of the largest size, from a slow stick.
MOST_S = 240.0
_MOST_ANSWER_BYTES = 1 << 20
_PIECE = 1 << 16
# The first to go where memory runs out (proc_pid_oom_score_adj(5)).
_OOM = Path("/proc/self/oom_score_adj")
# prctl(2), linux/prctl.h: the signal that this process gets when its parent ends.
_PR_SET_PDEATHSIG = 1

_log = logging.getLogger(__name__)


class Worker:
    """end_s: when everything has to be done, as time.monotonic() counts.  peak_bytes: of memory, of the last step."""

    def __init__(self, end_s: float) -> None:
        self.peak_bytes = 0
        self._end_s = end_s

    def __call__(self, do: Callable[[], Any], name: str) -> Any:
        """What do() returns, which JSON can hold. In a process of its own. name: of what it is about, for the log.

        Raises NotBegunError.  ImportLaterError, ImportRefusedError: do() raised an error, and these are its words.
        ImportFaultError: do() raised what it should not have, or ran out of memory.  ImportEndedError: the process was
        ended, or took too long.
        """
        now_s = time.monotonic()
        if now_s >= self._end_s:
            raise NotBegunError("there was no time left; it is taken over at the next start")
        reading, writing = os.pipe()
        try:
            child = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            raise NotBegunError(f"no process can be started: {reason(error)}") from error
        if child == 0:
            _work(do, writing)
        os.close(writing)
        try:
            said, in_time = _listen(reading, min(self._end_s, now_s + MOST_S))
        finally:
            os.close(reading)
            _kill(child)
            _, status, used = os.wait4(child, 0)
        self.peak_bytes = used.ru_maxrss << 10
        _log.info("%s: %.1f s, %.0f MiB", shown(name), time.monotonic() - now_s, self.peak_bytes / (1 << 20))
        return _answer(said, status, in_time=in_time)


def be_the_first_to_go(score: int) -> None:
    """score: up to 1000."""
    try:
        _OOM.write_text(str(score))
    except OSError:
        return


def _work(do: Callable[[], Any], writing: int) -> NoReturn:
    """In the child."""
    try:
        # Who waits for it may be ended.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        be_the_first_to_go(1000)
        set_limit(resource.RLIMIT_CPU, MOST_CPU_S)
        set_limit(resource.RLIMIT_CORE, 0)
        data = json.dumps(_done(do)).encode("ascii")
        while data:
            data = data[os.write(writing, data[:_PIECE]) :]
    except BaseException:
        _log.exception("import")
    finally:
        # Nothing of the parent's is closed or flushed twice.
        os._exit(0)


def _done(do: Callable[[], Any]) -> dict[str, Any]:
    try:
        with limited("it"):
            return {"did": do()}
    except TooMuchMemoryError as error:
        return {"fault": str(error).replace("it: ", "it ", 1)}
    except NampedalError as error:
        return {"later" if isinstance(error, OSError) else "refused": str(error)}
    except Exception as error:
        return {"fault": f"nampedal itself went wrong: {type(error).__name__}: {error}"}


def _listen(reading: int, end_s: float) -> tuple[bytes, bool]:
    """What the child says until it ends, and whether it did in time."""
    said = b""
    while len(said) <= _MOST_ANSWER_BYTES:
        ready, _, _ = select.select([reading], [], [], max(0.0, end_s - time.monotonic()))
        if not ready:
            return b"", False
        piece = os.read(reading, _PIECE)
        if not piece:
            return said, True
        said += piece
    return b"", True


def _kill(child: int) -> None:
    """It has said all there is, or takes too long. One that has ended already is not changed by this."""
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
            raise ImportLaterError(text)
        case {"refused": str(text)}:
            raise ImportRefusedError(text)
        case {"fault": str(text)}:
            raise ImportFaultError(text)
    raise ImportEndedError("it gave no answer")


def _how(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return f"it took more than {MOST_CPU_S} s of the processor"
    if number == signal.SIGKILL:
        return "the system ended it, as it does when memory runs out"
    return f"it crashed ({signal.Signals(number).name})" if number else "it gave no answer"
