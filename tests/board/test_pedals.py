"""Whole pedals, as files say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from nampedal.board.errors import (
    NampedalError,
    SettingValueError,
    UnknownBoardError,
    UnknownHatError,
    UnknownPedalError,
)
from nampedal.board.pedals import pedal_keys, read_pedal

PLAIN = {"name": '"Mine"', "board": '"zero-2-w"', "hat": '"codec-zero"'}
LEVEL = '\n[input_full_scale_dbu]\nvalue = 4.5\nstatus = "measured"\nsource = "a multimeter, 1 kHz"\n'


def file(folder: Path, text: str = "", changes: Mapping[str, str | None] = PLAIN) -> Path:
    lines = [f"{key} = {value}\n" for key, value in {**PLAIN, **changes}.items() if value is not None]
    path = folder / "mine.toml"
    path.write_text("".join(lines) + text)
    return path


def test_every_shipped_pedal_is_a_board_and_a_hat_that_are_there() -> None:
    assert {"zero-2-w-codec-zero", "pi-4-dac-adc", "pi-5-serial"} <= set(pedal_keys())
    for key in pedal_keys():
        pedal = read_pedal(key)
        assert pedal.key == key
        assert pedal.hat.guitar_channel.value == 1
        assert pedal.board.cost is not None


def test_what_was_measured_on_the_pedal_counts_before_the_hat(tmp_path: Path) -> None:
    assert read_pedal(file(tmp_path)).input_full_scale_dbu is None
    level = read_pedal(file(tmp_path, LEVEL)).input_full_scale_dbu
    assert level is not None
    assert (level.value, level.status) == (4.5, "measured")
    level = read_pedal(file(tmp_path, changes={"hat": '"hifiberry-dac-adc"'})).input_full_scale_dbu
    assert level is not None
    assert (level.value, level.status) == (8.7, "estimated")


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"hat": '"codec"'}, UnknownHatError, "mine.toml: hat: HAT 'codec': is unknown; did you mean codec-zero?"),
        ({"board": '"zero"'}, UnknownBoardError, "mine.toml: board: board 'zero': is unknown; "),
        ({"hat": "3"}, SettingValueError, "mine.toml: hat: is 3; one line of text is needed"),
        ({"hat": None}, NampedalError, "mine.toml: hat: is missing, and needed"),
        ({"colour": '"red"'}, NampedalError, "mine.toml: colour: is no known key; known are name, board, hat"),
    ],
)
def test_a_damaged_profile_is_refused(
    tmp_path: Path, changes: dict[str, str | None], kind: type[NampedalError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        read_pedal(file(tmp_path, changes=changes))
    assert text in str(caught.value)


def test_an_unknown_pedal_is_named_with_what_there_is() -> None:
    with pytest.raises(UnknownPedalError, match="pedal 'pi-4': is unknown; known are pi-4-dac-adc, "):
        read_pedal("pi-4")
