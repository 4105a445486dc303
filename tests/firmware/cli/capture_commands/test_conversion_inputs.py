"""Folders and packs of captures are converted as they lie, and no two end up in one file."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.makers import nam_maker

Run = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--precision", "f32", "--no-golden")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A download, unpacked on a Mac."""
    folder = tmp_path / "pack"
    nam = nam_maker.linear() if hasattr(nam_maker, "linear") else nam_maker.a1()
    for name in ("LEAD.NAM", "crunch/1.nam", "lead/1.nam"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nam_maker.write(folder / name, nam)
    for name in ("._clean.nam", "__MACOSX/._x.nam", ".hidden/a.nam", "crunch/.DS_Store", "Thumbs.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7")
    return folder


def stomps(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.stomp"))


def test_a_folder_keeps_its_tree_in_a_folder_that_is_made(nampedal: Run, pack: Path, tmp_path: Path) -> None:
    done = nampedal("convert", "pack", "-o", "new/bank", *QUICK)
    assert done.returncode == 0, done.stderr + done.stdout
    assert stomps(tmp_path / "new" / "bank") == ["LEAD.stomp", "crunch/1.stomp", "lead/1.stomp"]
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "capture",
        "LEAD.NAM",
        "crunch/1.nam",
        "lead/1.nam",
    ]


def test_a_zip_is_converted_as_its_folder_would_be(nampedal: Run, pack: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Pack.ZIP", "w") as archive:
        for path in sorted(pack.rglob("*")):
            archive.write(path, f"pack/{path.relative_to(pack)}")
        archive.writestr("pack/broken.nam", "<html>")
    done = nampedal("convert", "Pack.ZIP", *QUICK)
    assert done.returncode == 1
    assert stomps(tmp_path) == ["Pack/LEAD.stomp", "Pack/crunch/1.stomp", "Pack/lead/1.stomp"]
    assert "failed: Pack.ZIP: broken.nam: is a web page (HTML)" in done.stdout


def test_one_capture_goes_into_a_folder_with_a_slash(nampedal: Run, pack: Path, tmp_path: Path) -> None:
    done = nampedal("convert", "pack/LEAD.NAM", "-o", "bank/", *QUICK)
    assert done.returncode == 0, done.stderr
    assert stomps(tmp_path) == ["bank/LEAD.stomp"]


@pytest.mark.parametrize("names", [("a/1.nam", "b/1.nam"), ("a/Amp.nam", "b/amp.nam"), ("a/é.nam", "b/e\u0301.nam")])
@pytest.mark.parametrize("options", [(), ("--force",)])
def test_two_captures_of_one_target_are_an_error(
    nampedal: Run, tmp_path: Path, names: tuple[str, str], options: tuple[str, ...]
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir()
        nam_maker.write(tmp_path / name, nam_maker.a1())
    done = nampedal("convert", *names, "-o", "out/", *options)
    assert done.returncode == 2
    assert f"{names[0]} and {names[1]} would both be written to {tmp_path}/out/" in done.stderr
    assert "rename one, or convert them apart" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_no_folder(nampedal: Run, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    done = nampedal("convert", "pack", "-o", "out")
    assert done.stderr == "nampedal: out: is no folder; several captures need one. Try 'nampedal convert --help'.\n"
