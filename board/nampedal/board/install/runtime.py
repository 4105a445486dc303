"""The environment that nampedal runs in: a virtual environment of the system's Python, filled without running it.

It has what a pedal needs, so no converter. What has no wheels is left to the system's packages, which it sees.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from email.parser import HeaderParser
from pathlib import Path
from py_compile import PycInvalidationMode

from nampedal.board import places
from nampedal.board.install.copied import copy_distributions, installed_digest
from nampedal.board.install.errors import (
    RuntimeCopyError,
    ToolMissingError,
    WheelMismatchError,
    WheelUnreadableError,
)
from nampedal.board.install.files import failing_at, remove_tree
from nampedal.board.install.tools import run
from nampedal.board.settings import reason, sync_folder

EXTRA = "pedal"
PYTHON = Path("/usr/bin/python3")
# The newest glibc that wheels may ask for: bookworm's (PEP 600).
_GLIBC = range(17, 37)
_NAME = re.compile(r"nampedal-(?P<version>[^-]+)-cp(?P<python>3\d+)-[^-]+-(?P<platforms>[^-]+)\.whl")
_REQUIREMENT = re.compile(r"(?P<wanted>(?P<name>[A-Za-z0-9._-]+)[^;]*?)\s*(;(?P<marker>.*))?")
_MACHINE = re.compile(r"platform_machine *== *['\"](\w+)['\"]")
# The system's python3-spidev, for which there is no wheel.
_OF_THE_SYSTEM = ("spidev",)
# What rpi-lgpio stands on has wheels for these alone; elsewhere it is the system's python3-lgpio.
_LGPIO = {"3.11": "lgpio==0.2.2.0"}
# A key of pyvenv.cfg that Python does not know.
_MARK = "nampedal"


def fill_runtime(folder: Path, wheel: Path, python_version: str, machine: str) -> None:
    """Anew, from a wheel of nampedal's; what it needs comes from where pip is told to look.

    python_version: as 3.11.  machine: as aarch64.  An old folder stays until the new one is whole.

    Raises WheelUnreadableError, WheelMismatchError, ToolMissingError, ToolFailedError, WritingFailedError.
    """
    check_wheel(wheel, python_version, machine)

    def fill(site: Path) -> None:
        pip = _pip(site, python_version, machine)
        run([*pip, str(wheel)])
        others = extra_requirements(wheel, python_version, machine)
        if others:
            # Without what they need in turn: pip would look for wheels where there are none.
            run([*pip, "--no-deps", *others])

    _build(folder, python_version, wheel_mark(wheel, python_version, machine), fill)


def copy_runtime(folder: Path, python_version: str) -> None:
    """Anew, from the environment that this runs in. Raises RuntimeCopyError, WritingFailedError."""
    _check_python(python_version)
    _build(folder, python_version, copy_mark(python_version), lambda site: copy_distributions(site, EXTRA))


def is_filled(folder: Path, mark: str) -> bool:
    """Whether it is what would be made from that."""
    try:
        return f"{_MARK} = {mark}\n" in (folder / "pyvenv.cfg").read_text()
    except OSError:
        return False


def wheel_mark(wheel: Path, python_version: str, machine: str) -> str:
    """Raises WheelUnreadableError."""
    try:
        data = wheel.read_bytes()
    except OSError as error:
        raise WheelUnreadableError(f"{wheel}: can't be read: {reason(error)}; name a wheel of nampedal's") from error
    return hashlib.sha256(f"{python_version} {machine} ".encode() + data).hexdigest()


def copy_mark(python_version: str) -> str:
    """Raises RuntimeCopyError."""
    return hashlib.sha256(f"{python_version} {installed_digest(EXTRA)}".encode()).hexdigest()


def check_wheel(wheel: Path, python_version: str, machine: str) -> None:
    """By its name alone (PEP 427). Raises WheelUnreadableError, WheelMismatchError."""
    name = _NAME.fullmatch(wheel.name)
    if name is None:
        raise WheelUnreadableError(f"{wheel}: is no wheel of nampedal's; make wheel-aarch64 makes one")
    python = f"{name['python'][0]}.{name['python'][1:]}"
    if python != python_version or not name["platforms"].endswith(f"_{machine}"):
        raise WheelMismatchError(
            f"{wheel}: is for Python {python} and {name['platforms']}; Python {python_version} and linux_{machine} are "
            f"needed: make wheel-{machine} PYTHON=python{python_version}"
        )


def extra_requirements(wheel: Path, python_version: str, machine: str) -> list[str]:
    """What the extra of a pedal wants, of what is had as wheels. Raises WheelUnreadableError."""
    found: dict[str, str] = {}
    for line in _metadata(wheel):
        requirement = _REQUIREMENT.fullmatch(line)
        if requirement is None or not re.search(rf"extra *== *['\"]{EXTRA}['\"]", requirement["marker"] or ""):
            continue
        machines = _MACHINE.findall(requirement["marker"])
        if requirement["name"] not in _OF_THE_SYSTEM and (not machines or machine in machines):
            found[requirement["name"]] = requirement["wanted"]
    if "rpi-lgpio" in found and python_version in _LGPIO:
        found["lgpio"] = _LGPIO[python_version]
    return sorted(found.values())


def _metadata(wheel: Path) -> Sequence[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WheelUnreadableError(f"{wheel}: can't be read as a wheel; build it anew") from error


def _pip(site: Path, python_version: str, machine: str) -> list[str]:
    if shutil.which(sys.executable) is None or not _has_pip():
        raise ToolMissingError(f"{sys.executable}: has no pip; install the package python3-pip")
    kinds = ["linux", "manylinux2014", *(f"manylinux_2_{minor}" for minor in _GLIBC)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--target", str(site), "--only-binary=:all:", "--implementation", "cp"]
    return [*command, "--python-version", python_version, *(f"--platform={kind}_{machine}" for kind in kinds)]


def _has_pip() -> bool:
    return any((Path(path) / "pip").is_dir() for path in sys.path)


def _check_python(python_version: str) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    if here != python_version:
        raise RuntimeCopyError(
            f"{sys.prefix}: has Python {here}, and {PYTHON} is {python_version}; run this with {PYTHON}, or name a "
            "wheel with --wheel"
        )


def _build(folder: Path, python_version: str, mark: str, fill: Callable[[Path], None]) -> None:
    """Beside the old one, which is there until all is on the disk."""
    partial, old = (folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old"))
    with failing_at(folder):
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
        partial.rename(folder)
        sync_folder(folder.parent)
        remove_tree(old)


def leftovers(folder: Path) -> list[Path]:
    """What a cut may have left beside it."""
    return [folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old")]


def _trim(site: Path) -> None:
    """Only what a pedal runs; and the lists of files tell nothing of where they were put together."""
    for name in ("nampedal/converter", "bin"):
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
    """Where this Python can: nobody writes there later. The same for the same sources, whenever they were unpacked."""
    if python_version == ".".join(map(str, sys.version_info[:2])):
        compileall.compile_dir(
            site,
            quiet=2,
            stripdir=str(root),
            prependdir=str(places.RUNTIME),
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
