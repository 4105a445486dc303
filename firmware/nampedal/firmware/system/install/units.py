"""Makes the steps for systemd units: the shipped units, the links that enable them, and a pedal's additions to them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from nampedal.board.profiles.pedals import PedalProfile
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.boot_config import audio_core
from nampedal.firmware.system.install.steps.install_tools import run
from nampedal.firmware.system.install.steps.step_types import Link, Step, WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.install.system_files import MASKS

_KINDS = (".service", ".mount", ".path", ".socket", ".target", ".timer")
_JACK = "nampedal-jack.service"
# Configuration of systemd itself; the source folder of the same name is beside the units.
_MANAGER = system_paths.UNITS.parent / "system.conf.d"


def unit_steps(pedal: PedalProfile, target: InstallTarget) -> list[Step]:
    """Return the steps that install and enable the systemd units of a pedal.

    Raises DeployError, ProgramError.
    """
    folder = target.units or resources.files("nampedal.firmware.system") / "systemd"
    units = _units(folder)
    steps: list[Step] = [WholeFile(system_paths.UNITS / name, data) for name, data in units.items()]
    steps += [WholeFile(_MANAGER / entry.name, entry.read_bytes()) for entry in _entries(folder / _MANAGER.name)]
    core = audio_core(pedal)
    if core is not None:
        text = f"# Written by nampedal install: the core that nothing else runs on.\n[Service]\nCPUAffinity={core}\n"
        steps.append(WholeFile(MASKS / f"{_JACK}.d" / "nampedal.conf", text.encode()))
    return [*steps, *_links(units)]


def _units(folder: Traversable) -> dict[str, bytes]:
    found = {}
    for entry in _entries(folder):
        if entry.name.endswith(_KINDS):
            found[entry.name] = entry.read_bytes()
    if _JACK not in found:
        raise DeployError(f"{folder}: has no {_JACK}; install nampedal anew, from a wheel")
    return found


def _entries(folder: Traversable) -> list[Traversable]:
    """Return a folder's entries in the order of their names; none if the folder does not exist."""
    try:
        return sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError:
        return []


def _links(units: Mapping[str, bytes]) -> list[Link]:
    """Return the links that `systemctl enable` makes for the units, in the order of the units.

    systemctl runs on this computer and makes them in an empty root, so a foreign root needs no program of its own, and
    nothing is changed before the plan is carried out.
    Raises ProgramError.
    """
    with tempfile.TemporaryDirectory(prefix="nampedal-units-") as name:
        root = Path(name)
        folder, enabled = (root / path.relative_to("/") for path in (system_paths.UNITS, MASKS))
        folder.mkdir(parents=True)
        for unit, data in units.items():
            (folder / unit).write_bytes(data)
        run(["systemctl", f"--root={root}", "--quiet", "enable", *units])
        links = [path for path in enabled.rglob("*") if path.is_symlink()]
        # The name alone: whether links are absolute is up to systemctl, and all units are in one folder.
        found = [Link(MASKS / path.relative_to(enabled), system_paths.UNITS / path.readlink().name) for path in links]
    return sorted(found, key=lambda link: (list(units).index(link.to.name), link.path))
