"""Disks that are files: real block devices, by losetup. Where there are none, tests that need them are skipped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MIB = 1 << 20


def run(*command: str | Path) -> str:
    """What it prints; skips the test where it can't be done."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    if done.returncode != 0:
        pytest.skip(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def loop_disk(backing: Path, size: int = 24 * MIB, *options: str) -> Iterator[Path]:
    """A device of that many bytes, filled with what an earlier life could have left. backing: made if it is not there.

    Its partitions are those that `add_partition` makes.
    """
    if not backing.exists():
        backing.write_bytes(b"\xa5" * size)
    device = run("losetup", "--find", "--show", "--partscan", *options, backing).strip()
    # Detached while it is open, it goes when that ends, however that is; its partitions go with it.
    file = os.open(device, os.O_RDONLY)
    try:
        subprocess.run(["losetup", "--detach", device], check=True)
        yield Path(device)
    finally:
        os.close(file)


def add_partition(device: Path | str) -> Path:
    """From 1 MiB on, 16 MiB; said to the kernel, not written: not every kernel looks."""
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
