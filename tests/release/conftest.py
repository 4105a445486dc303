"""A folder with the files of a release, made once; tests copy it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from make_release import make_release
from support.makers.release_maker import NATIVES, make_image, make_sdist, make_wheel, skip_without_programs
from support.makers.signing_keys import maker

VERSION = "1.2.3"
HISTORY = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-24

- A pedal.

[Unreleased]: https://github.com/nampedal/nampedal/compare/v1.2.3...main
[1.2.3]: https://github.com/nampedal/nampedal/commits/v1.2.3
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "CHANGELOG.md"
    path.write_text(HISTORY)
    return path


def make_packages(folder: Path) -> Path:
    folder.mkdir()
    make_wheel(folder, VERSION)
    make_wheel(folder, VERSION, "cp311-cp311-manylinux_2_28_aarch64")
    make_sdist(folder, VERSION)
    return folder


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with two wheels and a source distribution."""
    return make_packages(tmp_path / "packages")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of two pedals. Skips the test if a program that makes them is missing."""
    skip_without_programs()
    folder = tmp_path_factory.mktemp("images")
    make_image(folder, f"pi-4-dac-adc-{VERSION}", VERSION)
    make_image(folder, f"zero-2-w-codec-zero-{VERSION}", VERSION, "zero-2-w-codec-zero")
    return folder


@pytest.fixture
def unfinished(packages: Path, images: Path) -> Path:
    """All that a release is made of."""
    shutil.copytree(images, packages, dirs_exist_ok=True)
    return packages


@pytest.fixture(scope="session")
def finished_once(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("finished")
    folder = make_packages(work / "release")
    shutil.copytree(images, folder, dirs_exist_ok=True)
    history = work / "CHANGELOG.md"
    history.write_text(HISTORY)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        make_release(folder, maker(), NATIVES, lambda line: None, history=history)
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed release, of the day in the changelog."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return shutil.copytree(finished_once, tmp_path / "finished")
