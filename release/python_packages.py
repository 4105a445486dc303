"""Facts about the Python packages that nampedal needs: python-packages.toml, beside this file.

The table is kept in the repository, so that a release's SBOM says the same on every computer.
`python release/python_packages.py` writes it anew from the environment that runs it; the tests compare both.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path

import tomlkit
from errors import ReleaseError
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from release_folder import PROJECT

TABLE = Path(__file__).with_name("python-packages.toml")
_HEADER = (
    "# The Python packages that nampedal needs without its extras: the versions that it was tested with, their\n"
    "# licences as SPDX expressions, and what they need themselves. Written by release/python_packages.py.\n\n"
)
# Trove classifiers and free texts, in packages that have no License-Expression yet.
_LICENCES = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "BSD 3-Clause License": "BSD-3-Clause",
    "License :: OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """A package of PyPI.

    name: normalized.
    licence: an SPDX expression; empty: unknown.
    needs: names of packages, normalized and ordered.
    """

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def read_table(path: Path = TABLE) -> dict[str, PythonPackage]:
    """Return the table's packages by name, ordered. Raises ReleaseError if one needs a package that is not there."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    packages = {
        name: PythonPackage(name, one["version"], one["license"], tuple(one["needs"]))
        for name, one in sorted(table.items())
    }
    for one in packages.values():
        for name in one.needs:
            if name not in packages:
                raise ReleaseError(f"{path.name}: {one.name} needs {name}, which is not in it; {_anew()}")
    return packages


def direct_needs(about: Message, packages: Mapping[str, PythonPackage]) -> tuple[tuple[PythonPackage, str], ...]:
    """Return what a wheel needs without extras: packages of the table, and the versions that it allows.

    about: the wheel's metadata. Raises ReleaseError if a package is not in the table, or its version not allowed.
    """
    found = []
    for requirement in _requirements(about.get_all("Requires-Dist", [])):
        name = canonicalize_name(requirement.name)
        package = packages.get(name)
        if package is None:
            raise ReleaseError(f"{TABLE.name}: has no {name}, which the wheel needs; {_anew()}")
        if not requirement.specifier.contains(package.version):
            raise ReleaseError(
                f"{TABLE.name}: has {name} {package.version}; the wheel needs {requirement.specifier}; {_anew()}"
            )
        found.append((package, str(requirement.specifier)))
    return tuple(sorted(found, key=lambda one: one[0].name))


def with_needs(names: Iterable[str], packages: Mapping[str, PythonPackage]) -> tuple[PythonPackage, ...]:
    """Return the packages with these names and all that they need, ordered by name."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += packages[name].needs
    return tuple(packages[name] for name in sorted(found))


def licence_of(about: Message) -> str:
    """Return the licence in a package's metadata as an SPDX expression; empty: it states none that is known."""
    stated = about.get("License-Expression")
    if stated:
        return str(stated)
    known = {
        _LICENCES[text]
        for text in (*about.get_all("Classifier", []), str(about.get("License", "")).strip())
        if text in _LICENCES
    }
    return " AND ".join(sorted(known))


def installed(root: str = PROJECT) -> dict[str, PythonPackage]:
    """Return what an installed package needs, from this environment, by name. Raises ReleaseError."""
    found: dict[str, PythonPackage] = {}
    left = list(_needs(root))
    while left:
        name = left.pop()
        if name in found:
            continue
        distribution = metadata.distribution(name)
        needs = _needs(name)
        licence = licence_of(distribution.metadata)  # type: ignore[arg-type]  # It is a Message.
        if not licence:
            raise ReleaseError(f"{name}: its metadata states no licence that is known; add it to _LICENCES")
        found[name] = PythonPackage(name, distribution.version, licence, needs)
        left += needs
    return dict(sorted(found.items()))


def dump_table(packages: Mapping[str, PythonPackage]) -> str:
    """Return the table as text."""
    document = tomlkit.document()
    for name, one in sorted(packages.items()):
        table = tomlkit.table()
        table.update({"version": one.version, "license": one.licence, "needs": list(one.needs)})
        document[name] = table
    return _HEADER + tomlkit.dumps(document)


def _needs(name: str) -> tuple[str, ...]:
    requirements = _requirements(metadata.distribution(name).requires or [])
    return tuple(sorted({canonicalize_name(one.name) for one in requirements}))


def _requirements(lines: Iterable[str]) -> list[Requirement]:
    """Return the requirements without extras. Markers are evaluated for the pedal and the PC, which both have Linux."""
    environment = {key: str(value) for key, value in default_environment().items()} | _OLDEST | {"extra": ""}
    return [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate(environment)]


# The oldest Python that is supported needs the most packages. Fixed, so that the result is the same on every computer.
_OLDEST = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def _anew() -> str:
    return "write it anew: python release/python_packages.py"


def main() -> None:
    """Write the table from this environment."""
    try:
        TABLE.write_text(dump_table(installed()), encoding="utf-8")
    except (ReleaseError, metadata.PackageNotFoundError) as error:
        sys.exit(f"python_packages: {error}")


if __name__ == "__main__":
    main()
