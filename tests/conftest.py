"""What tests share: the corpus, the demo capture, the programs that run beside Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Audio = NDArray[np.float32]
ROOT = Path(__file__).parent.parent
# Of each golden recording; -1: all. An emulated machine is content with half a second, and its best kernels.
FRAMES = int(os.environ.get("NAMPEDAL_TEST_FRAMES", "-1"))


def corpus_folder() -> Path | None:
    folder = Path(os.environ.get("NAMPEDAL_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if (folder / "golden").is_dir() else None


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = corpus_folder()
    if folder is None:
        pytest.skip("the corpus is not here: set NAMPEDAL_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def golden_input(corpus: Path) -> Audio:
    return np.asarray(soundfile.read(corpus / "golden" / "input.wav", FRAMES, dtype="float32")[0], np.float32)


@pytest.fixture(scope="session")
def guitar(root: Path) -> Audio:
    """Two seconds of the demo's riff, 48 kHz."""
    return np.asarray(soundfile.read(root / "demo" / "riff.wav", frames=96_000, dtype="float32")[0], np.float32)


def _build(folder: Path, sanitize: str) -> Path:
    cmake = shutil.which("cmake")
    assert cmake is not None, "cmake is not installed"
    subprocess.run(
        [
            cmake,
            *("-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"),
            *(
                "-DNAMPEDAL_PYTHON=OFF",
                "-DNAMPEDAL_PROBES=ON",
                "-DNAMPEDAL_WERROR=ON",
                f"-DNAMPEDAL_SANITIZE={sanitize}",
            ),
        ],
        check=True,
        capture_output=True,
    )
    done = subprocess.run([cmake, "--build", str(folder)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    # Objects of sources that are gone.
    subprocess.run(["ninja", "-C", str(folder), "-t", "cleandead"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def probes() -> Path:
    """Folder of a plain build of the engine and its probes, kept between runs."""
    return _build(ROOT / "build" / "probes", "")


@pytest.fixture(scope="session")
def sanitized() -> Path:
    """The same with the address and undefined-behaviour sanitizers."""
    return _build(ROOT / "build" / "sanitized", "address,undefined")


@pytest.fixture
def nampedal(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a person would, in an empty folder."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nampedal.converter.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300)

    return run
