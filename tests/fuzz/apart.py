"""Explores a reader in a process of its own: what ends it, or never returns, is a finding like any other."""

from __future__ import annotations

import mmap
import os
import pickle
import resource
import signal
import struct
import tempfile
import time
import traceback
from pathlib import Path

from fuzz.explore import Explorer, Found, Limits, Result, Target

# Without a sign of life for so long, it is ended.
HANGS_S = 300.0
# Of address space beside what is there already: what takes more gets a MemoryError before the machine suffers.
MAX_BYTES = 4 << 30
MAX_DEATHS = 5
_HEAD = struct.Struct("<QQ")


def explore_apart(
    target: Target, seeds: list[bytes], seed: int, count: int | None, seconds: float | None, limits: Limits
) -> Result:
    """As `Explorer.explore`; after a death it goes on with other mutations, and without the seed that was fatal."""
    whole = Result()
    end_s = time.monotonic() + seconds if seconds is not None else None
    seeds = list(seeds)
    for life in range(MAX_DEATHS):
        left = None if count is None else count - whole.executions
        left_s = None if end_s is None else end_s - time.monotonic()
        if life and ((left is not None and left <= 0) or (left_s is not None and left_s <= 0.0)):
            break
        result, death = _explore_once(target, seeds, seed + life, left, left_s, limits)
        whole.executions += result.executions
        whole.refused += result.refused
        whole.lines = max(whole.lines, result.lines)
        known = {one.what for one in whole.findings}
        whole.findings += [one for one in result.findings if one.what not in known]
        if death is None:
            break
        if death.what not in known:
            whole.findings.append(death)
        seeds = [one for one in seeds if one != death.data] or seeds
    return whole


def _explore_once(
    target: Target, seeds: list[bytes], seed: int, count: int | None, seconds: float | None, limits: Limits
) -> tuple[Result, Found | None]:
    """What it came to, and how it died; None: it did not."""
    # What is read at the moment: how many were before, how long it is, itself.
    shared = mmap.mmap(-1, _HEAD.size + target.max_bytes + (2 << 20))
    with tempfile.TemporaryDirectory() as work:
        done, folder = Path(work, "done"), Path(work, "reader")
        folder.mkdir()
        child = os.fork()
        if child == 0:
            _live(target, seeds, seed, count, seconds, limits, shared, done, folder)
        status = _wait(child, shared)
        executions, length = _HEAD.unpack_from(shared)
        if done.exists():
            result: Result = pickle.loads(done.read_bytes())
            return result, None
        data = bytes(shared[_HEAD.size : _HEAD.size + length])
        how = (
            f"signal {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else f"status {status >> 8}"
        )
        death = Found(f"death {target.name} {how}", f"the reader ended the process: {how}", data)
        return Result(executions=executions), death


def _live(
    target: Target,
    seeds: list[bytes],
    seed: int,
    count: int | None,
    seconds: float | None,
    limits: Limits,
    shared: mmap.mmap,
    done: Path,
    folder: Path,
) -> None:
    """In the child: never returns."""
    status = 1
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MAX_BYTES, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        executions = 0

        def before(data: bytes) -> None:
            nonlocal executions
            executions += 1
            _HEAD.pack_into(shared, 0, executions, len(data))
            shared[_HEAD.size : _HEAD.size + len(data)] = data

        explorer = Explorer(target, folder, limits, before)
        explorer.explore(seeds, seed, count, seconds)
        done.write_bytes(pickle.dumps(explorer.result))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _wait(child: int, shared: mmap.mmap) -> int:
    """Its status, once it has ended."""
    before, since_s = b"", time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        now, now_s = bytes(shared[: _HEAD.size]), time.monotonic()
        if now != before:
            before, since_s = now, now_s
        elif now_s - since_s > HANGS_S:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)
