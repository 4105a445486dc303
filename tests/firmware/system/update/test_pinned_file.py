"""A file that is read twice is the same both times, or the second time says that it is not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, FileAccessError
from nampedal.firmware.system.update.pinned_file import PIECE_BYTES, PinnedFile
from support.rigs.update_rig import pin

SIZE = 2 * PIECE_BYTES + 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.img"
    path.write_bytes(os.urandom(SIZE))
    return path


def test_the_second_pass_gives_what_the_first_gave(path: Path) -> None:
    data = path.read_bytes()
    pinned = PinnedFile(path)
    assert b"".join(pinned.first_pass()) == data
    assert (pinned.size, pinned.sha256) == (SIZE, hashlib.sha256(data).hexdigest())
    for _ in range(2):
        with pinned.second_pass() as file:
            assert file.read(10) == data[:10]
            assert file.read() == data[10:]
            assert file.read(10) == b""


def test_what_was_changed_meanwhile_is_not_given(path: Path) -> None:
    data = bytearray(path.read_bytes())
    pinned = pin(path)
    data[PIECE_BYTES + 5] ^= 1
    path.write_bytes(data)
    with pinned.second_pass() as file:
        assert len(file.read(PIECE_BYTES)) == PIECE_BYTES
        with pytest.raises(DeployError) as caught:
            file.read(1)
    assert str(caught.value) == f"{path}: has changed since it was checked; let nobody write it meanwhile"


def test_what_was_cut_off_or_appended_meanwhile_is_seen_or_not_given(path: Path) -> None:
    data = path.read_bytes()
    pinned = pin(path)
    path.write_bytes(data + b"more")
    with pinned.second_pass() as file, pytest.raises(DeployError):
        file.read()
    path.write_bytes(data[: 2 * PIECE_BYTES])
    with pinned.second_pass() as file, pytest.raises(DeployError):
        file.read()
    # Behind a whole piece nothing is read any more.
    path.write_bytes(data[:PIECE_BYTES])
    pinned = pin(path)
    path.write_bytes(data)
    with pinned.second_pass() as file:
        assert file.read() == data[:PIECE_BYTES]


def test_what_can_not_be_read_is_told_both_times(path: Path) -> None:
    pinned = pin(path)
    path.unlink()
    with pytest.raises(FileAccessError) as missing, pinned.second_pass():
        pass
    assert str(missing.value) == f"{path}: can't be read: no such file or directory"
    os.mkfifo(path)
    with pytest.raises(DeployError) as fifo:
        PinnedFile(path).check_readable()
    assert str(fifo.value) == f"{path}: is no plain file; name the file itself"
