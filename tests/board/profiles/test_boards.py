from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.profiles import boards
from nampedal.board.profiles.boards import Board, Cost, Fact, board_keys, own_folder, read_board, write_board
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import (
    SettingsError,
    SettingsSyntaxError,
    SettingsUnreadableError,
    SettingsUnwritableError,
    SettingValueError,
)
from nampedal.firmware.base.files.toml_schema import to_toml

BOARDS = ["3b-plus", "400", "4b-1.5ghz", "4b-1.8ghz", "5", "500", "cm4", "zero-2-w"]
NUMBERS = ["cores", "clock_mhz", "ram_mib", "period_frames", "budget_percent"]
COST = """
[cost]
status = "estimated"
source = "counted instructions"
kernels = "neon"
error_percent = 12

[cost.nanoseconds]
mac = 0.25
frame = 40
"""


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def profile(root: Path) -> str:
    """Without costs: tests give it their own."""
    return (root / "hw-profiles" / "boards" / "zero-2-w.toml").read_text().partition("\n[cost]")[0]


def test_the_boards_of_the_checkout_are_those_that_are_installed(root: Path) -> None:
    assert board_keys() == BOARDS
    paths = sorted((root / "hw-profiles" / "boards").glob("*.toml"))
    assert [path.stem for path in paths] == BOARDS
    for path in paths:
        assert read_board(path) == read_board(path.stem)


@pytest.mark.parametrize("key", BOARDS)
def test_every_number_of_a_board_names_its_source(key: str) -> None:
    board = read_board(key)
    assert board.key == key
    for name in NUMBERS:
        fact = getattr(board, name)
        assert len(fact.source.split()) > 1
        if name in ("period_frames", "budget_percent"):
            assert fact.status == "chosen"
            assert fact.source.startswith("our choice")
        else:
            assert fact.status == "stated"
            assert fact.source.startswith("raspberrypi/documentation, ")


def test_boards_are_what_their_makers_say() -> None:
    found = {key: read_board(key) for key in BOARDS}
    assert {key: (b.cpu, b.cores.value, b.clock_mhz.value, b.ram_mib.value) for key, b in found.items()} == {
        "zero-2-w": ("Cortex-A53", 4, 1000, 512),
        "3b-plus": ("Cortex-A53", 4, 1400, 1024),
        "4b-1.5ghz": ("Cortex-A72", 4, 1500, 1024),
        "4b-1.8ghz": ("Cortex-A72", 4, 1800, 1024),
        "cm4": ("Cortex-A72", 4, 1500, 1024),
        "400": ("Cortex-A72", 4, 1800, 4096),
        "5": ("Cortex-A76", 4, 2400, 1024),
        "500": ("Cortex-A76", 4, 2400, 8192),
    }


@pytest.mark.parametrize("key", BOARDS)
def test_only_a_cortex_a76_has_half_floats_and_dot_products(key: str) -> None:
    board = read_board(key)
    assert "asimd" in board.features
    assert {"asimdhp", "asimddp"} & set(board.features) == (
        {"asimdhp", "asimddp"} if board.cpu == "Cortex-A76" else set()
    )


def test_a_profile_without_cost_has_none(tmp_path: Path, profile: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(profile)
    assert read_board(path).cost is None


def test_a_cost_is_read_and_its_whole_numbers_stay_whole(tmp_path: Path, profile: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(profile + COST)
    cost = read_board(path).cost
    assert cost == Cost("estimated", "counted instructions", "neon", 12, {"mac": 0.25, "frame": 40})
    assert isinstance(cost.error_percent, int)
    assert isinstance(cost.nanoseconds["frame"], int)


def test_a_users_own_profile_is_found_and_wins_over_ours(profile: str) -> None:
    assert not own_folder().exists()
    write_board(dataclasses.replace(read_board("5"), name="My Pi 5"), own_folder() / "5.toml")
    write_board(dataclasses.replace(read_board("cm4"), name="My own"), own_folder() / "my-box.toml")
    (own_folder() / ".half-written.toml").write_text("na")
    (own_folder() / "notes.txt").write_text("not a profile")
    assert board_keys() == sorted([*BOARDS, "my-box"])
    assert read_board("5").name == "My Pi 5"
    assert read_board("my-box").key == "my-box"
    assert read_board("500").name == "Raspberry Pi 500"


def test_a_profile_that_came_with_the_pedal_wins_over_ours_and_loses_to_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_paths, "PROFILES", tmp_path / "profiles")
    write_board(dataclasses.replace(read_board("5"), name="The pedal's"), tmp_path / "profiles" / "boards" / "5.toml")
    assert read_board("5").name == "The pedal's"
    write_board(dataclasses.replace(read_board("5"), name="My Pi 5"), own_folder() / "5.toml")
    assert read_board("5").name == "My Pi 5"


@pytest.mark.parametrize("value", [None, "", "relative"])
def test_own_profiles_are_in_the_home_folder_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    assert own_folder() == tmp_path / "config" / "nampedal" / "boards"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if value is None:
        monkeypatch.delenv("XDG_CONFIG_HOME")
    else:
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
    assert own_folder() == tmp_path / "home" / ".config" / "nampedal" / "boards"


def test_a_folder_of_own_profiles_that_can_not_be_read_is_named() -> None:
    own_folder().parent.mkdir(parents=True)
    own_folder().symlink_to(own_folder())
    with pytest.raises(SettingsUnreadableError) as caught:
        board_keys()
    assert str(caught.value) == f"{own_folder()}: can't be read: too many levels of symbolic links"


@pytest.mark.parametrize(
    ("asked", "hint"), [("pi-9", ""), ("zero2w", "did you mean zero-2-w? "), ("../boards/5", ""), ("", "")]
)
def test_an_unknown_board_is_refused_with_the_known_ones(asked: str, hint: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        read_board(asked)
    assert str(caught.value) == (
        f"board {asked!r}: is unknown; {hint}known are {', '.join(BOARDS)}; the path of a file has to end in .toml"
    )


KNOWN = "known are name, cpu, features, cores, clock_mhz, ram_mib, period_frames, budget_percent, cost"
FACT = "a table of value, status, source is needed"
COST_TABLE = "a table of status, source, kernels, error_percent, nanoseconds is needed"

WRONG: list[tuple[str, str, type[SettingsError], str]] = [
    ("[clock_mhz]", "[clock]", SettingValueError, "clock: has no unit; clock_mhz is needed"),
    ("[ram_mib]", "[ram]", SettingValueError, "ram: has no unit; ram_mib is needed"),
    ("[period_frames]", "[period]", SettingValueError, "period: has no unit; period_frames is needed"),
    ("[budget_percent]", "[budget]", SettingValueError, "budget: has no unit; budget_percent is needed"),
    ("error_percent = 12", "error = 12", SettingValueError, "cost.error: has no unit; cost.error_percent is needed"),
    ("[clock_mhz]", "[clock_ghz]", SettingValueError, "clock_ghz: is no known key; did you mean clock_mhz?"),
    ('name = "', 'colour = "red"\nname = "', SettingValueError, f"colour: is no known key; {KNOWN}"),
    ('name = "', '"a\\nb" = 1\nname = "', SettingValueError, f"'a\\nb': is no known key; {KNOWN}"),
    ("value = 1000", "value = 1000\nvalues = 1", SettingValueError, "clock_mhz.values: is no known key; did you mean clock_mhz.value?"),
    ("[cost]", "[cost]\nkernel = 1", SettingValueError, "cost.kernel: is no known key; did you mean cost.kernels?"),
    ("[cores]\nvalue = 4", "[cores]", SettingValueError, "cores.value: is missing, and needed"),
    ('cpu = "Cortex-A53"\n', "", SettingValueError, "cpu: is missing, and needed"),
    ('kernels = "neon"\n', "", SettingValueError, "cost.kernels: is missing, and needed"),
    ("value = 1000", "value = 1", SettingValueError, "clock_mhz.value: is 1; a whole number from 100 to 10000 is needed"),
    ("value = 1000", "value = 10001", SettingValueError, "clock_mhz.value: is 10001; a whole number from 100 to 10000 is needed"),
    ("value = 1000", "value = 1e3", SettingValueError, "clock_mhz.value: is 1000.0; a whole number from 100 to 10000 is needed"),
    ("value = 4", "value = 0", SettingValueError, "cores.value: is 0; a whole number from 1 to 64 is needed"),
    ("value = 512", 'value = "512"', SettingValueError, "ram_mib.value: is '512'; a whole number from 64 to 1048576 is needed"),
    ("value = 128", "value = true", SettingValueError, "period_frames.value: is True; a whole number from 8 to 8192 is needed"),
    ("value = 50", "value = 96", SettingValueError, "budget_percent.value: is 96; a whole number from 1 to 95 is needed"),
    ('"chosen"', '"guessed"', SettingValueError, "period_frames.status: is 'guessed'; known are stated, measured, estimated, chosen"),
    ('"chosen"', "[]", SettingValueError, "period_frames.status: is []; known are stated, measured, estimated, chosen"),
    ('name = "Raspberry Pi Zero 2 W"', 'name = " "', SettingValueError, "name: is ' '; one line of text is needed"),
    ('name = "Raspberry Pi Zero 2 W"', 'name = "a\\nb"', SettingValueError, "name: is 'a\\nb'; one line of text is needed"),
    ('cpu = "Cortex-A53"', "cpu = 53", SettingValueError, "cpu: is 53; one line of text is needed"),
    ('"counted instructions"', '""', SettingValueError, "cost.source: is ''; one line of text is needed"),
    ('["fp", ', '["fp simd", ', SettingValueError, "features: 'fp simd' is no name; one of a to z, 0 to 9 and _ is needed"),
    ('["fp", ', "[7, ", SettingValueError, "features: 7 is no name; one of a to z, 0 to 9 and _ is needed"),
    ('"neon"', '"NEON"', SettingValueError, "cost.kernels: 'NEON' is no name; one of a to z, 0 to 9 and _ is needed"),
    ('status = "estimated"', 'status = "chosen"', SettingValueError, "cost.status: is 'chosen'; known are measured, estimated"),
    ("error_percent = 12", "error_percent = -1", SettingValueError, "cost.error_percent: is -1; a number from 0 to 1000 is needed"),
    ("mac = 0.25", "mac = nan", SettingValueError, "cost.nanoseconds.mac: is nan; a number from 0 to 1000000000 is needed"),
    ("mac = 0.25", "mac = inf", SettingValueError, "cost.nanoseconds.mac: is inf; a number from 0 to 1000000000 is needed"),
    ("mac = 0.25", "mac = false", SettingValueError, "cost.nanoseconds.mac: is False; a number from 0 to 1000000000 is needed"),
    ("mac = 0.25", "Mac = 0.25", SettingValueError, "cost.nanoseconds: 'Mac' is no name; one of a to z, 0 to 9 and _ is needed"),
    ("mac = 0.25\nframe = 40\n", "", SettingValueError, "cost.nanoseconds: is {}; a table of one coefficient or more is needed"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error", "text"), WRONG, ids=[f"{old} -> {new}" for old, new, *_ in WRONG])
def test_a_wrong_profile_names_file_key_and_limit(
    tmp_path: Path, profile: str, old: str, new: str, error: type[SettingsError], text: str
) -> None:
    good = profile + COST
    assert old in good
    path = tmp_path / "mine.toml"
    path.write_text(good.replace(old, new, 1))
    with pytest.raises(SettingsError) as caught:
        read_board(path)
    assert str(caught.value) == f"{path}: {text}"
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("cores", f"cores: is 4; {FACT}"),
        ("features", "features: is 4; a list of names is needed"),
        ("cost", f"cost: is 4; {COST_TABLE}"),
    ],
)
def test_a_number_where_more_is_needed_is_refused(tmp_path: Path, profile: str, key: str, text: str) -> None:
    values = tomllib.loads(profile) | {key: 4}
    path = tmp_path / "mine.toml"
    path.write_bytes(to_toml(values))
    with pytest.raises(SettingValueError) as caught:
        read_board(path)
    assert str(caught.value) == f"{path}: {text}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"cpu = \n", "is not TOML: invalid value (at line 1, column 7)"),
        (b'name = "caf\xe9"\n', "is not TOML: it is not UTF-8 (at line 1); save it as UTF-8"),
        (b"x = " + b"[" * 9999, "is not TOML that is read here: it is nested too deeply"),
        (b"x = 1" + b"0" * 9999, "is not TOML that is read here: a number is too long"),
    ],
    ids=["no value", "latin-1", "deep", "long"],
)  # fmt: skip
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(SettingsSyntaxError) as caught:
        read_board(path)
    assert str(caught.value) == f"{path}: {text}"


def test_a_profile_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadableError) as caught:
        read_board(str(tmp_path / "gone.toml"))
    assert str(caught.value) == f"{tmp_path / 'gone.toml'}: can't be read: no such file or directory"
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsUnreadableError) as other:
        read_board(tmp_path / "folder.toml")
    assert str(other.value) == f"{tmp_path / 'folder.toml'}: can't be read: is a directory"


TEXT = st.text(min_size=1).filter(lambda text: bool(text.strip()) and text.isprintable())
NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1)
NANOSECONDS = st.integers(0, boards.MAX_NANOSECONDS) | st.floats(0, boards.MAX_NANOSECONDS)
COSTS = st.builds(
    Cost,
    status=st.sampled_from(boards.COST_STATUSES),
    source=TEXT,
    kernels=NAME,
    error_percent=st.integers(0, boards.MAX_ERROR_PERCENT) | st.floats(0, boards.MAX_ERROR_PERCENT),
    nanoseconds=st.dictionaries(NAME, NANOSECONDS, min_size=1),
)


def facts(name: str) -> st.SearchStrategy[Fact[int]]:
    return st.builds(Fact, st.integers(*boards.LIMITS[name]), st.sampled_from(boards.STATUSES), TEXT)


@given(
    st.builds(
        Board,
        key=st.just("mine"),
        name=TEXT,
        cpu=TEXT,
        features=st.lists(NAME).map(tuple),
        cores=facts("cores"),
        clock_mhz=facts("clock_mhz"),
        ram_mib=facts("ram_mib"),
        period_frames=facts("period_frames"),
        budget_percent=facts("budget_percent"),
        cost=st.none() | COSTS,
    )
)
def test_what_was_written_is_read_back_the_same(tmp_path_factory: pytest.TempPathFactory, board: Board) -> None:
    path = tmp_path_factory.getbasetemp() / "mine.toml"
    write_board(board, path)
    again = read_board(path)
    assert again == board
    assert repr(again) == repr(board)


def test_numbers_of_numpy_are_written_as_numbers(tmp_path: Path) -> None:
    cost = Cost("measured", "a fit", "neon", np.float64(2.5), {"mac": np.float64(0.125)})
    write_board(dataclasses.replace(read_board("5"), cost=cost), tmp_path / "mine.toml")
    assert read_board(tmp_path / "mine.toml").cost == cost


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "two\nlines"}, "name: is 'two\\nlines'; one line of text is needed"),
        ({"name": "\ud83c"}, "is not TOML: it is not UTF-8 (at line 1); save it as UTF-8"),
        ({"cores": Fact(True, "stated", "a source")}, "cores.value: is True; a whole number from 1 to 64 is needed"),
        (
            {"cost": Cost("measured", "a fit", "neon", 1, {"mac": math.nan})},
            "cost.nanoseconds.mac: is nan; a number from 0 to 1000000000 is needed",
        ),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, change: dict[str, object], text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("what was there")
    with pytest.raises(SettingsError) as caught:
        write_board(dataclasses.replace(read_board("5"), **change), path)  # type: ignore[arg-type]
    assert str(caught.value) == f"{path}: {text}"
    assert path.read_text() == "what was there"


def test_a_profile_is_not_written_to_a_file_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnwritableError) as caught:
        write_board(read_board("5"), tmp_path / "mine.txt")
    assert str(caught.value) == f"{tmp_path / 'mine.txt'}: can't be written: the name has to end in .toml"
