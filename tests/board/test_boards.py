from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.boards import STATUSES, board_keys, load_board, read_board
from nampedal.board.errors import (
    ProfileError,
    ProfileKeyError,
    ProfileSyntaxError,
    ProfileUnreadableError,
    ProfileValueError,
    UnknownProfileError,
)

BOARDS = ["3b-plus", "400", "4b-1.5ghz", "4b-1.8ghz", "5", "500", "cm4", "zero-2-w"]


def test_the_boards_of_the_checkout_are_those_that_are_installed(root: Path) -> None:
    assert board_keys() == BOARDS
    assert sorted(path.stem for path in (root / "hw-profiles" / "boards").glob("*.toml")) == BOARDS
    for path in (root / "hw-profiles" / "boards").glob("*.toml"):
        assert load_board(path) == read_board(path.stem)


@pytest.mark.parametrize("key", BOARDS)
def test_every_number_of_a_board_names_its_source(key: str) -> None:
    board = read_board(key)
    assert board.name.startswith("Raspberry Pi ")
    assert board.cores.value == 4
    for fact in (board.cores, board.clock_mhz, board.ram_mib, board.period_frames, board.budget_percent):
        assert fact.status in STATUSES
        assert fact.source
    assert ("asimddp" in board.features) == (board.cpu == "Cortex-A76")


def test_a_zero_2_w_is_what_it_is() -> None:
    board = read_board("zero-2-w")
    assert (board.cpu, board.clock_mhz.value, board.ram_mib.value) == ("Cortex-A53", 1000, 512)
    assert board.clock_mhz.status == "stated"
    assert board.budget_percent.status == "estimated"


def test_an_unknown_board_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownProfileError) as caught:
        read_board("pi-9")
    assert str(caught.value) == f"board 'pi-9': is unknown; known are {', '.join(BOARDS)}"


@pytest.mark.parametrize(
    ("old", "new", "error", "text"),
    [
        ("[clock_mhz]", "[clock]", ProfileKeyError, "clock: is no key of a board's profile; did you mean clock_mhz?"),
        (
            'name = "',
            'colour = "red"\nname = "',
            ProfileKeyError,
            "colour: is no key of a board's profile; known are name, cpu, features, cores, clock_mhz, ram_mib, period_frames, budget_percent",
        ),
        ("[cores]\nvalue = 4", "[cores]", ProfileKeyError, "cores.value: is missing; a board's profile needs it"),
        ('cpu = "Cortex-A53"\n', "", ProfileKeyError, "cpu: is missing; a board's profile needs it"),
        (
            "value = 1000",
            "value = 1",
            ProfileValueError,
            "clock_mhz.value: is 1; a whole number from 100 to 10000 is needed",
        ),
        (
            "value = 1000",
            "value = 1e3",
            ProfileValueError,
            "clock_mhz.value: is 1000.0; a whole number from 100 to 10000 is needed",
        ),
        (
            "value = 64",
            "value = true",
            ProfileValueError,
            "period_frames.value: is True; a whole number from 8 to 8192 is needed",
        ),
        (
            "value = 50",
            "value = 100",
            ProfileValueError,
            "budget_percent.value: is 100; a whole number from 1 to 95 is needed",
        ),
        (
            '"estimated"',
            '"guessed"',
            ProfileValueError,
            "period_frames.status: is 'guessed'; known are stated, measured, estimated",
        ),
        ('["asimd"]', '"asimd"', ProfileValueError, "features: is 'asimd'; a list of names is needed"),
        ('cpu = "Cortex-A53"', "cpu = 53", ProfileValueError, "cpu: is 53; a text is needed"),
        ('cpu = "Cortex-A53"', "cpu = ", ProfileSyntaxError, "is not TOML: invalid value (at line 2, column 7)"),
    ],
)
def test_a_wrong_profile_names_file_key_and_limit(
    root: Path, tmp_path: Path, old: str, new: str, error: type[ProfileError], text: str
) -> None:
    good = (root / "hw-profiles" / "boards" / "zero-2-w.toml").read_text()
    assert old in good
    path = tmp_path / "mine.toml"
    path.write_text(good.replace(old, new, 1))
    with pytest.raises(ProfileError) as caught:
        load_board(path)
    assert str(caught.value) == f"{path}: {text}"
    assert type(caught.value) is error


def test_a_profile_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileUnreadableError) as caught:
        load_board(tmp_path / "gone.toml")
    assert str(caught.value) == f"{tmp_path / 'gone.toml'}: can't be read: no such file or directory"
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(ProfileSyntaxError) as wrong:
        load_board(tmp_path / "latin.toml")
    assert str(wrong.value) == f"{tmp_path / 'latin.toml'}: is not TOML: it is not UTF-8"
