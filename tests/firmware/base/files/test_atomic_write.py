"""What gets its name in one step, and is on the disk before and after."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from nampedal.firmware.base.files.atomic_write import move_into_place, write_atomically


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced and renamed, in order; paths are relative to the test's folder."""
    made: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(file: int) -> None:
        made.append(f"sync {os.path.relpath(os.readlink(f'/proc/self/fd/{file}'), tmp_path)}")
        fsync(file)

    def replaced(source: Path, target: Path) -> None:
        made.append(f"{source.relative_to(tmp_path)} -> {target.relative_to(tmp_path)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    return made


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_is_when_the_call_returns(
    tmp_path: Path, calls: list[str]
) -> None:
    write_atomically(b"new", tmp_path / "a")
    partial = f".a.{os.getpid()}.partial"
    assert calls == [f"sync {partial}", f"{partial} -> a", "sync ."]
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"new")]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_a_file_has_its_permissions_whatever_lay_there(tmp_path: Path, mode: int) -> None:
    left = tmp_path / f".a.{os.getpid()}.partial"
    left.write_bytes(b"something longer")
    left.chmod(0o644)
    before = os.umask(0o077)
    try:
        write_atomically(b"key", tmp_path / "a", mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert (tmp_path / "a").read_bytes() == b"key"


def test_a_file_a_folder_and_a_link_are_moved_by_the_same_steps(tmp_path: Path, calls: list[str]) -> None:
    for name in ("old file", "old link"):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "file").write_bytes(b"new")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_bytes(b"new")
    # A link to nowhere can't be synced, and need not be: its target is in its folder's entry or inode.
    (tmp_path / "link").symlink_to("nowhere")
    move_into_place(tmp_path / "file", tmp_path / "old file")
    move_into_place(tmp_path / "folder", tmp_path / "new folder")
    move_into_place(tmp_path / "link", tmp_path / "old link")
    assert calls == [
        *("sync file", "file -> old file", "sync ."),
        *("sync folder", "folder -> new folder", "sync ."),
        *("link -> old link", "sync ."),
    ]
    assert (tmp_path / "old file").read_bytes() == b"new"
    assert (tmp_path / "new folder" / "inside").read_bytes() == b"new"
    assert os.readlink(tmp_path / "old link") == "nowhere"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left on device"):
            write_atomically(b"new", tmp_path / "a")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"old")]
