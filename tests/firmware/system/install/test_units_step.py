"""Units: which ones are there, and which are enabled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from nampedal.board.profiles.pedals import read_pedal
from nampedal.board.profiles.profile_files import Fact
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, ProgramError
from nampedal.firmware.system.install.steps.step_types import Link, WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.install.units import unit_steps

OURS = "/usr/local/lib/systemd/system"


def test_units_are_copied_and_enabled_as_they_ask_for(target: InstallTarget) -> None:
    steps = unit_steps(read_pedal("pi-5-serial"), target)
    files = [str(step.path) for step in steps if isinstance(step, WholeFile)]
    assert files == [
        *(f"{OURS}/nampedal-jack.service", f"{OURS}/nampedal-safe.service", f"{OURS}/nampedal.service"),
        "/usr/local/lib/systemd/system.conf.d/nampedal.conf",
        "/etc/systemd/system/nampedal-jack.service.d/nampedal.conf",
    ]
    assert {str(step.path): str(step.to) for step in steps if isinstance(step, Link)} == {
        "/etc/systemd/system/multi-user.target.wants/nampedal-jack.service": f"{OURS}/nampedal-jack.service",
        "/etc/systemd/system/multi-user.target.wants/nampedal.service": f"{OURS}/nampedal.service",
        "/etc/systemd/system/sound.target.wants/nampedal.service": f"{OURS}/nampedal.service",
    }


def test_every_unit_is_enabled_as_systemctl_does_it(target: InstallTarget, tmp_path: Path) -> None:
    """The links are those of the [Install] sections, with continued lines, aliases and units that go along."""
    folder = tmp_path / "more-units"
    folder.mkdir()
    service = "[Service]\nExecStart=/bin/true\n[Install]\n"
    for name, install in (
        ("nampedal-jack", "WantedBy=multi-user.target \\\n   sound.target\nRequiredBy=graphical.target\n"),
        ("nampedal-also", "Also=nampedal-plain.service\nAlias=pedal.service\n# WantedBy=never.target\n"),
        ("nampedal-plain", ""),
    ):
        (folder / f"{name}.service").write_text(service + install)
    steps = unit_steps(read_pedal("pi-5-serial"), dataclasses.replace(target, units=folder))
    assert [(str(step.path), str(step.to)) for step in steps if isinstance(step, Link)] == [
        ("/etc/systemd/system/pedal.service", f"{OURS}/nampedal-also.service"),
        ("/etc/systemd/system/graphical.target.requires/nampedal-jack.service", f"{OURS}/nampedal-jack.service"),
        ("/etc/systemd/system/multi-user.target.wants/nampedal-jack.service", f"{OURS}/nampedal-jack.service"),
        ("/etc/systemd/system/sound.target.wants/nampedal-jack.service", f"{OURS}/nampedal-jack.service"),
    ]


def test_without_systemctl_nothing_is_planned(target: InstallTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProgramError) as error:
        unit_steps(read_pedal("pi-5-serial"), target)
    assert str(error.value) == "systemctl: is not installed here; install it, and run this again"


def test_a_unit_that_systemctl_refuses_is_named(target: InstallTarget, tmp_path: Path) -> None:
    folder = tmp_path / "bad-units"
    folder.mkdir()
    (folder / "nampedal-jack.service").write_text("[Install]\nWantedBy=no unit/at all\n")
    with pytest.raises(ProgramError) as error:
        unit_steps(read_pedal("pi-5-serial"), dataclasses.replace(target, units=folder))
    assert str(error.value).startswith("systemctl --root=")


def test_every_unit_that_is_shipped_is_installed(root: Path) -> None:
    steps = unit_steps(read_pedal("pi-5-serial"), InstallTarget())
    found = {step.path: step.data for step in steps if isinstance(step, WholeFile)}
    shipped = {system_paths.UNITS / path.name: path for path in (root / "systemd").glob("*.service")}
    settings = {system_paths.UNITS.parent / "system.conf.d" / path.name: path for path in root.glob("systemd/*.d/*")}
    assert {place: path.read_bytes() for place, path in (shipped | settings).items()}.items() <= found.items()
    assert len(found) == len(shipped | settings) + 1


def test_jackd_has_the_core_of_the_sound(target: InstallTarget) -> None:
    pedal = read_pedal("pi-5-serial")
    path = Path("/etc/systemd/system/nampedal-jack.service.d/nampedal.conf")
    (text,) = (
        step.data.decode() for step in unit_steps(pedal, target) if isinstance(step, WholeFile) and step.path == path
    )
    assert text.splitlines()[1:] == ["[Service]", "CPUAffinity=3"]
    two = dataclasses.replace(pedal.board, cores=Fact(2, "stated", "here"))
    assert path not in [
        step.path for step in unit_steps(dataclasses.replace(pedal, board=two), target) if isinstance(step, WholeFile)
    ]


def test_a_folder_without_the_units_is_a_mistake(target: InstallTarget, tmp_path: Path) -> None:
    with pytest.raises(DeployError) as error:
        unit_steps(read_pedal("pi-5-serial"), dataclasses.replace(target, units=tmp_path / "nowhere"))
    assert str(error.value) == (
        f"{tmp_path / 'nowhere'}: has no nampedal-jack.service; install nampedal anew, from a wheel"
    )
