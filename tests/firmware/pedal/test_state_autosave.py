from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.pedal.saved_state import SavedState, read_state
from nampedal.firmware.pedal.state_autosave import QUIET_S, StateAutosave
from support.players.jack_server import wait_for


def at(preset: str) -> SavedState:
    return SavedState(Path("/banks/live"), preset)


def test_where_the_player_is_is_kept_once_nothing_has_changed_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "state.toml"
    keeper = StateAutosave(path, None)
    keeper.update(0.0, at("one"))
    keeper.update(1.0, at("two"))
    keeper.update(1.0 + 0.9 * QUIET_S, at("two"))
    assert not path.exists()
    keeper.update(1.0 + QUIET_S, at("two"))
    wait_for(lambda: path.exists() and read_state(path) == at("two"))
    written = path.stat().st_mtime_ns
    keeper.update(100.0, at("two"))
    keeper.close()
    assert path.stat().st_mtime_ns == written


def test_what_was_not_kept_yet_is_kept_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "state.toml"
    keeper = StateAutosave(path, at("one"))
    keeper.update(0.0, at("two"))
    keeper.close()
    assert read_state(path) == at("two")


def test_a_disk_that_refuses_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    keeper = StateAutosave(tmp_path / "file" / "state.toml", None)
    keeper.update(0.0, at("one"))
    keeper.close()
    assert "state.toml: can't be written: " in caplog.text
