"""Debian's part of an image: the root as its packages are configured, the kernel as it is unpacked. Both are kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.image import bases
from nampedal.board.image.bases import Base
from nampedal.board.image.mirrors import Mirrors, kernel_sources, root_sources, why_not_fetched, without_keys
from nampedal.board.image.namespace import run_inside

# Of how a root is made; another number makes all of them anew.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Packages:
    """root: a tar.  kernel: a folder.  Both under names that say what went into them."""

    root: Path
    kernel: Path


def cache_folder() -> Path:
    """The user's, whether it exists or not."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return Path(cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "nampedal", "image")


def fetch(
    base: Base, suite: str, names: Sequence[str], mirrors: Mirrors, cache: Path, fresh: bool, say: Callable[[str], None]
) -> Packages:
    """From the cache, or else, or where `fresh`, from the mirrors. Raises MirrorError, KeyFileError, BuildToolError."""
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
    arguments, text = bases.bootstrap_arguments(names, sources)
    # Its format goes by the name's end; what is not whole never has the right name.
    part = target.with_name(f"part-{target.name}")
    _remove(part)
    # With a date of its own Python's bytecode would be checked against its source at every import.
    run_inside(
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
        explain=why_not_fetched,
    )
    _remove(target)
    part.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
