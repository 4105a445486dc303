"""A file is read whole only as far as its limit; sparse, endless and special ones are refused before that."""

from __future__ import annotations

import errno
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.board.profiles import boards, profile_files, user_calibration
from nampedal.firmware.base.errors import SettingsUnreadableError
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.files.toml_text import MAX_BYTES


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for length in (0, 1, 9, 10):
        path.write_bytes(b"a" * length)
        assert read_bounded(path, 10) == b"a" * length
    path.write_bytes(b"a" * 11)
    with pytest.raises(OSError, match=r"is longer than 10 bytes") as caught:
        read_bounded(path, 10)
    assert caught.value.errno == errno.EFBIG


def test_a_sparse_file_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    with pytest.raises(OSError, match=r"is longer than 4,194,304 bytes"):
        read_bounded(path, MAX_BYTES)
    assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    tracemalloc.stop()


def test_what_never_ends_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="is no plain file"):
            read_bounded(path, 10)
    with pytest.raises(IsADirectoryError):
        read_bounded(tmp_path, 10)


def test_a_file_that_says_it_is_empty_is_read() -> None:
    assert b"VmData" in read_bounded(Path("/proc/self/status"), 1 << 16)


@pytest.mark.parametrize("read", [profile_files.read, boards.read_board], ids=["profile", "board"])
def test_profiles_have_a_limit(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(SettingsUnreadableError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: can't be read: is longer than 4,194,304 bytes"


def test_what_was_measured_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stage.toml"
    monkeypatch.setattr(user_calibration, "calibration_path", lambda name: path)
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(SettingsUnreadableError, match=r"is longer than 4,194,304 bytes$"):
        user_calibration.read_calibration("stage")
