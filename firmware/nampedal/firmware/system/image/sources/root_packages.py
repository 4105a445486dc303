"""Fetches Debian's part of an image: the root with configured packages, and the unpacked kernel. Both are cached."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.files.atomic_write import move_into_place
from nampedal.firmware.system.image.sources import suites
from nampedal.firmware.system.image.sources.mirrors import (
    Mirrors,
    error_from_apt_output,
    kernel_sources,
    root_sources,
    without_keys,
)
from nampedal.firmware.system.image.sources.suites import Base
from nampedal.firmware.system.image.sources.user_namespace import run_in_namespace

# Version of the way a root is made; a change of it invalidates the cache.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Packages:
    """The fetched packages. The names contain a checksum of what went into them.

    root: a tar file.
    kernel: a folder.
    """

    root: Path
    kernel: Path


def cache_folder() -> Path:
    """Return the user's cache folder, which may not exist yet."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return Path(cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "nampedal", "image")


def fetch(
    base: Base, suite: str, names: Sequence[str], mirrors: Mirrors, cache: Path, fresh: bool, say: Callable[[str], None]
) -> Packages:
    """Return the packages from the cache; fetch them from the mirrors if they are not there, or if `fresh` is True.

    Raises DeployError, ProgramError.
    """
    of_root = root_sources(base, suite, mirrors, cache / "keys")
    of_kernel = kernel_sources(base, suite, mirrors, cache / "keys")
    kernel_names = (*base.kernels, *base.firmware, "busybox-static")
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"root-{suite}-{_digest(names, without_keys(of_root))}.tar"
    kernel = cache / f"kernel-{base.key}-{_digest(kernel_names, without_keys(of_kernel))}"
    if fresh or not root.exists():
        say(f"installing {len(names)} packages of Debian {suite} and what they need")
        _bootstrap(root, "minbase", suite, names, of_root)
    if fresh or not kernel.exists():
        say("unpacking the kernel")
        kernel_suite = base.kernel_suites[0] if base.kernel_suites else suite
        _bootstrap(kernel, "extract", kernel_suite, kernel_names, of_kernel)
    return Packages(root, kernel)


def _digest(*parts: Sequence[str]) -> str:
    return hashlib.sha256(repr((VERSION, parts)).encode()).hexdigest()[:12]


def _bootstrap(target: Path, variant: str, suite: str, names: Sequence[str], sources: Sequence[str]) -> None:
    arguments, text = suites.bootstrap_arguments(names, sources)
    # mmdebstrap chooses the format by the file name's suffix, so the temporary name differs at its beginning.
    part = target.with_name(f"part-{target.name}")
    _remove(part)
    # With SOURCE_DATE_EPOCH set, Python's bytecode would be checked against its source at every import.
    run_in_namespace(
        "env",
        "-u",
        "SOURCE_DATE_EPOCH",
        "mmdebstrap",
        *arguments,
        f"--variant={variant}",
        suite,
        str(part),
        "-",
        text=text,
        explain=error_from_apt_output,
    )
    _remove(target)
    move_into_place(part, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
