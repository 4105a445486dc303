"""Block devices that are backed by files (losetup). Tests that need them are skipped where they are not possible."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MIB = 1 << 20


def run(*command: str | Path) -> str:
    """Run a program and return its output. Skips the test if the program is missing or fails."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    if done.returncode != 0:
        pytest.skip(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def loop_disk(backing: Path, size: int = 24 * MIB, *options: str) -> Iterator[Path]:
    """Yield a loop device. backing: its file; made if it is not there, with `size` bytes of old data.

    Its only partitions are those that add_partition() makes.
    """
    if not backing.exists():
        backing.write_bytes(b"\xa5" * size)
    device = run("losetup", "--find", "--show", "--partscan", *options, backing).strip()
    # Detached while it is open, the device disappears when this process closes it or ends, and its partitions with it.
    file = os.open(device, os.O_RDONLY)
    try:
        subprocess.run(["losetup", "--detach", device], check=True)
        yield Path(device)
    finally:
        os.close(file)


def add_partition(device: Path | str) -> Path:
    """Add a partition of 16 MiB at 1 MiB. It is only told to the kernel, not written: not every
    kernel reads the table.
    """
    run("addpart", device, "1", "2048", "32768")
    return Path(f"{device}p1")


@contextmanager
def mounted(device: Path, place: Path) -> Iterator[None]:
    place.mkdir()
    run("mount", device, place)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
