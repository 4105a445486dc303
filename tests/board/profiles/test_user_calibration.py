from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.board.profiles.user_calibration import (
    LIMITS,
    UserCalibration,
    calibration_path,
    read_calibration,
    write_calibration,
)
from nampedal.firmware.base.errors import (
    SettingsSyntaxError,
    SettingsUnreadableError,
    SettingsUnwritableError,
    SettingValueError,
)

MINE = UserCalibration(389, 128, 48_000, -0.42, -86.3)
TEXT = """round_trip_frames = 389
period_frames = 128
sample_rate_hz = 48000
loop_gain_db = -0.42
noise_floor_dbfs = -86.3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "nampedal" / "measured"


def test_what_was_measured_is_a_file_of_the_users_own(folder: Path) -> None:
    assert read_calibration("Mine_2-b") is None
    write_calibration("Mine_2-b", MINE)
    assert [path.name for path in folder.iterdir()] == ["Mine_2-b.toml"]
    assert calibration_path("Mine_2-b") == folder / "Mine_2-b.toml"
    assert calibration_path("Mine_2-b").read_text() == TEXT
    assert read_calibration("Mine_2-b") == MINE


def test_without_xdg_it_is_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert calibration_path("mine") == tmp_path / "home" / ".config" / "nampedal" / "measured" / "mine.toml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.builds(
        UserCalibration,
        *(st.integers(*LIMITS[key]) for key in ("round_trip_frames", "period_frames", "sample_rate_hz")),
        *(st.floats(*LIMITS[key]) for key in ("loop_gain_db", "noise_floor_dbfs")),
    )
)
def test_whatever_is_written_reads_back_the_same(measured: UserCalibration) -> None:
    write_calibration("mine", measured)
    assert read_calibration("mine") == measured


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/b", "a.toml", "a\n", "gr\u00fcn"])
def test_a_pedals_name_is_letters_digits_and_two_signs(name: str) -> None:
    for ask in (calibration_path, read_calibration, lambda name: write_calibration(name, MINE)):
        with pytest.raises(SettingValueError) as caught:
            ask(name)
        assert str(caught.value) == f"pedal {name!r}: is no name; one of letters, digits, - and _ is needed"


@pytest.mark.parametrize(
    ("before", "after", "error", "text"),
    [
        ("= 389", "389", SettingsSyntaxError, "is not TOML: expected '=' after a key"),
        ("period_frames = 128\n", "", SettingValueError, "period_frames: is missing, and needed"),
        ("period_frames", "period", SettingValueError, "period: has no unit; period_frames is needed"),
        ("389", "389\nnoise = 1", SettingValueError, "noise: is no known key; known are "),
        ("389", "389.5", SettingValueError, "is 389.5; a whole number from 0 to 1048576 is needed"),
        ("128", "4", SettingValueError, "period_frames: is 4; a whole number from 8 to 8192 is needed"),
        ("48000", "48", SettingValueError, "sample_rate_hz: is 48; a whole number from 8000 to 768000 is needed"),
        ("-0.42", "nan", SettingValueError, "loop_gain_db: is nan; a number from -200 to 200 is needed"),
        ("-86.3", "true", SettingValueError, "noise_floor_dbfs: is True; a number from -200 to 0 is needed"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(
    folder: Path, before: str, after: str, error: type[Exception], text: str
) -> None:
    write_calibration("mine", MINE)
    path = folder / "mine.toml"
    path.write_text(TEXT.replace(before, after))
    with pytest.raises(error) as caught:
        read_calibration("mine")
    assert str(caught.value).startswith(f"{path}: ")
    assert text in str(caught.value)


def test_what_could_not_be_read_back_is_not_written(folder: Path) -> None:
    write_calibration("mine", MINE)
    with pytest.raises(SettingValueError):
        write_calibration("mine", UserCalibration(389, 128, 48_000, -0.42, 12.0))
    assert read_calibration("mine") == MINE
    assert os.listdir(folder) == ["mine.toml"]


def test_a_file_that_can_not_be_read_or_written_is_named(folder: Path) -> None:
    path = folder / "mine.toml"
    path.mkdir(parents=True)
    with pytest.raises(SettingsUnreadableError) as unread:
        read_calibration("mine")
    assert str(unread.value) == f"{path}: can't be read: is a directory"
    with pytest.raises(SettingsUnwritableError) as unwritten:
        write_calibration("mine", MINE)
    assert str(unwritten.value) == f"{path}: can't be written: is a directory"
