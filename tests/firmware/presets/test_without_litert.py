"""Without the packages of the extra `tflite`, the command line works, and what needs them says so in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.converter.nam import nam_file
from nampedal.converter.tflite.tflite_export import TfliteOptions, export
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Nam, Preset
from support.makers.bank_maker import amp
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status

pytestmark = pytest.mark.long

PLAYED = "is played by LiteRT, which is not installed; pip install 'nampedal[tflite]'"
WRITTEN = "ai-edge-litert: is not installed, and no .tflite can be written without it; pip install 'nampedal[tflite]'"
# Python runs this file at its start, in every process: the modules can't be imported then.
BLOCKED = "import sys\nfor name in {names}: sys.modules[name] = None\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@cache
def tflite() -> bytes:
    """Return what 'nampedal convert' writes, with all that 'inspect' tells."""
    capture = nam_file.read(ROOT / "demo" / "overdriven-amp.nam")
    return export(capture, TfliteOptions("weights", 64, 0, "f32")).data


def block(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCKED.format(names=names))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)


@pytest.fixture
def work(tmp_path: Path, root: Path) -> Path:
    """The folder that commands run in, with a capture in each form and a recording."""
    for name in ("overdriven-amp.nam", "riff.wav"):
        (tmp_path / name).symlink_to(root / "demo" / name)
    (tmp_path / "amp.tflite").write_bytes(tflite())
    (tmp_path / "amp.stomp").write_bytes(amp())
    return tmp_path


@pytest.fixture
def computer(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, on a computer without the extra."""
    block(work / "blocked", monkeypatch, "ai_edge_litert", "tflite_runtime")
    return work


@pytest.fixture
def pedal(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, on a pedal: there is no converter either."""
    block(work / "blocked", monkeypatch, "ai_edge_litert", "tflite_runtime", "nampedal.converter")
    return work


def test_the_packages_are_blocked_in_child_processes_too(computer: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('ai_edge_litert'), u.find_spec('tflite_runtime'))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=computer)
    assert done.stdout == "None None\n"


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize(
    "words",
    [
        *("--version", "--help", "inspect amp.tflite", "inspect amp.stomp", "boards", "bank new rock"),
        "convert overdriven-amp.nam -o new.stomp --precision f32 --no-golden",
        "render amp.stomp riff.wav out.wav",
    ],
)
def test_what_needs_no_litert_works(nampedal: Run, words: str) -> None:
    done = nampedal(*words.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "LiteRT" not in done.stderr


def test_inspect_tells_all_of_a_tflite_but_plays_nothing(nampedal: Run, work: Path, computer: Path) -> None:
    told = json.loads(nampedal("inspect", "amp.tflite", "--json").stdout)
    assert (told["kind"], told["mode"], told["block"]) == ("tflite", "weights", 64)


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("convert overdriven-amp.nam -o new.tflite", WRITTEN),
        ("convert overdriven-amp.nam --format tflite", WRITTEN),
        ("render amp.tflite riff.wav out.wav", f"amp.tflite: {PLAYED}"),
        ("bench amp.tflite --seconds 0.5", f"amp.tflite: {PLAYED}"),
        ("compare overdriven-amp.nam amp.tflite", f"amp.tflite: {PLAYED}"),
        ("compare amp.tflite amp.stomp", f"amp.tflite: {PLAYED}"),
        ("bank add rock amp.tflite", f"amp.tflite: {PLAYED}"),
    ],
)
def test_what_needs_litert_says_what_to_install(nampedal: Run, work: Path, words: str, line: str) -> None:
    assert nampedal("bank", "new", "rock").returncode == 0
    before = sorted(path.name for path in work.rglob("*"))
    done = nampedal(*words.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"nampedal: {line}\n")
    assert sorted(path.name for path in work.rglob("*")) == before


@pytest.mark.usefixtures("pedal")
def test_on_a_pedal_another_line_says_what_helps_there(nampedal: Run) -> None:
    assert nampedal("bank", "new", "rock").returncode == 0
    done = nampedal("bank", "add", "rock", "amp.tflite")
    assert (done.returncode, done.stderr) == (
        2,
        "nampedal: amp.tflite: is played by LiteRT, which is not installed; convert the .nam to a .stomp, or add "
        "--tflite to 'nampedal image build' or 'nampedal install'\n",
    )


def bank(folder: Path) -> Path:
    """Return a bank whose first preset is a .tflite and whose second is an artifact."""
    (folder / "rock").mkdir()
    for name, data in (("a.tflite", tflite()), ("b.stomp", amp())):
        (folder / "rock" / name).write_bytes(data)
        preset.write(Preset(name, (Nam(name),)), folder / "rock" / f"{name[0]}.toml")
    return folder / "rock"


def test_a_preset_with_a_tflite_is_played_live(work: Path, jack_server: JackServer) -> None:
    with playing(jack_server, bank(work), work / "socket") as at:
        assert (status(at)["preset"], status(at)["playing"]) == ("a", True)


@pytest.mark.usefixtures("computer")
def test_without_litert_the_other_presets_are_played(work: Path, jack_server: JackServer) -> None:
    with playing(jack_server, bank(work), work / "socket") as at:
        wait_for(lambda: status(at).get("preset") == "b" and status(at).get("playing"))
        told = {one["name"]: one["error"] for one in ask(at, {"do": "presets"})["presets"]}
        assert told == {"a": f"{work / 'rock' / 'a.tflite'}: {PLAYED}", "b": None}
