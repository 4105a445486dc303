"""Folders of presets: which there are, in what order, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from bank_maker import make_bank
from nampedal.board.errors import SettingsError, SettingsUnreadableError, SettingValueError
from nampedal.firmware.bank import (
    Bank,
    Entry,
    banks_in,
    look_at,
    read_any_bank,
    read_bank,
    reordered,
    which,
    write_order,
)
from nampedal.firmware.errors import EmptyBankError, NoSuchPresetError


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return make_bank(tmp_path / "banks" / "rock")


def order(folder: Path, text: str) -> Bank:
    """As read with such a bank.toml."""
    (folder / "bank.toml").write_text(text)
    return read_bank(folder)


def test_a_bank_is_the_presets_of_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", ".hidden.toml", "amp.stomp"):
        (tmp_path / name).touch()
    found = read_bank(tmp_path)
    assert found == Bank(tmp_path, tmp_path.name, (tmp_path / "a.toml", tmp_path / "b.toml"))
    with pytest.raises(SettingsUnreadableError) as gone:
        read_bank(tmp_path / "gone")
    assert str(gone.value) == f"{tmp_path}/gone: can't be read: no such file or directory"
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyBankError) as empty:
        read_bank(tmp_path / "empty")
    assert str(empty.value) == f"{tmp_path}/empty: holds no presets; put at least one .toml there"
    assert read_any_bank(tmp_path / "empty").presets == ()


def test_bank_toml_names_the_bank_and_orders_it_and_is_no_preset(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.toml").touch()
    found = order(tmp_path, 'format = 1\nname = "Rock, loud"\norder = ["c", "gone", "b", "c", "bank"]')
    assert found.name == "Rock, loud"
    assert found.preset_names == ["c", "b", "a", "d"]
    assert found.problem == ""
    assert order(tmp_path, "format = 1") == Bank(tmp_path, tmp_path.name, read_bank(tmp_path).presets)
    assert order(tmp_path, "format = 1").preset_names == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds nothing; restore it from a copy, or remove it"),
        ("order = 1 2", "is not TOML: expected newline or end of document after a statement (at line 1, column 11)"),
        ('format = 1\norder = "lead"', "order: is 'lead'; a list of texts is needed"),
        ("format = 1\nname = 3", "name: is 3; one line of text is needed"),
        ("format = 1\norde = []", "orde: is no known key; did you mean order?"),
        (
            "format = 2\ncolour = 3",
            "format: is 2; it was written by a newer nampedal, and up to 1 is read here: update nampedal",
        ),
    ],
)
def test_a_damaged_bank_toml_takes_the_order_and_nothing_else(bank: Path, text: str, problem: str) -> None:
    found = order(bank, text)
    assert found.preset_names == ["crunch", "lead"]
    assert found.name == "rock"
    assert found.problem == f"{bank}/bank.toml: {problem}; presets are in the order of their names"


def test_an_order_is_written_and_survives_a_torn_file(bank: Path) -> None:
    write_order(reordered(read_bank(bank), ["lead"]))
    assert read_bank(bank).preset_names == ["lead", "crunch"]
    write_order(reordered(read_bank(bank), ["2"]))
    assert read_bank(bank).preset_names == ["crunch", "lead"]
    (bank / "bank.toml").write_bytes(b"")
    found = read_bank(bank)
    assert found.preset_names == ["lead", "crunch"]
    assert found.problem == (
        f"{bank}/bank.toml: holds nothing; restore it from a copy, or remove it; the version before is used"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("format = 1\norde = []", "orde: is no known key; did you mean order?"),
        ("format = 2", "format: is 2; it was written by a newer nampedal, and up to 1 is read here: update nampedal"),
    ],
)
def test_an_order_never_takes_the_place_of_what_can_not_be_read(bank: Path, text: str, problem: str) -> None:
    (bank / "bank.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        write_order(read_bank(bank))
    assert str(caught.value) == f"{bank}/bank.toml: {problem}"
    assert (bank / "bank.toml").read_text() == text


def test_a_name_that_could_not_be_read_back_is_not_written(bank: Path) -> None:
    with pytest.raises(SettingValueError) as caught:
        write_order(Bank(bank, " ", ()))
    assert str(caught.value) == f"{bank}/bank.toml: name: is ' '; one line of text is needed"
    assert not (bank / "bank.toml").exists()


def test_a_preset_is_asked_for_by_name_or_number_and_a_name_comes_first() -> None:
    names = ["crunch", "3", "lead"]
    assert [which(asked, names) for asked in ("lead", "1", "3", "2")] == [2, 0, 1, 1]
    for asked in ("0", "4", "-1", "", "Lead"):
        with pytest.raises(NoSuchPresetError) as caught:
            which(asked, names)
        assert str(caught.value) == f"preset {asked!r}: is not in the bank; there are crunch, 3, lead"


def test_banks_lie_side_by_side_in_one_folder(bank: Path) -> None:
    banks = bank.parent
    make_bank(banks / "blues")
    make_bank(banks / ".rock.partial")
    (banks / "notes").mkdir()
    (banks / "new").mkdir()
    (banks / "new" / "bank.toml").write_text("format = 1")
    assert banks_in(banks) == [banks / "blues", banks / "new", banks / "rock"]


def test_a_look_at_a_bank_tells_what_each_preset_needs(bank: Path) -> None:
    crunch, lead = look_at(read_bank(bank))
    assert crunch.files == ("amp.stomp", "cabs/v30.wav")
    assert lead.files == ("amp.stomp",)
    assert lead.preset is not None
    assert lead.preset.name == "Lead, loud"
    for entry in (crunch, lead):
        assert (entry.missing, entry.problems, entry.warning) == ((), (), "")


def test_a_damaged_preset_stays_in_the_bank_with_its_reason(bank: Path) -> None:
    (bank / "broken.toml").write_bytes(b"\0")
    assert read_bank(bank).preset_names == ["broken", "crunch", "lead"]
    broken, crunch, _ = look_at(read_bank(bank))
    assert broken == Entry(
        bank / "broken.toml",
        problems=(f"{bank}/broken.toml: is not TOML: invalid statement (at line 1, column 1)",),
    )
    assert crunch.problems == ()


def test_files_that_are_missing_or_damaged_are_named(bank: Path) -> None:
    (bank / "cabs" / "v30.wav").unlink()
    (bank / "amp.stomp").write_bytes((bank / "amp.stomp").read_bytes()[:-9])
    crunch, lead = look_at(read_bank(bank))
    assert crunch.missing == ("cabs/v30.wav",)
    assert lead.missing == ()
    (problem,) = lead.problems
    assert problem.startswith(f"{bank}/amp.stomp: ")


def test_a_person_is_told_of_an_edit_and_of_a_torn_preset(bank: Path) -> None:
    path = bank / "lead.toml"
    path.write_bytes(path.read_bytes().replace(b"3.0", b"4.0"))
    lead = look_at(read_bank(bank))[1]
    assert lead.warning == f"{path}: was changed since nampedal wrote it, by hand or by a card that fails"
    assert lead.problems == ()
