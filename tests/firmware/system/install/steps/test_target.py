"""What is seen of a root without running anything of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.steps.debian_packages import missing_packages, packages_for
from nampedal.firmware.system.install.steps.target import (
    InstallTarget,
    base_of,
    machine_of,
    packages_in,
    python_of,
    suite_of,
)
from support.makers.system_maker import make_root, write, write_packages


def test_a_root_says_what_it_is(target: InstallTarget, tmp_path: Path) -> None:
    assert base_of(target.root) == "raspios"
    assert base_of(make_root(tmp_path / "debian", "debian")) == "debian"
    assert suite_of(target.root) == "bookworm"
    assert suite_of(tmp_path) == ""
    assert python_of(target.root) == "3.11"
    assert machine_of(target.root) == "aarch64"


def test_links_of_a_root_are_its_own(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", python="3.13")
    (root / "usr/bin/python3").unlink()
    (root / "usr/bin/python3").symlink_to("/usr/bin/python3.13")
    with pytest.raises(DeployError):
        python_of(root)


@pytest.mark.parametrize("name", ["python3.9", "perl"])
def test_a_root_without_a_python_that_will_do_is_a_mistake(tmp_path: Path, name: str) -> None:
    root = make_root(tmp_path / "root")
    (root / "usr/bin/python3").unlink()
    write(root / "usr/bin" / name, "")
    (root / "usr/bin/python3").symlink_to(name)
    with pytest.raises(DeployError) as error:
        python_of(root)
    assert str(error.value) == f"{root}: has no /usr/bin/python3 of 3.11 or newer; install the package python3"


def test_a_python_for_no_machine_that_is_known_is_a_mistake(target: InstallTarget) -> None:
    python = target.root / "usr/bin/python3.11"
    python.write_text("#!/bin/sh\n")
    with pytest.raises(DeployError) as error:
        machine_of(target.root)
    assert str(error.value) == f"{python}: is no program for x86_64 or aarch64; install python3 anew"


def test_packages_that_are_there_are_those_that_dpkg_has_installed(target: InstallTarget, tmp_path: Path) -> None:
    write_packages(target.root, ["jackd2"])
    assert packages_in(target.root) == {"jackd2"}
    assert packages_in(tmp_path) == frozenset()
    assert "jackd2" not in missing_packages(target)
    assert "alsa-utils" in missing_packages(target)


def test_what_is_needed_depends_on_base_and_suite() -> None:
    assert "python3-lgpio" in packages_for("raspios")
    assert "python3-lgpio" not in packages_for("debian")
    assert "jack-example-tools" in packages_for("debian", "trixie")
    assert "jack-example-tools" not in packages_for("debian", "bookworm")
    assert "openssh-server" in packages_for("raspios")
    assert "openssh-server" not in packages_for("raspios", image=False)
    assert "openssh-client" in packages_for("raspios", image=False)
