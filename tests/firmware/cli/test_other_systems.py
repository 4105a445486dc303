"""What converts captures runs without what only Linux has; what plays live says that it needs Linux.

The commands run here, and their modules see the Python of macOS or Windows (support/other_system). That tests what our
modules use, not those systems: `make test-windows` runs Windows' own Python in Wine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from draw_house import Module, modules
from nampedal.board.profiles import profile_files
from nampedal.firmware.base.errors import ArgumentError, BankError, SettingValueError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.cli import groups
from nampedal.firmware.cli.converter_commands import CAPTURE_COMMANDS, IMAGE_COMMANDS
from nampedal.firmware.cli.groups import EVERYWHERE
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank_file
from support.makers import nam_maker
from support.makers.signing_keys import make_key

Run = Callable[..., str]
SUPPORT = Path(__file__).parents[2] / "support" / "other_system"
PLATFORMS = ("darwin", "win32")
COMMANDS = {one.name: one for one in (*CAPTURE_COMMANDS, *PEDAL_COMMANDS, *IMAGE_COMMANDS)}


def started(platform: str, folder: Path, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    seen = {"PYTHONPATH": str(SUPPORT), "NAMPEDAL_TEST_PLATFORM": platform, "HOME": str(folder), "APPDATA": str(folder)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return subprocess.run(
        [sys.executable, "-m", "nampedal.firmware.cli", *words],
        cwd=folder,
        env={**kept, **seen, **environment},
        capture_output=True,
        encoding="cp1252" if "PYTHONIOENCODING" in environment else "utf-8",
        check=False,
    )


@pytest.fixture(params=PLATFORMS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """A function that runs `nampedal` in tmp_path as on another system, and returns what it prints."""

    def run_there(*words: str | Path, **environment: str) -> str:
        done = started(request.param, tmp_path, *words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run_there


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.a1())


def test_a_capture_is_converted_and_played(run: Run, capture: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dry.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 4800), 48_000)
    run("convert", capture, "-o", "bank/amp.stomp", "--report", "amp.html")
    assert (tmp_path / "amp.html").stat().st_size > 0
    assert "WaveNet" in run("inspect", "bank/amp.stomp")
    assert "pass" in run("verify", "bank/amp.stomp")
    assert "0.1 s, mono" in run("render", "bank/amp.stomp", "dry.wav", "wet.wav")
    assert soundfile.info(tmp_path / "wet.wav").frames == 4800
    assert "ESR" in run("compare", capture, "bank/amp.stomp", "--on", "dry.wav")
    assert "zero-2-w" in run("boards", "bank/amp.stomp")
    assert "plucked notes" in run("bench", "bank/amp.stomp", "--seconds", "0.5")


def test_captures_are_converted_in_processes_of_their_own(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "in").mkdir(exist_ok=True)
        nam_maker.write(tmp_path / "in" / f"{name}.nam", nam_maker.a1())
    assert "two" in run("convert", "in", "-o", "out/", "--jobs", "2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.stomp", "two.stomp"]


def test_a_capture_is_fitted_to_a_board(run: Run, capture: Path) -> None:
    said = run("convert", capture, "-o", "amp.stomp", "--board", "zero-2-w", "--minutes", "0")
    assert "for Raspberry Pi Zero 2 W" in said


def test_a_bank_is_made_signed_and_unpacked(run: Run, capture: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", "ann")
    run("convert", capture, "-o", "amp.stomp")
    run("bank", "new", "mine")
    run("bank", "add", "mine", "amp.stomp")
    assert "1 preset" in run("bank", "list", "mine")
    run("bank", "export", "mine", "-o", "mine.nampedal-bank")
    run("sign", "mine.nampedal-bank", "--key", key)
    run("bank", "trust", f"{key}.pub", "--as", "ann")
    assert "ann" in run("bank", "import", "mine.nampedal-bank", "--as", "theirs")
    assert sorted(path.name for path in (tmp_path / "theirs").iterdir() if path.name[0] != ".") == [
        *("amp.stomp", "amp.toml", "bank.toml")
    ]


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="LiteRT is not installed")
def test_a_tflite_is_written_and_played_in_a_process_of_its_own(run: Run, capture: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dry.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 4800), 48_000)
    run("convert", capture, "-o", "amp.tflite")
    assert "0.1 s, mono" in run("render", "amp.tflite", "dry.wav", "wet.wav")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if name and name not in EVERYWHERE))
def test_what_plays_or_makes_a_pedal_says_that_it_needs_linux(
    name: str, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "sys", SimpleNamespace(platform=platform))
    with pytest.raises(ArgumentError) as caught:
        COMMANDS[name].load().main(["--no-such-option", "amp.stomp"], standalone_mode=False)
    assert str(caught.value) == (
        f"{name}: needs Linux, and runs on a pedal or on a computer with JACK; here captures are converted, played "
        "into files, and put into banks"
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_that_is_one_line(platform: str, tmp_path: Path) -> None:
    done = started(platform, tmp_path, "play", "amp.stomp")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("nampedal: play: needs Linux, ")


def test_commands_that_run_everywhere_exist() -> None:
    assert set(COMMANDS) >= EVERYWHERE


def test_help_is_the_same_on_every_system(tmp_path: Path) -> None:
    texts = {started(platform, tmp_path, "--help").stdout for platform in PLATFORMS}
    here = [sys.executable, "-m", "nampedal.firmware.cli", "--help"]
    assert texts == {subprocess.run(here, capture_output=True, text=True, check=True).stdout}
    assert "This command needs Linux." in started("darwin", tmp_path, "play", "--help").stdout


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_the_console_can_t_write_is_escaped(platform: str, tmp_path: Path) -> None:
    """The names and texts are of files, and Windows' pipes have an encoding of 256 characters."""
    nam_maker.write(tmp_path / "V\u00f6lk\u97f3.nam", nam_maker.a1())
    done = started(platform, tmp_path, "convert", "V\u00f6lk\u97f3.nam", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.startswith("V\u00f6lk\\u97f3.stomp: w8, ")


# ---- names ----


@pytest.fixture
def windows_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_names, "sys", SimpleNamespace(platform="win32"))


OF_NO_FILE = (
    "aux",
    "NUL.wav",
    "cabs/com1.flac",
    "Lpt\u00b9",
    "con .toml",
    "a:b.wav",
    "C:x",
    "who?.nam",
    "x\\y",
    "a.",
    "b ",
)


@pytest.mark.parametrize("name", OF_NO_FILE)
def test_names_that_windows_takes_for_something_else(name: str, windows_names: None) -> None:
    assert not file_names.is_possible(name)


@pytest.mark.parametrize("name", ["amp.stomp", "auxiliary.wav", "com10", "cabs/1x12 (bright).wav", ".x", "\u97f3.nam"])
def test_other_names_are_possible(name: str, windows_names: None) -> None:
    assert file_names.is_possible(name)


@pytest.mark.parametrize("name", OF_NO_FILE)
def test_linux_takes_every_name(name: str) -> None:
    assert file_names.is_possible(name)


def test_a_bank_with_such_a_name_is_refused_before_anything_is_written(windows_names: None, tmp_path: Path) -> None:
    path = tmp_path / "x.nampedal-bank"
    path.write_bytes(bank_file._pack("x", {"aux.wav": b"data", "one.toml": b'format = 1\nname = "one"\n'}))
    with pytest.raises(BankError) as caught:
        bank_file.import_bank(path, tmp_path)
    assert str(caught.value) == (
        f"{path}: manifest.toml: file 1.path: is 'aux.wav', which Windows takes for no file's name; have the file "
        "renamed and the bank exported again"
    )
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(BankError, match=r"'nul' is no name for a bank's folder; give it one with --as$"):
        bank_file.folder_name(path, "nul")


def test_a_preset_with_such_a_name_is_refused(windows_names: None) -> None:
    data = preset.pack(preset.Preset("x", (preset.Nam("c:amp.stomp"),)))
    with pytest.raises(
        SettingValueError, match=r"is 'c:amp\.stomp', which Windows takes for no file's name; rename it$"
    ):
        preset.parse(data, "x.toml")


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "/home/ann/.config/nampedal"),
        ("darwin", {}, "/home/ann/Library/Application Support/nampedal"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/nampedal"),
        ("win32", {"XDG_CONFIG_HOME": "/own"}, "/own/nampedal"),
    ],
)
def test_the_user_s_settings_are_where_the_system_has_them(
    platform: str, environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_files, "sys", SimpleNamespace(platform=platform))
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/ann", **environment}.items():
        monkeypatch.setenv(name, value)
    assert profile_files.config_folder() == Path(folder)


# ---- what the modules name ----


def reached(names: set[str], house: dict[str, Module]) -> set[str]:
    """Return these modules and all that they import, directly or not."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {one for one in house[name].imports if one in house} - found
    return found


def of_the_converter() -> list[Path]:
    house = modules()
    own = {COMMANDS[name].where.partition(":")[0].removeprefix("nampedal.") for name in EVERYWHERE}
    # Imported by their names, or run as programs.
    others = {name for name in house if name.startswith("converter")} | {"firmware.cli.main"}
    # Most of it is the pedal's side, and the commands' side is run above.
    apart = "firmware.actions.control_socket"
    return sorted(house[name].path for name in reached(own | others, house) - {apart})


def test_text_is_read_and_written_as_utf_8(root: Path) -> None:
    """Elsewhere Python's own choice is another encoding."""
    command = [*(sys.executable, "-m", "ruff", "check", "--isolated", "--preview"), *("--select", "PLW1514")]
    command += [str(root / name) for name in ("board", "converter", "firmware")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_converter_uses_only_what_python_has_there(platform: str, root: Path) -> None:
    """Checked by mypy, which knows the functions and constants of the standard library on each system."""
    command = [*(sys.executable, "-m", "mypy"), *("--platform", platform, "--follow-imports", "silent")]
    done = subprocess.run([*command, *of_the_converter()], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
