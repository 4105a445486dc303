from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import suites


@pytest.mark.parametrize(
    ("tags", "suite"),
    [
        ("cp311-cp311-linux_aarch64", "bookworm"),
        ("cp313-cp313-linux_aarch64", "trixie"),
        ("cp311-cp311-manylinux_2_31_aarch64", "bookworm"),
        ("cp312-abi3-manylinux_2_31_aarch64", "trixie"),
    ],
)
def test_the_wheel_says_which_debian(tmp_path: Path, tags: str, suite: str) -> None:
    wheel = tmp_path / f"nampedal-0.1.0-{tags}.whl"
    wheel.touch()
    assert suites.suite_of(wheel) == suite


@pytest.mark.parametrize(
    "name",
    [
        "nampedal-0.1.0-cp311-cp311-linux_x86_64.whl",
        "nampedal-0.1.0-cp312-cp312-linux_aarch64.whl",
        "nampedal-0.1.0-cp314-abi3-linux_aarch64.whl",
        "numpy.whl",
    ],
)
def test_a_wheel_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(
        DeployError, match=r"is no wheel of nampedal for aarch64 and cp311 or cp313; 'make wheel-aarch64'"
    ):
        suites.suite_of(tmp_path / name)


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"dist: is not there; 'make wheel-aarch64' makes one, in dist/$"):
        suites.suite_of(tmp_path / "dist")
