"""Units: which ones are there, and which are enabled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from nampedal.board import places
from nampedal.board.install.errors import UnitsMissingError
from nampedal.board.install.steps import File, Link
from nampedal.board.install.target import Target
from nampedal.board.install.units import unit_steps
from nampedal.board.pedals import read_pedal
from nampedal.board.profiles import Fact

OURS = "/usr/local/lib/systemd/system"


def test_units_are_copied_and_enabled_as_they_ask_for(target: Target) -> None:
    steps = unit_steps(read_pedal("pi-5-serial"), target)
    files = [str(step.path) for step in steps if isinstance(step, File)]
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


def test_every_unit_that_is_shipped_is_installed(root: Path) -> None:
    steps = unit_steps(read_pedal("pi-5-serial"), Target())
    found = {step.path: step.data for step in steps if isinstance(step, File)}
    shipped = {places.UNITS / path.name: path for path in (root / "systemd").glob("*.service")}
    settings = {places.UNITS.parent / "system.conf.d" / path.name: path for path in root.glob("systemd/*.d/*")}
    assert {place: path.read_bytes() for place, path in (shipped | settings).items()}.items() <= found.items()
    assert len(found) == len(shipped | settings) + 1


def test_jackd_has_the_core_of_the_sound(target: Target) -> None:
    pedal = read_pedal("pi-5-serial")
    path = Path("/etc/systemd/system/nampedal-jack.service.d/nampedal.conf")
    (text,) = (step.data.decode() for step in unit_steps(pedal, target) if isinstance(step, File) and step.path == path)
    assert text.splitlines()[1:] == ["[Service]", "CPUAffinity=3"]
    two = dataclasses.replace(pedal.board, cores=Fact(2, "stated", "here"))
    assert path not in [
        step.path for step in unit_steps(dataclasses.replace(pedal, board=two), target) if isinstance(step, File)
    ]


def test_a_folder_without_the_units_is_a_mistake(target: Target, tmp_path: Path) -> None:
    with pytest.raises(UnitsMissingError) as error:
        unit_steps(read_pedal("pi-5-serial"), dataclasses.replace(target, units=tmp_path / "nowhere"))
    assert str(error.value) == (
        f"{tmp_path / 'nowhere'}: has no nampedal-jack.service; install nampedal anew, from a wheel"
    )
