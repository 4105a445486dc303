"""The system that is made into a pedal: the chosen options, and facts read from its root. Nothing of it is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.firmware.base.errors import DeployError, SettingsUnreadableError
from nampedal.firmware.base.files.toml_schema import os_error_text

# raspios: kernel, firmware and overlays of Raspberry Pi.
# debian: those of Debian.
BASES = ("raspios", "debian")
OLDEST_PYTHON = (3, 11)
RUNNING = Path("/")
# e_machine of an ELF file -> name of the machine (System V ABI; ELF for the Arm 64-bit architecture).
_MACHINES = {62: "x86_64", 183: "aarch64"}
_UNITS = ("usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_USER_UNITS = ("usr/lib/systemd/user",)


@dataclass(frozen=True, slots=True)
class InstallTarget:
    """The system to install on, and the options of the installation.

    root: the folder with the system; `RUNNING`: the system that runs here.
    base: one of `BASES`.
    image: root will be read-only, config.txt and cmdline.txt are made elsewhere, and system_paths.DATA is mounted at
    boot.
    radio: True if Wi-Fi and Bluetooth stay on.
    wheel: of nampedal; None: the environment that runs now is copied.
    units: a folder of systemd units; None: the shipped ones.
    trusted: lines of a list of trusted keys; the pedal accepts updates that are signed with them.
    tflite: the pedal gets LiteRT, which plays .tflite files.
    """

    root: Path = RUNNING
    base: str = "raspios"
    image: bool = False
    radio: bool = True
    wheel: Path | None = None
    units: Traversable | None = None
    trusted: tuple[str, ...] = ()
    tflite: bool = False

    @property
    def is_running_system(self) -> bool:
        return self.root.resolve() == RUNNING

    def under_root(self, path: Path) -> Path:
        """Return a path of the pedal as seen from this computer."""
        return self.root / path.relative_to("/")

    def has_unit(self, name: str) -> bool:
        """Return True if the system has this unit, or an init script of that name. A mask does not count."""
        stem, _, kind = name.rpartition(".")
        files = [self.root / folder / name for folder in _UNITS]
        if kind == "service":
            files.append(self.root / "etc/init.d" / stem)
        return any(file.is_file() for file in files)

    def has_user_unit(self, name: str) -> bool:
        """Return True if the system has this unit for user sessions."""
        return any((self.root / folder / name).is_file() for folder in _USER_UNITS)

    def groups(self) -> frozenset[str]:
        """Return the names of the system's groups."""
        return frozenset(line.split(":")[0] for line in _lines(self.root / "etc/group"))


def base_of(root: Path) -> str:
    """Return the base of the system in a root, as far as it can be told."""
    # 64-bit Raspberry Pi OS calls itself debian in os-release.
    return "raspios" if (root / "etc/rpi-issue").exists() else "debian"


def suite_of(root: Path) -> str:
    """Return Debian's code name of the release, such as "bookworm"; empty if unknown."""
    for line in _lines(root / "etc/os-release"):
        key, _, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip("\"'")
    return ""


def packages_in(root: Path) -> frozenset[str]:
    """Return the names of the packages that dpkg has installed in a root."""
    found, name = set(), ""
    for line in _lines(root / "var/lib/dpkg/status"):
        key, _, value = line.partition(": ")
        if key == "Package":
            name = value
        elif key == "Status" and value.endswith(" installed"):
            found.add(name)
    return frozenset(found)


def python_of(root: Path) -> str:
    """Return the version of the root's /usr/bin/python3, such as "3.11". Raises DeployError."""
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
    raise DeployError(f"{root}: has no /usr/bin/python3 of {needed} or newer; install the package python3")


def machine_of(root: Path) -> str:
    """Return the machine that the root's programs are compiled for: aarch64 or x86_64. Raises DeployError."""
    path = root / f"usr/bin/python{python_of(root)}"
    with path.open("rb") as file:
        head = file.read(20)
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little")) if head[:4] == b"\x7fELF" else None
    if machine is None:
        raise DeployError(f"{path}: is no program for {' or '.join(_MACHINES.values())}; install python3 anew")
    return machine


def _lines(path: Path) -> list[str]:
    """Return a file's lines; none if it does not exist. Raises SettingsUnreadableError."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error
