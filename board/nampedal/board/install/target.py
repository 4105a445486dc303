"""The system that is made into a pedal: what is asked for, and what is in it. It is read, and nothing of it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board.errors import SettingsUnreadableError
from nampedal.board.install.errors import PythonMissingError
from nampedal.board.settings import reason

# raspios: Raspberry Pi's kernel, firmware and overlays.  debian: Debian's.
BASES = ("raspios", "debian")
OLDEST_PYTHON = (3, 11)
RUNNING = Path("/")
# e_machine of an ELF file (System V ABI; ELF for the Arm 64-bit architecture).
_MACHINES = {62: "x86_64", 183: "aarch64"}
_UNITS = ("usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_USER_UNITS = ("usr/lib/systemd/user",)


@dataclass(frozen=True, slots=True)
class Target:
    """root: the folder with the system; `RUNNING`: the one that runs here.  base: one of `BASES`.

    image: root will be read-only, its config.txt and cmdline.txt are others' affair, and DATA is mounted at boot.
    radio: whether Wi-Fi and Bluetooth stay on.  wheel: of nampedal; None: the environment that this runs in is copied.
    trusted: lines of a list of trusted keys, whose updates the pedal takes.
    units: a folder of systemd units; None: those that are shipped.
    """

    root: Path = RUNNING
    base: str = "raspios"
    image: bool = False
    radio: bool = True
    wheel: Path | None = None
    units: Traversable | None = None
    trusted: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        return self.root.resolve() == RUNNING

    def at(self, path: Path) -> Path:
        """Where a path of the pedal's is from here."""
        return self.root / path.relative_to("/")

    def has_unit(self, name: str) -> bool:
        """A unit of the system's, or a script of the time before systemd. Masks are none."""
        stem, _, kind = name.rpartition(".")
        files = [self.root / folder / name for folder in _UNITS]
        if kind == "service":
            files.append(self.root / "etc/init.d" / stem)
        return any(file.is_file() for file in files)

    def has_user_unit(self, name: str) -> bool:
        """A unit of those that run for whoever logs in."""
        return any((self.root / folder / name).is_file() for folder in _USER_UNITS)

    def groups(self) -> frozenset[str]:
        """By their names."""
        return frozenset(line.split(":")[0] for line in _lines(self.root / "etc/group"))


def base_of(root: Path) -> str:
    """What the system in a root is, as far as can be seen."""
    # Raspberry Pi OS of 64 bit calls itself debian in os-release.
    return "raspios" if (root / "etc/rpi-issue").exists() else "debian"


def suite_of(root: Path) -> str:
    """Debian's name of the release, such as bookworm; "": nobody knows."""
    for line in _lines(root / "etc/os-release"):
        key, _, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip("\"'")
    return ""


def packages_in(root: Path) -> frozenset[str]:
    """What dpkg has installed in a root."""
    found, name = set(), ""
    for line in _lines(root / "var/lib/dpkg/status"):
        key, _, value = line.partition(": ")
        if key == "Package":
            name = value
        elif key == "Status" and value.endswith(" installed"):
            found.add(name)
    return frozenset(found)


def python_of(root: Path) -> str:
    """The version of its /usr/bin/python3, such as 3.11. Raises PythonMissingError."""
    path = root / "usr/bin/python3"
    for _ in range(4):
        version = re.fullmatch(r"python(\d+)\.(\d+)", path.name)
        if version and path.is_file():
            if (int(version[1]), int(version[2])) < OLDEST_PYTHON:
                break
            return f"{version[1]}.{version[2]}"
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    needed = ".".join(map(str, OLDEST_PYTHON))
    raise PythonMissingError(f"{root}: has no /usr/bin/python3 of {needed} or newer; install the package python3")


def machine_of(root: Path) -> str:
    """What its programs are compiled for: aarch64 or x86_64. Raises PythonMissingError."""
    path = root / f"usr/bin/python{python_of(root)}"
    with path.open("rb") as file:
        head = file.read(20)
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little")) if head[:4] == b"\x7fELF" else None
    if machine is None:
        raise PythonMissingError(f"{path}: is no program for {' or '.join(_MACHINES.values())}; install python3 anew")
    return machine


def _lines(path: Path) -> list[str]:
    """None, if it is not there. Raises SettingsUnreadableError."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error
