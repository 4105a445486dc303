from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.image import bases, tools
from nampedal.board.image.bases import BASES, Mirrors
from nampedal.board.image.errors import MirrorError, WheelError

OWN = (
    "Packages|Debian|http://near/debian\nContents|Debian|http://far/debian\n"
    "Packages|Debian|http://second/debian\nPackages|Debian-Security|http://near/security\n"
)


def says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(tools, "run", lambda command: text)


def test_the_mirrors_are_this_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, OWN)
    assert bases.root_sources(BASES["debian"], "bookworm", Mirrors()) == [
        "deb http://near/debian bookworm main non-free-firmware",
        "deb http://near/debian bookworm-updates main non-free-firmware",
        "deb http://near/security bookworm-security main non-free-firmware",
    ]


def test_debians_kernel_is_the_newest_with_preempt_rt(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, OWN)
    assert bases.kernel_sources(BASES["debian"], "bookworm", Mirrors()) == [
        "deb http://near/debian trixie main non-free-firmware",
        "deb http://near/debian trixie-backports main non-free-firmware",
    ]


def test_raspberry_pis_archive_goes_beside_debians(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, OWN + "Packages|Raspberry Pi Foundation|http://near/pi\n")
    for sources in (bases.root_sources, bases.kernel_sources):
        assert sources(BASES["raspios"], "trixie", Mirrors())[-1] == "deb http://near/pi trixie main"


def test_a_mirror_that_is_named_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, OWN)
    named = Mirrors("http://mine/debian", "http://mine/pi")
    assert bases.kernel_sources(BASES["raspios"], "bookworm", named) == [
        "deb http://mine/debian bookworm main non-free-firmware",
        "deb http://mine/pi bookworm main",
    ]


def test_no_mirror_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, "")
    with pytest.raises(
        MirrorError, match=r"^image: this computer uses no mirror of Debian; name one with --mirror URL$"
    ):
        bases.root_sources(BASES["debian"], "bookworm", Mirrors())
    says(monkeypatch, OWN)
    expected = "image: this computer uses no mirror of Raspberry Pi's; name one with --pi-mirror, or take --base debian"
    with pytest.raises(MirrorError) as caught:
        bases.root_sources(BASES["raspios"], "bookworm", Mirrors())
    assert str(caught.value) == expected


@pytest.mark.parametrize(("tag", "suite"), [("cp311", "bookworm"), ("cp313", "trixie")])
def test_the_wheel_says_which_debian(tmp_path: Path, tag: str, suite: str) -> None:
    wheel = tmp_path / f"nampedal-0.1.0-{tag}-{tag}-linux_aarch64.whl"
    wheel.touch()
    assert bases.suite_of(wheel) == suite


@pytest.mark.parametrize(
    "name", ["nampedal-0.1.0-cp311-cp311-linux_x86_64.whl", "nampedal-0.1.0-cp312-cp312-linux_aarch64.whl", "numpy.whl"]
)
def test_a_wheel_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(
        WheelError, match=r"is no wheel of nampedal for aarch64 and cp311 or cp313; 'make wheel-aarch64'"
    ):
        bases.suite_of(tmp_path / name)


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match=r"dist: is not there; 'make wheel-aarch64' makes one, in dist/$"):
        bases.suite_of(tmp_path / "dist")
