"""Makes nampedal's runtime: a virtual environment of the system's Python, filled without running that Python.

It contains what a pedal needs, so no converter, and LiteRT only if it is asked for. Modules without wheels come from
the system's packages, which the environment can see.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Collection, Sequence
from email.parser import HeaderParser
from pathlib import Path
from py_compile import PycInvalidationMode

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.base.files.atomic_write import move_into_place
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.install.steps.install_tools import run
from nampedal.firmware.system.install.steps.path_states import convert_os_errors, remove_tree
from nampedal.firmware.system.install.steps.site_packages import (
    CONVERTER,
    LITERT,
    PEDAL,
    TFLITE,
    copy_distributions,
    installed_digest,
)

EXTRAS = (PEDAL,)
PYTHON = Path("/usr/bin/python3")
# Minor versions of glibc 2 that wheels may require, up to bookworm's 2.36 (PEP 600).
_GLIBC = range(17, 37)
_NAME = re.compile(r"nampedal-(?P<version>[^-]+)-cp3(?P<minor>\d+)-(?P<abi>[^-]+)-(?P<platforms>[^-]+)\.whl")
_REQUIREMENT = re.compile(r"(?P<wanted>(?P<name>[A-Za-z0-9._-]+)[^;]*?)\s*(;(?P<marker>.*))?")
_EXTRA = re.compile(r"extra *== *['\"]([^'\"]+)['\"]")
_MACHINE = re.compile(r"platform_machine *== *['\"](\w+)['\"]")
# Comes from the system's python3-spidev, because there are no wheels.
_OF_THE_SYSTEM = ("spidev",)
# lgpio, which rpi-lgpio needs, has wheels for these Python versions only; for others it is the system's python3-lgpio.
_LGPIO = {"3.11": "lgpio==0.2.2.0"}
# Our own key in pyvenv.cfg, which Python ignores.
_MARK = "nampedal"


def fill_runtime(
    folder: Path, wheel: Path, python_version: str, machine: str, extras: Collection[str] = EXTRAS
) -> None:
    """Build the runtime from a wheel of nampedal; pip gets the dependencies from its configured index.

    python_version: such as 3.11.
    machine: such as aarch64.
    extras: the extras of nampedal that the pedal has.
    An old folder stays in place until the new one is complete.

    Raises FileAccessError, DeployError, ProgramError.
    """
    check_wheel(wheel, python_version, machine)

    def fill(site: Path) -> None:
        pip = _pip(site, python_version, machine)
        run([*pip, str(wheel)])
        others = extra_requirements(wheel, python_version, machine, extras)
        if others:
            # Without their dependencies: pip would look for wheels that do not exist.
            run([*pip, "--no-deps", *others])

    _build(folder, python_version, wheel_checksum(wheel, python_version, machine, extras), fill)


def copy_runtime(folder: Path, python_version: str, extras: Collection[str] = EXTRAS) -> None:
    """Build the runtime from the environment that runs now. Raises DeployError, FileAccessError.

    extras: the extras of nampedal that the pedal has.
    """
    _check_python(python_version)
    mark = installed_checksum(python_version, extras)
    _build(folder, python_version, mark, lambda site: copy_distributions(site, extras))


def is_up_to_date(folder: Path, mark: str) -> bool:
    """Return True if the runtime in this folder was made from the same source.

    mark: of `wheel_checksum` or `installed_checksum`.
    """
    try:
        return f"{_MARK} = {mark}\n" in (folder / "pyvenv.cfg").read_text()
    except OSError:
        return False


def wheel_checksum(wheel: Path, python_version: str, machine: str, extras: Collection[str] = EXTRAS) -> str:
    """Return a checksum of the wheel, the Python version, the machine and the extras. Raises FileAccessError."""
    try:
        data = wheel.read_bytes()
    except OSError as error:
        raise FileAccessError(f"{wheel}: can't be read: {os_error_text(error)}; name a wheel of nampedal's") from error
    return hashlib.sha256(f"{python_version} {machine} {' '.join(extras)} ".encode() + data).hexdigest()


def installed_checksum(python_version: str, extras: Collection[str] = EXTRAS) -> str:
    """Return a checksum of the installed distributions and the Python version. Raises DeployError."""
    return hashlib.sha256(f"{python_version} {installed_digest(extras)}".encode()).hexdigest()


def check_wheel(wheel: Path, python_version: str, machine: str) -> None:
    """Check that a wheel is for this Python version and machine, by its name alone (PEP 427).

    Raises FileAccessError, DeployError.
    """
    name = _NAME.fullmatch(wheel.name)
    if name is None:
        raise FileAccessError(f"{wheel}: is no wheel of nampedal's; make wheel-aarch64 makes one")
    minor, wanted = int(name["minor"]), int(python_version.partition(".")[2])
    stable = name["abi"] == "abi3"
    fits = wanted == minor or (stable and wanted > minor)
    if not fits or not name["platforms"].endswith(f"_{machine}"):
        newer = " and newer" if stable else ""
        raise DeployError(
            f"{wheel}: is for Python 3.{minor}{newer} and {name['platforms']}; Python {python_version} and "
            f"linux_{machine} are needed: make wheel-{machine} PYTHON=python{python_version}"
        )


def extra_requirements(wheel: Path, python_version: str, machine: str, extras: Collection[str] = EXTRAS) -> list[str]:
    """Return the requirements of the wheel's extras that can be installed as wheels.

    Raises FileAccessError, DeployError.
    """
    found: dict[str, str] = {}
    for line in _metadata(wheel):
        requirement = _REQUIREMENT.fullmatch(line)
        if requirement is None or not set(_EXTRA.findall(requirement["marker"] or "")) & set(extras):
            continue
        machines = _MACHINE.findall(requirement["marker"])
        if requirement["name"] not in _OF_THE_SYSTEM and (not machines or machine in machines):
            found[requirement["name"]] = requirement["wanted"]
    if TFLITE in extras and LITERT not in found:
        raise DeployError(
            f"{wheel}: has no extra '{TFLITE}' with {LITERT} for linux_{machine}; leave --tflite out, or build it anew"
        )
    if "rpi-lgpio" in found and python_version in _LGPIO:
        found["lgpio"] = _LGPIO[python_version]
    return sorted(found.values())


def _metadata(wheel: Path) -> Sequence[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise FileAccessError(f"{wheel}: can't be read as a wheel; build it anew") from error


def _pip(site: Path, python_version: str, machine: str) -> list[str]:
    if shutil.which(sys.executable) is None or not _has_pip():
        raise ProgramError(f"{sys.executable}: has no pip; install the package python3-pip")
    kinds = ["linux", "manylinux2014", *(f"manylinux_2_{minor}" for minor in _GLIBC)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--target", str(site), "--only-binary=:all:", "--implementation", "cp"]
    return [*command, "--python-version", python_version, *(f"--platform={kind}_{machine}" for kind in kinds)]


def _has_pip() -> bool:
    return any((Path(path) / "pip").is_dir() for path in sys.path)


def _check_python(python_version: str) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    if here != python_version:
        raise DeployError(
            f"{sys.prefix}: has Python {here}, and {PYTHON} is {python_version}; run this with {PYTHON}, or name a "
            "wheel with --wheel"
        )


def _build(folder: Path, python_version: str, mark: str, fill: Callable[[Path], None]) -> None:
    """Build the runtime in a folder beside the old one, and replace the old one when all is on the disk."""
    partial, old = (folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old"))
    with convert_os_errors(folder):
        for left in (partial, old):
            remove_tree(left)
        site = partial / "lib" / f"python{python_version}" / "site-packages"
        site.mkdir(parents=True)
        try:
            fill(site)
        except Exception:
            remove_tree(partial)
            raise
        _trim(site)
        _compile(site, partial, python_version)
        (partial / "bin").mkdir()
        (partial / "bin" / "python3").symlink_to(PYTHON)
        text = f"home = {PYTHON.parent}\ninclude-system-site-packages = true\nversion = {python_version}\n"
        (partial / "pyvenv.cfg").write_text(f"{text}{_MARK} = {mark}\n")
        os.sync()
        if folder.exists() or folder.is_symlink():
            folder.rename(old)
        move_into_place(partial, folder)
        remove_tree(old)


def leftovers(folder: Path) -> list[Path]:
    """Return the folders beside the runtime that an interrupted build may have left."""
    return [folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old")]


def _trim(site: Path) -> None:
    """Remove what a pedal does not run, and build paths from the metadata."""
    for name in (*CONVERTER, "bin"):
        remove_tree(site / name)
    for path in site.glob("*.dist-info/direct_url.json"):
        path.unlink()
    for path in sorted(site.glob("*.dist-info/RECORD")):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if _is_there(site, line)))


def _is_there(site: Path, line: str) -> bool:
    name = line.removeprefix('"').split('",' if line.startswith('"') else ",")[0]
    return ".." not in Path(name).parts and (site / name).exists()


def _compile(site: Path, root: Path, python_version: str) -> None:
    """Compile to bytecode if this Python has the target's version: the pedal can't write bytecode there later.

    Bytecode with unchecked hashes is the same for the same sources, whatever their file dates are.
    """
    if python_version == ".".join(map(str, sys.version_info[:2])):
        compileall.compile_dir(
            site,
            quiet=2,
            stripdir=str(root),
            prependdir=str(system_paths.RUNTIME),
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
