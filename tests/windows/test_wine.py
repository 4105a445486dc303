"""The converter in Windows' own Python, which runs in Wine: `make test-windows` builds it, and runs these.

It shows that the commands work with Windows' Python and Windows' packages, and what Wine takes for Windows' calls. It
is no proof for Windows itself.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.firmware.engine import inference
from nampedal.firmware.presets.banks import bank_file
from support.makers import nam_maker

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "build" / "windows" / "cp311" / "python.exe"
Run = Callable[..., str]

pytestmark = pytest.mark.skipif(
    not PYTHON.exists() or shutil.which("wine") is None, reason="Windows' Python is not here: make test-windows"
)


def started(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["wine", PYTHON, *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs Windows' nampedal in tmp_path, and returns what it prints."""

    def run_there(*words: str | Path) -> str:
        done = started(tmp_path, "-P", "-m", "nampedal.firmware.cli", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.replace("\r\n", "\n")

    return run_there


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.a1())


def test_it_is_windows_python(tmp_path: Path) -> None:
    done = started(tmp_path, "-c", "import sys; print(sys.platform, sys.version_info[:2])")
    assert done.stdout.split("\n")[0].strip() == "win32 (3, 11)"


def test_a_capture_is_converted_and_played(run: Run, capture: Path, tmp_path: Path) -> None:
    dry = np.random.default_rng(0).uniform(-0.1, 0.1, 48_000).astype(np.float32)
    soundfile.write(tmp_path / "dry.wav", dry, 48_000, subtype="FLOAT")
    run("convert", "amp.nam", "-o", r"bank\amp.stomp", "--report", "amp.html")
    assert b"\r\n" not in (tmp_path / "amp.html").read_bytes()
    assert "WaveNet" in run("inspect", "bank/amp.stomp")
    assert "pass" in run("verify", r"bank\amp.stomp")
    assert "1.0 s, mono" in run("render", "bank/amp.stomp", "dry.wav", "wet.wav")
    assert "ESR" in run("compare", "amp.nam", "bank/amp.stomp", "--on", "dry.wav")
    assert "zero-2-w" in run("boards", "bank/amp.stomp")
    run("convert", "amp.nam", "-o", "bank/amp.stomp", "--force")


def test_the_engine_plays_the_bits_that_it_plays_here(root: Path, tmp_path: Path, run: Run) -> None:
    shutil.copy(root / "demo" / "overdriven-amp.nam", tmp_path / "amp.nam")
    run("convert", "amp.nam", "-o", "amp.stomp", "--precision", "f32")
    dry = np.random.default_rng(0).uniform(-0.3, 0.3, (9600, 1)).astype(np.float32)
    np.save(tmp_path / "dry.npy", dry)
    code = (
        "from pathlib import Path; import numpy as np; from nampedal.firmware.engine import inference as i\n"
        "dry = np.load('dry.npy')\n"
        "for isa in i.isas(): np.save(isa, i.Engine.prepare(Path('amp.stomp'), isa=isa).render(dry))"
    )
    done = started(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    for isa in inference.isas():
        here = inference.Engine.prepare(tmp_path / "amp.stomp", isa=isa).render(dry)
        assert np.array_equal(np.load(tmp_path / f"{isa}.npy"), here), isa


def test_captures_are_converted_in_processes_of_their_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        nam_maker.write(tmp_path / "in" / f"{name}.nam", nam_maker.a1())
    run("convert", "in", "-o", "out/", "--jobs", "2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.stomp", "two.stomp"]


def test_a_bank_is_made_and_unpacked(run: Run, capture: Path, tmp_path: Path) -> None:
    run("convert", "amp.nam", "-o", "amp.stomp")
    run("bank", "new", "mine")
    run("bank", "add", "mine", "amp.stomp")
    run("bank", "export", "mine", "-o", "mine.nampedal-bank")
    run("bank", "import", "mine.nampedal-bank", "--as", "theirs")
    for name in ("amp.stomp", "amp.toml"):
        assert (tmp_path / "theirs" / name).read_bytes() == (tmp_path / "mine" / name).read_bytes()
    # The same bank is the same bytes on every system.
    bank_file.export_bank(tmp_path / "mine", tmp_path / "here.nampedal-bank")
    assert (tmp_path / "here.nampedal-bank").read_bytes() == (tmp_path / "mine.nampedal-bank").read_bytes()


@pytest.mark.parametrize("name", ["aux.wav", "c:x.wav"])
def test_a_bank_with_names_of_no_files_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.nampedal-bank").write_bytes(bank_file._pack("x", {name: b"data"}))
    done = started(tmp_path, "-P", "-m", "nampedal.firmware.cli", "bank", "import", "x.nampedal-bank")
    assert done.returncode == 2
    assert f"is '{name}', which Windows takes for no file's name" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.nampedal-bank"]


def test_names_in_other_alphabets_are_converted(run: Run, tmp_path: Path) -> None:
    nam_maker.write(tmp_path / "V\u00f6lk\u97f3.nam", nam_maker.a1())
    run("convert", "V\u00f6lk\u97f3.nam")
    assert (tmp_path / "V\u00f6lk\u97f3.stomp").exists()
    assert "WaveNet" in run("inspect", "V\u00f6lk\u97f3.stomp")


def test_what_plays_live_says_that_it_needs_linux(tmp_path: Path) -> None:
    done = started(tmp_path, "-P", "-m", "nampedal.firmware.cli", "play", "amp.stomp")
    assert done.returncode == 2
    assert "\nnampedal: play: needs Linux, " in f"\n{done.stderr}"
