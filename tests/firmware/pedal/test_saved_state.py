"""Where the player was."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.pedal.saved_state import SavedState, backup_state, read_state, state_path, write_state

ROCK = SavedState(Path("/home/player/banks/rock"), "crunch")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nampedal" / "state.toml"


def test_it_comes_back(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_state(path) is None
    write_state(ROCK, path)
    assert read_state(path) == ROCK
    assert caplog.messages == []


def test_numbers_that_were_not_saved_come_back(path: Path) -> None:
    edited = SavedState(
        ROCK.bank, "crunch", {"crunch": {"1.gain_db": 3.5, "level_db": -6.0}, "lead. 2": {"2.bass": 7.0}}
    )
    write_state(edited, path)
    assert read_state(path) == edited


def test_it_is_in_the_users_folder_of_states_or_where_a_service_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/player")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib")
    assert state_path() == Path("/var/lib/nampedal/state.toml")
    for none in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", none)
        assert state_path() == Path("/home/player/.local/state/nampedal/state.toml")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "holds nothing; restore it from a copy, or remove it"),
        (b"\0" * 90, "is not TOML: it holds zero bytes (at line 1), as a copy that broke off has: copy it again"),
        (b'format = 1\nbank = "/rock"\n', "preset: is missing, and needed"),
        (
            b'format = 1\nbank = "/rock"\npreset = "x"\nedits.x.bass = "loud"\n',
            "edits.x.bass: is 'loud'; a number from -inf to inf is needed",
        ),
        (b'format = 1\nbank = "rock"\npreset = "x"\n', "bank: is 'rock'; a folder is needed, from the root on"),
        (
            b'format = 2\nbank = "/rock"\nlooper = 1\n',
            "format: is 2; it was written by a newer nampedal, and up to 1 is read here: update nampedal",
        ),
    ],
)
def test_a_damaged_one_is_none_and_the_log_says_so(
    path: Path, caplog: pytest.LogCaptureFixture, data: bytes, text: str
) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    assert read_state(path) is None
    assert caplog.messages == [f"{path}: {text}; nothing is restored"]


NEWER = b"format = 99\nlooper = 1\n"


def test_of_one_that_a_newer_version_wrote_what_was_kept_before_counts(
    path: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("INFO")
    kept = tmp_path / "kept.toml"
    write_state(ROCK, path)
    backup_state(path, kept)
    write_state(SavedState(ROCK.bank, "lead"), path)
    assert read_state(path, kept) == SavedState(ROCK.bank, "lead")
    path.write_bytes(NEWER)
    assert read_state(path, kept) == ROCK
    newer = "format: is 99; it was written by a newer nampedal, and up to 1 is read here: update nampedal"
    assert caplog.messages == [f"{path}: {newer}; what was kept before the update is used"]
    kept.write_bytes(NEWER)
    assert read_state(path, kept) is None
    assert caplog.messages[-1] == f"{kept}: {newer}; nothing is restored"


def test_where_there_is_nothing_to_keep_nothing_older_stays(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.toml"
    kept.write_bytes(b"of long ago")
    backup_state(path, kept)
    assert not kept.exists()


def test_of_a_torn_one_the_version_before_counts(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_state(ROCK, path)
    write_state(SavedState(ROCK.bank, "lead"), path)
    path.write_bytes(b"")
    assert read_state(path) == ROCK
    assert caplog.messages == [
        f"{path}: holds nothing; restore it from a copy, or remove it; the version before is used"
    ]


def test_what_could_not_be_read_back_is_not_written(path: Path) -> None:
    with pytest.raises(SettingValueError) as caught:
        write_state(SavedState(Path("rock"), "crunch"), path)
    assert str(caught.value) == f"{path}: bank: is 'rock'; a folder is needed, from the root on"
    assert not path.exists()


def test_a_link_of_the_players_is_not_kept(path: Path, tmp_path: Path) -> None:
    """Root keeps it, and may read more than the player."""
    secret, kept = tmp_path / "secret.toml", tmp_path / "kept.toml"
    secret.write_text("secret = 1")
    path.parent.mkdir()
    path.symlink_to(secret)
    backup_state(path, kept, tmp_path)
    assert not kept.exists()
    backup_state(path, kept)
    assert kept.read_text() == "secret = 1"
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path)
    (tmp_path / "state.toml").write_text("secret = 1")
    backup_state(path, kept, tmp_path)
    assert not kept.exists()
