"""The C and C++ libraries that are compiled into the engine, with their versions on the computer that built it.

THIRD-PARTY-LICENSES.txt has their licences; a test compares its list with this one.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from errors import ReleaseError

# What precedes the upstream version in a version of Debian's.
_EPOCH = ":"


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """A library that the engine contains.

    name: as in THIRD-PARTY-LICENSES.txt.
    licence: an SPDX expression.
    purl: without a version.
    debian: the package that the build takes it from; empty: not from Debian.
    python: the package of PyPI that the build takes it from; empty: not from PyPI.
    Without both, its version is not known.
    """

    name: str
    licence: str
    address: str
    purl: str
    debian: str = ""
    python: str = ""


LIBRARIES = (
    NativeLibrary(
        *("FlatBuffers", "Apache-2.0", "https://github.com/google/flatbuffers"),
        *("pkg:github/google/flatbuffers", "libflatbuffers-dev"),
    ),
    NativeLibrary(
        "GCC's runtime libraries, libstdc++ and libgcc",
        *("GPL-3.0-or-later WITH GCC-exception-3.1", "https://gcc.gnu.org", "pkg:generic/gcc", "g++"),
    ),
    NativeLibrary(
        *("KissFFT", "BSD-3-Clause", "https://github.com/mborgerding/kissfft"),
        *("pkg:github/mborgerding/kissfft", "libkissfft-dev"),
    ),
    NativeLibrary(
        *("nanobind", "BSD-3-Clause", "https://github.com/wjakob/nanobind"),
        *("pkg:pypi/nanobind", "", "nanobind"),
    ),
    # nanobind's package brings it along without its version.
    NativeLibrary(
        *("robin-map, part of nanobind", "MIT", "https://github.com/Tessil/robin-map", "pkg:github/tessil/robin-map"),
    ),
    NativeLibrary("zlib", "Zlib", "https://zlib.net", "pkg:generic/zlib", "zlib1g-dev"),
)


def read_versions(path: Path) -> dict[str, str]:
    """Read versions by library name from a TOML file. Raises ReleaseError."""
    try:
        versions = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ReleaseError(f"{path}: can't be read: {error}") from error
    names = {one.name for one in LIBRARIES if one.debian or one.python}
    wrong = sorted(set(versions) ^ names)
    if wrong:
        raise ReleaseError(f"{path}: {wrong[0]!r} is unknown or missing; it has {', '.join(sorted(names))}")
    return {name: str(version) for name, version in versions.items()}


def versions_here() -> dict[str, str]:
    """Return the versions on this computer by library name. Raises ReleaseError if one is not installed."""
    return {one.name: _version(one) for one in LIBRARIES if one.debian or one.python}


def upstream_version(debian: str) -> str:
    """Return the upstream part of a version of Debian's: 1.2.13 of 1:1.2.13.dfsg-1."""
    version = debian.partition(_EPOCH)[2] if _EPOCH in debian else debian
    version = version.rpartition("-")[0] or version
    for mark in (".dfsg", "+dfsg", "~dfsg", "+ds"):
        version = version.partition(mark)[0]
    return version


def check_names(text: str) -> None:
    """Check that THIRD-PARTY-LICENSES.txt has the same libraries. Raises ReleaseError."""
    lines = text.splitlines()
    titles = [
        lines[number + 1]
        for number, line in enumerate(lines)
        if line.startswith("====") and number + 2 < len(lines) and lines[number + 2].startswith("http")
    ]
    differ = sorted(set(titles) ^ {one.name for one in LIBRARIES})
    if differ:
        raise ReleaseError(
            f"THIRD-PARTY-LICENSES.txt and release/native_libraries.py differ in {differ[0]}; name it in both"
        )


def _version(library: NativeLibrary) -> str:
    if library.python:
        try:
            return metadata.version(library.python)
        except metadata.PackageNotFoundError as error:
            raise ReleaseError(f"{library.python}: is not installed; pip install {library.python}") from error
    command = ["dpkg-query", "-W", "-f", "${Version}\n", library.debian]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ReleaseError(
            "dpkg-query: is not there to tell versions by; name a file of versions with --native-versions"
        ) from error
    if done.returncode != 0 or not done.stdout.strip():
        raise ReleaseError(
            f"{library.debian}: is not installed, so the version of {library.name} is not known; install it, or name "
            "a file of versions with --native-versions"
        )
    return upstream_version(done.stdout.split()[0])


def library_purl(library: NativeLibrary, versions: Mapping[str, str]) -> str:
    """Return a library's package URL, with its version if that is known."""
    version = versions.get(library.name)
    return library.purl if version is None else f"{library.purl}@{version}"
