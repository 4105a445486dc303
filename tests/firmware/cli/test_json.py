"""With --json a command prints one object, whose numbers are those of its text, not rounded."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from nampedal.board.profiles.boards import board_keys
from nampedal.converter.listening import bench as benchmark
from nampedal.firmware.actions import control_socket
from nampedal.firmware.cli.commands import control_command
from nampedal.firmware.cli.main import cli
from nampedal.firmware.cli.shared import print_json
from nampedal.firmware.cli.system_commands import image_command
from nampedal.firmware.engine import artifact
from nampedal.firmware.system.image.image_builder import ImageBuildResult, ImageOptions
from support.makers import nam_maker
from support.rigs.command_tree import all_commands, typed

Run = Callable[..., subprocess.CompletedProcess[str]]
# Commands that print facts which a program could want.
PRINTS_JSON = {
    *("convert", "inspect", "compare", "render", "bench", "boards", "verify", "status", "preset", "level", "latency"),
    *("calibrate", "doctor", "bank list", "card check", "update status", "image build"),
}
# Words of keys that are measured in something have to be followed by it.
MEASURED = re.compile(r"(^|_)(latency|period|gain|level|rate|clock|budget|memory|deadline|peak|noise_floor|size)$")
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of two sizes, its artifact, and a recording."""
    folder = tmp_path_factory.mktemp("json")
    sizes = nam_maker.container((0.5, nam_maker.a1((2, 2), (1, 2))), (1.0, nam_maker.a1((4, 2), (1, 2))))
    nam_maker.write(folder / "amp.nam", sizes)
    tone = 0.3 * np.sin(np.arange(24_000, dtype=np.float32) / 20)
    soundfile.write(folder / "in.wav", tone, 48_000, subtype="FLOAT")
    assert run(folder, "convert amp.nam -o amp.stomp")[0] == 0
    return folder


def run(folder: Path, line: str) -> tuple[int, str]:
    """Return a command's exit code, and what it prints on stdout alone."""
    with chdir(folder):
        done = CliRunner().invoke(cli, line.split(), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


def both(folder: Path, line: str) -> tuple[str, dict[str, Any]]:
    """Return what a command prints, and the object that it prints for programs. Both end with the same exit code."""
    again = " --force" if line.startswith(("convert", "render")) else ""
    code, text = run(folder, line + again)
    json_code, printed = run(folder, f"{line}{again} --json")
    assert json_code == code
    found = json.loads(printed)
    check_shape(found)
    return text, found


def check_shape(found: Any, path: str = "") -> None:
    """The keys are in snake_case and name their units; numbers are numbers."""
    if path == "":
        assert isinstance(found, dict)
    if isinstance(found, dict):
        for key, value in found.items():
            assert SNAKE.fullmatch(key), key
            assert not (isinstance(value, (int, float)) and MEASURED.search(key)), f"{path}{key} has no unit"
            check_shape(value, f"{path}{key}.")
    elif isinstance(found, list):
        for one in found:
            check_shape(one, path)
    elif isinstance(found, str):
        assert not re.fullmatch(r"[-+]?\d+\.\d+( ?[a-zA-Z%]+)?", found), f"{path} is a number as text: {found}"


def test_what_prints_facts_prints_them_for_programs_too() -> None:
    found = {typed(path) for path, one in all_commands() if any("--json" in option.opts for option in one.params)}
    assert found == PRINTS_JSON


def test_numbers_that_json_has_not_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [float("nan"), {"b": float("-inf")}], "c": (1.5,), "d": Path("e") / "f"})
    assert json.loads(capsys.readouterr().out) == {"a": [None, {"b": None}], "c": [1.5], "d": "e/f"}


def test_text_of_files_can_not_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "\x1b[2J\u202e\n"})
    printed = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)
    assert json.loads(printed)["name"] == "\x1b[2J\u202e\n"


def test_boards(folder: Path) -> None:
    text, found = both(folder, "boards")
    assert [one["board"] for one in found["boards"]] == board_keys()
    for line, one in zip(text.splitlines()[1:], found["boards"], strict=True):
        assert line.startswith(one["board"])
        assert f"{one['clock_mhz']}" in line.split()
        assert f"within {one['cost_error_percent']:.0f} %" in line


def test_boards_of_a_capture(folder: Path) -> None:
    text, found = both(folder, "boards amp.nam")
    assert "tier 0 (full)" in text.splitlines()[0]
    for line, one in zip(text.splitlines()[1:], found["boards"], strict=True):
        assert [(tier["tier"], tier["tier_name"]) for tier in one["tiers"]] == [(0, "full"), (1, "smaller")]
        for tier in one["tiers"]:
            assert f"{tier['core_percent']:.1f} % " in line
            assert tier["core_percent"] < tier["core_percent_at_most"]
            assert tier["fits"] == (tier["core_percent_at_most"] <= one["budget_percent"])
        assert line.count("fits") == sum(tier["fits"] for tier in one["tiers"])


def test_inspect(folder: Path) -> None:
    text, found = both(folder, "inspect amp.stomp")
    assert [(tier["tier"], tier["tier_name"]) for tier in found["tiers"]] == [(0, "full"), (1, "smaller")]
    for tier in found["tiers"]:
        label = f"{tier['tier']} ({tier['tier_name']})"
        assert re.search(rf"^{re.escape(label)} .* {tier['parameters']:,} ", text, re.MULTILINE)
        proof = tier["proof"] if tier["tier"] == 0 else tier["likeness"]
        assert re.search(rf"^{re.escape(label)} +{re.escape(format(proof['esr'], '.1e'))} ", text, re.MULTILINE)


@pytest.mark.long
def test_convert(folder: Path) -> None:
    text, found = both(folder, "convert amp.nam -o other.stomp")
    (one,) = found["conversions"]
    assert (one["source"], one["output"], one["format"]) == ("amp.nam", "other.stomp", "stomp")
    assert one["bytes"] == (folder / "other.stomp").stat().st_size
    assert one["source_bytes"] == (folder / "amp.nam").stat().st_size
    assert f"{one['bytes']:,} bytes ({one['source_bytes']:,} as .nam)" in text
    for tier in one["tiers"]:
        said = f"  tier {tier['tier']} ({tier['tier_name']}): ESR {tier['proof']['esr']:.1e} "
        assert said in text
        assert tier["made"] == "as it is"


@pytest.mark.long
def test_convert_for_a_board(folder: Path) -> None:
    line = "convert amp.nam -o fitted.stomp --board zero-2-w --minutes 0 --max-esr 1"
    text, found = both(folder, line)
    (one,) = found["conversions"]
    assert (one["board"], one["cost_status"]) == ("zero-2-w", "estimated")
    assert f"{one['budget_percent']:g} % of a core, periods of {one['period_frames']} frames" in text
    for tier in one["tiers"]:
        verdict = "fits" if tier["fits"] else "does not fit"
        percent = f"{tier['core_percent']:.1f} % (at most {tier['core_percent_at_most']:.1f} %)"
        assert f"{tier['made']}, {percent}, {verdict}" in text


@pytest.mark.long
def test_convert_of_several_tells_of_those_that_fail(folder: Path, tmp_path: Path) -> None:
    nam_maker.write(tmp_path / "good.nam", nam_maker.linear())
    (tmp_path / "bad.nam").write_text("{")
    text, found = both(tmp_path, "convert . -o out/")
    bad, good = found["conversions"]
    assert good["error"] is None
    assert f"{good['bytes']:,} bytes, ESR {good['tiers'][0]['proof']['esr']:.1e}" in text
    assert bad["error"].startswith("failed: bad.nam: ")
    assert bad["error"] in text
    assert run(tmp_path, "convert . -o out/ --force --json")[0] == 1


def test_compare(folder: Path) -> None:
    text, found = both(folder, "compare amp.nam amp.stomp --on in.wav")
    (channel,) = found["channels"]
    assert re.search(rf"^ESR +{re.escape(format(channel['esr'], '.1e'))}$", text, re.MULTILINE)
    assert f"{found['seconds']:.1f} s at {found['sample_rate_hz']:g} Hz" in text


def test_render(folder: Path) -> None:
    text, found = both(folder, "render amp.stomp in.wav out.wav --tier smaller")
    assert text == (
        f"out.wav: {found['seconds']:.1f} s, mono, {found['sample_rate_hz']} Hz, peak {found['peak_dbfs']:+.1f} dBFS\n"
    )
    assert (found["channels"], found["resampled"], found["clips"], found["warnings"]) == (1, False, False, [])


def test_render_of_silence_has_no_peak(folder: Path, tmp_path: Path) -> None:
    nam_maker.write(tmp_path / "amp.nam", nam_maker.linear())
    soundfile.write(tmp_path / "in.wav", np.zeros(100, np.float32), 48_000)
    text, found = both(tmp_path, "render amp.nam in.wav out.wav")
    assert text.endswith(", silent\n")
    assert found["peak_dbfs"] is None


def test_verify(folder: Path, tmp_path: Path) -> None:
    text, found = both(folder, "verify amp.stomp")
    assert found["passed"] is True
    lines = [
        f"amp.stomp: tier {tier['tier']} ({tier['tier_name']}): pass: differs by {tier['deviation']:.1e}, "
        f"{tier['tolerance']:.1e} allowed ({tier['kernels']} kernels)"
        for tier in found["tiers"]
    ]
    assert text.splitlines() == lines
    capture = artifact.read(folder / "amp.stomp")
    wrong = replace(capture, sample_rate=44_100.0)
    (tmp_path / "amp.stomp").write_bytes(artifact.pack(wrong))
    text, found = both(tmp_path, "verify amp.stomp")
    assert "differs by inf" in text
    assert (found["passed"], found["tiers"][0]["passed"], found["tiers"][0]["deviation"]) == (False, False, None)


def test_bench(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "REPEATS", 1)
    _, printed = run(folder, "bench amp.stomp --tier smaller --seconds 0.5 --json")
    found = json.loads(printed)
    check_shape(found)
    assert (found["tier"], found["tier_name"], found["repeats"], found["seconds"]) == (1, "smaller", 1, 0.5)
    assert [one["block_frames"] for one in found["blocks"]] == list(benchmark.BLOCKS)
    for one in found["blocks"]:
        assert 0.0 < one["median_block_us"] <= one["worst_block_us"]
        assert one["deadline_us"] == pytest.approx(1e6 * one["block_frames"] / 48_000)


STATUS = {"preset": "crunch", "wanted": None, "load": {"p99.9": 0.5}}
PRESETS = [{"name": "clean", "ready": True, "error": None}, {"name": "crunch", "ready": False, "error": "gone"}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a pedal is asked that answers from a script."""
    told: list[dict[str, Any]] = []

    def ask(path: Path, request: dict[str, Any], patience_s: float = 1.0) -> dict[str, Any]:
        told.append(request)
        answers: dict[str, dict[str, Any]] = {"status": STATUS, "presets": {"presets": PRESETS}}
        return answers.get(request["do"], {})

    monkeypatch.setattr(control_command, "ask", ask)
    monkeypatch.setattr(control_socket, "ask", ask)
    return told


def test_status_is_what_the_socket_answers(folder: Path, asked: list[dict[str, Any]]) -> None:
    assert json.loads(run(folder, "status --json")[1]) == STATUS


def test_status_that_goes_on_is_a_line_each_time(
    folder: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def enough(_: float) -> None:
        if len(asked) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", enough)
    done = CliRunner().invoke(cli, ["status", "--json", "--watch"], standalone_mode=False)
    assert isinstance(done.exception, (KeyboardInterrupt, click.Abort))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [STATUS] * 3


def test_presets(folder: Path, asked: list[dict[str, Any]]) -> None:
    text, found = both(folder, "preset")
    assert (found["preset"], found["wanted"]) == ("crunch", None)
    assert [(one["number"], one["name"]) for one in found["presets"]] == [(1, "clean"), (2, "crunch")]
    assert text.splitlines() == ["   1 clean: ready", "*  2 crunch: gone"]
    assert "load" not in {one["do"] for one in asked}


@pytest.mark.parametrize(
    ("line", "request_"), [("preset next", {"do": "next"}), ("preset clean", {"do": "load", "preset": "clean"})]
)
def test_a_preset_is_gone_to_before_it_is_told(
    folder: Path, asked: list[dict[str, Any]], line: str, request_: dict[str, Any]
) -> None:
    assert json.loads(run(folder, f"{line} --json")[1])["preset"] == "crunch"
    assert asked[0] == request_


def test_image_build_keeps_what_it_does_out_of_the_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[ImageOptions] = []

    def build(order: ImageOptions, say: Callable[[str], None], *, force: bool) -> ImageBuildResult:
        given.append(order)
        say("making the root")
        (folder / "pedal.img").write_bytes(b"12345")
        return ImageBuildResult((Path("pedal.img"),), 7_000_000)

    monkeypatch.setattr(image_command, "build", build)
    text, found = both(folder, "image build --pedal pi-4-dac-adc -o pedal.img --radio on")
    assert text == "== making the root\npedal.img: 5 bytes\nthe root is 7 MB unpacked\n"
    assert found == {"files": [{"path": "pedal.img", "bytes": 5}], "root_bytes": 7_000_000}
    assert [one.radio for one in given] == [True, True]
