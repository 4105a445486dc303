"""Checks that wheels run where their names say: with Python and the C library alone, as old as the platform tag's.

    python release/check_wheels.py WHEEL...

auditwheel has the same rule, but knows nothing of a symbol that no library of the build has: the loader would look for
it in vain.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

_PLATFORM = re.compile(r"manylinux_2_(\d+)_(\w+)")
# glibc's libraries and its loader.
_GLIBC = re.compile(r"lib(c|m|dl|pthread|rt)\.so\.\d|ld-linux-.*\.so\.\d")
_NEEDED = re.compile(r"\(NEEDED\).*\[(.*)\]")
_UNDEFINED = re.compile(r"\b(GLOBAL|WEAK) +\w+ +UND +([\w.]+)(?:@(\S+))?")
_VERSION = re.compile(r"GLIBC_2\.(\d+)(\.\d+)?")
_MACHINES = {"x86_64": "X86-64", "aarch64": "AArch64"}


def check_wheel(wheel: Path) -> Iterator[str]:
    """Yield what is wrong with a wheel, a sentence each."""
    tag = _PLATFORM.fullmatch(wheel.stem.rpartition("-")[2])
    if tag is None:
        yield f"{wheel.name}: its platform is not manylinux_2_X_MACHINE"
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if ".so" in Path(name).suffixes]
        if not libraries:
            yield f"{wheel.name}: has no library"
        for name in libraries:
            told = subprocess.run(
                ["readelf", "--wide", "--file-header", "--dynamic", "--dyn-syms", archive.extract(name, folder)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for problem in problems(told, int(tag[1]), tag[2]):
                yield f"{wheel.name}: {Path(name).name} {problem}"


def problems(told: str, minor: int, machine: str) -> Iterator[str]:
    """Yield what is wrong with a library.

    told: what readelf says of its header, dynamic section and dynamic symbols.
    minor: the minor version of glibc 2 that it may ask for.
    """
    if f" {_MACHINES.get(machine, machine)}\n" not in told:
        yield f"is not for {machine}"
    for library in _NEEDED.findall(told):
        if not _GLIBC.fullmatch(library):
            yield f"needs {library}"
    for binding, name, version in _UNDEFINED.findall(told):
        known = _VERSION.fullmatch(version)
        if not version:
            if binding == "GLOBAL" and not name.startswith(("Py", "_Py")):
                yield f"asks for {name}, which no library has"
        elif known is None:
            yield f"asks for {name} of {version}"
        elif int(known[1]) > minor:
            yield f"asks for {name} of glibc 2.{known[1]}"


def main() -> None:
    """Check the wheels that the command names."""
    found = [problem for path in sys.argv[1:] for problem in check_wheel(Path(path))]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
