"""Fixtures that tests share: the corpus, the demo's audio, native builds, the command line."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

if sys.platform != "win32":
    import fcntl

Audio = NDArray[np.float32]
# A program that is started in the background may ignore Ctrl-C, and so would all that it starts. Tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parent.parent
# Frames of each golden recording that are tested; -1: all. An emulated machine tests only half a second, and only its
# best kernels.
FRAMES = int(os.environ.get("NAMPEDAL_TEST_FRAMES", "-1"))


# Folders and files that take longest.
LONGEST_FOLDERS = {"readme", "fuzz"}
LONGEST = {
    *("test_convert_command", "test_cost_calibration", "test_golden_check", "test_html", "test_inference"),
    *("test_levelling", "test_sizing", "test_tuner"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that at the end no worker of xdist runs one while the others have none."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST_FOLDERS and item.path.stem not in LONGEST)


def corpus_folder() -> Path | None:
    folder = Path(os.environ.get("NAMPEDAL_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if (folder / "golden").is_dir() else None


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A test that runs a command in its own process leaves that command's log handler behind, and its level."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield
    for handler in list(logger.handlers):
        if handler not in handlers and type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    logger.setLevel(level)


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
    """Two seconds of the demo's riff at 48 kHz."""
    return np.asarray(soundfile.read(root / "demo" / "riff.wav", frames=96_000, dtype="float32")[0], np.float32)


def _build(name: str, sanitize: str, *targets: str) -> Path:
    """Build the engine in a folder of that name: all of it, or targets. The compiler is $CXX, or CMake's choice."""
    if sys.platform == "win32":
        pytest.skip("the engine's probes are built on Linux and macOS alone")
    compiler = os.environ.get("CXX", "")
    folder = ROOT / "build" / f"{name}-{Path(compiler).name}" if compiler else ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    # Several processes may run the tests. The first one builds, and the others wait for it.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build_alone(folder, sanitize, targets)


def _build_alone(folder: Path, sanitize: str, targets: tuple[str, ...]) -> Path:
    cmake = shutil.which("cmake")
    assert cmake is not None, "cmake is not installed"
    subprocess.run(
        [
            cmake,
            *("-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"),
            *(
                "-DNAMPEDAL_PYTHON=OFF",
                "-DNAMPEDAL_PROBES=ON",
                "-DNAMPEDAL_LIBRARY=ON",
                "-DNAMPEDAL_WERROR=ON",
                f"-DNAMPEDAL_SANITIZE={sanitize}",
            ),
        ],
        check=True,
        capture_output=True,
    )
    command = [cmake, "--build", str(folder), *(("--target", *targets) if targets else ())]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    # Delete object files of sources that were removed.
    subprocess.run(["ninja", "-C", str(folder), "-t", "cleandead"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def probes() -> Path:
    """The folder of a normal build of the engine and its probes. It is kept between runs."""
    return _build("probes", "")


@pytest.fixture(scope="session")
def sanitized() -> Path:
    """The folder of a build with the address and undefined-behaviour sanitizers."""
    return _build("sanitized", "address,undefined")


@pytest.fixture(scope="session")
def thread_sanitized() -> Path:
    """The folder of a build of what shares memory between threads, with ThreadSanitizer."""
    return _build("thread", "thread", "queue_race_probe", "stage_race_probe")


@pytest.fixture
def nampedal(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs the command line as a user would, in an empty folder."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nampedal.firmware.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300)

    return run
