"""The version: of the tag, wherever the sources come from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CODE = "from scikit_build_core.metadata.setuptools_scm import dynamic_metadata; print(dynamic_metadata('version', {}))"
GIT = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def version(folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SETUPTOOLS_SCM")}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def git(folder: Path, *words: str) -> None:
    subprocess.run([*GIT, *words], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def bare(root: Path, tmp_path: Path) -> Path:
    """A folder of sources without git."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in ("pyproject.toml", ".gitattributes", ".git_archival.txt"):
        shutil.copy(root / name, folder)
    return folder


@pytest.fixture
def clone(bare: Path) -> Path:
    git(bare, "init", "--quiet")
    git(bare, "add", ".")
    git(bare, "commit", "--quiet", "--message", "first")
    return bare


def test_it_is_the_tags(clone: Path) -> None:
    git(clone, "tag", "v1.2.3")
    assert version(clone) == "1.2.3"
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]+", version(clone))


def test_without_a_tag_there_is_one_as_well(clone: Path, bare: Path) -> None:
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", version(clone))


def test_without_git_there_is_one_as_well(bare: Path) -> None:
    assert version(bare) == "0.1.dev0"


def test_a_source_distribution_states_it(bare: Path) -> None:
    (bare / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: nampedal\nVersion: 4.5.6\n")
    assert version(bare) == "4.5.6"


def test_gits_archive_states_it(clone: Path, tmp_path: Path) -> None:
    git(clone, "tag", "v1.2.3")
    git(clone, "archive", "--prefix=archive/", "--output", str(tmp_path / "archive.tar"), "HEAD")
    shutil.unpack_archive(tmp_path / "archive.tar", tmp_path)
    assert version(tmp_path / "archive") == "1.2.3"
