"""The command line where a board is asked for."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from nampedal.board.profiles.boards import Cost, board_keys, read_board, write_board
from nampedal.converter.listening.test_signals import VALIDATION_LABEL, plucks
from nampedal.firmware.cost.cost_model import TERMS
from support.makers import nam_maker

pytestmark = pytest.mark.long

KNOWN = ", ".join(board_keys())
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.a1((8, 4), (1, 2, 4, 8), seed=3))


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A board on which multiply-adds take long, and nothing else takes time."""
    prices = dict.fromkeys(TERMS, 0.0) | {"planes_macs": 20.0}
    cost = Cost("estimated", "made up for a test", "avx512", 10.0, prices)
    path = tmp_path / "slow.toml"
    write_board(replace(read_board("5"), key="slow", name="A slow board", cost=cost), path)
    return path


def test_convert_tells_what_fits_and_what_it_costs_in_sound(nampedal: Run, amp: Path, slow: Path) -> None:
    done = nampedal(
        "convert", amp, "--board", slow, "--budget", "4", "--period", "64", "--minutes", "0", "--max-esr", "1"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == "  for A slow board: 4 % of a core, periods of 64 frames; costs are estimated"
    assert lines[2].startswith("  tier 0 (full): as it is, ")
    assert lines[2].endswith(" % (at most 9.2 %), does not fit")
    assert lines[3].startswith("  tier 1 (slimmed): pruned to ")
    assert lines[3].endswith(" %), fits")
    assert [line.split(": ESR ")[0] for line in lines if ": ESR " in line] == [
        "  tier 0 (full)",
        "  tier 1 (slimmed)",
        "  tier 2 (lightest)",
    ]
    assert (
        f"  each as stored, measured against the original on {VALIDATION_LABEL}; each figure is that of its worst kind"
        in lines
    )


def test_where_nothing_fits_the_exit_code_is_1_and_nothing_is_written(nampedal: Run, amp: Path, slow: Path) -> None:
    done = nampedal("convert", amp, "--board", slow, "--budget", "0.1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("nampedal: amp.nam: nothing fits 0.1 % of a core of slow (estimated) in periods of ")
    assert len(done.stderr.splitlines()) == 1
    assert not amp.with_suffix(".stomp").exists()


def test_a_folder_is_converted_capture_by_capture_and_a_broken_one_is_told(nampedal: Run, amp: Path) -> None:
    captures = amp.parent / "captures"
    captures.mkdir()
    for name in ("a.nam", "c.nam"):
        (captures / name).write_bytes(amp.read_bytes())
    (captures / "b.nam").write_text("{")
    bank = amp.parent / "bank"
    bank.mkdir()
    for jobs in ("1", "2"):
        done = nampedal("convert", captures, "-o", bank, "--jobs", jobs, "--force", "--precision", "f32")
        assert done.returncode == 1, done.stderr
        rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
        assert [row[0] for row in rows] == ["capture", "a.nam", "b.nam", "c.nam"]
        assert rows[2][1].startswith(f"failed: {captures / 'b.nam'}: ")
        assert sorted(path.name for path in bank.iterdir()) == ["a.stomp", "c.stomp"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("--board", "5", "--format", "tflite"),
            "--board makes a .stomp: a .tflite holds one size. Try 'nampedal convert --help'.",
        ),
        (
            ("--board", "pi-9"),
            f"board 'pi-9': is unknown; known are {KNOWN}; the path of a file has to end in .toml",
        ),
    ],
)
def test_a_mistake_with_a_board_is_one_line(nampedal: Run, amp: Path, arguments: tuple[str, ...], text: str) -> None:
    done = nampedal("convert", amp, *arguments)
    assert done.returncode == 2
    assert done.stderr == f"nampedal: {text}\n"


def test_several_captures_need_a_folder(nampedal: Run, amp: Path) -> None:
    done = nampedal("convert", amp, amp, "-o", "one.stomp")
    assert done.returncode == 2
    assert done.stderr == (
        "nampedal: one.stomp: is no folder; several captures need one. Try 'nampedal convert --help'.\n"
    )
    (amp.parent / "empty").mkdir()
    done = nampedal("convert", "empty")
    assert done.stderr == "nampedal: empty: there is no *.nam in it. Try 'nampedal convert --help'.\n"


def test_boards_lists_every_board(nampedal: Run) -> None:
    done = nampedal("boards")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["board", *board_keys()]


def test_boards_tells_which_tiers_of_a_capture_fit(
    nampedal: Run, amp: Path, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = slow.parent / "config" / "nampedal" / "boards"
    own.mkdir(parents=True)
    slow.rename(own / "slow.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(slow.parent / "config"))
    done = nampedal("boards", amp)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("slow"))
    assert re.search(r" [0-9.]+ % \(at most [0-9.]+ %\) fits ", row) is not None
    assert row.rstrip().endswith("estimated, within 10 %")


def test_several_captures_have_a_report_each(nampedal: Run, amp: Path) -> None:
    (amp.parent / "captures" / "lead").mkdir(parents=True)
    for name in ("a.nam", "lead/b.nam"):
        (amp.parent / "captures" / name).write_bytes(amp.read_bytes())
    soundfile.write(amp.parent / "di.wav", plucks(48_000.0, 1.0), 48_000, "FLOAT")
    options = ("--precision", "f32", "--no-golden", "--listen", "di.wav")
    done = nampedal("convert", "captures", "-o", "bank", "--report", "reports/", *options)
    assert done.returncode == 0, done.stderr
    for name in ("a.html", "lead/b.html"):
        assert "Your own playing: di.wav, 0:00 to 0:01." in (amp.parent / "reports" / name).read_text(encoding="utf-8")
    found = sorted(path.relative_to(amp.parent).as_posix() for path in (amp.parent / "reports").rglob("*.*"))
    assert found == ["reports/a.html", "reports/lead/b.html"]
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"a\.nam +[0-9,]+ bytes, ESR 0\.0e\+00 *", lines[1]) is not None
    assert lines[3].startswith("reports/a.html: the report, ")
    refused = nampedal("convert", "captures", "-o", "bank", "--report", "all.html")
    assert refused.stderr == (
        "nampedal: --report all.html is one file, and there are several captures: name a folder/. "
        "Try 'nampedal convert --help'.\n"
    )
