"""Folders of presets: which there are, in what order, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import (
    BankError,
    EmptyBankError,
    NoSuchPresetError,
    SettingsError,
    SettingsUnreadableError,
    SettingValueError,
)
from nampedal.firmware.presets.banks.bank import (
    Bank,
    BankEntry,
    banks_in,
    by_name,
    check_all_presets,
    find_bank,
    index_of_preset,
    read_any_bank,
    read_bank,
    reordered,
    write_order,
)
from support.makers.bank_maker import make_bank


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


def test_a_number_counts_places_whatever_presets_are_called() -> None:
    names = ["3", "crunch", "1"]
    assert [index_of_preset(asked, names) for asked in ("crunch", "1", "2", "3", "03")] == [1, 0, 1, 2, 2]
    # A name that is a number has to be said to be a name; any other may be.
    assert [index_of_preset(asked, names) for asked in ("=1", "=3", "=crunch")] == [2, 0, 1]
    assert [index_of_preset(by_name(name), names) for name in names] == [0, 1, 2]
    assert index_of_preset(by_name("=x"), ["x", "=x"]) == 1
    for asked in ("0", "4", "-1", "", "Crunch", "=2", "1.0", "\u0661"):
        with pytest.raises(NoSuchPresetError) as caught:
            index_of_preset(asked, names)
        assert str(caught.value) == f"preset {asked!r}: is not in the bank; there are 3, crunch, 1"


def test_a_number_that_is_a_name_alone_is_told_how_to_be_asked_for() -> None:
    with pytest.raises(NoSuchPresetError) as caught:
        index_of_preset("1959", ["jtm", "1959"])
    assert str(caught.value) == (
        "preset '1959': is not in the bank; there are jtm, 1959; the one that is called 1959 is asked for as '=1959'"
    )


@pytest.mark.parametrize("digits", [7, 5000, 100_000])
def test_a_number_without_end_is_refused_in_one_line(digits: int) -> None:
    with pytest.raises(NoSuchPresetError) as caught:
        index_of_preset("1" * digits, ["crunch"])
    assert str(caught.value) == "preset '111111...': is not in the bank; there are crunch"


def test_a_bank_is_found_by_its_place_by_its_name_and_beside_the_one_that_plays() -> None:
    banks = [Path("2"), Path("1st"), Path("next")]
    found = {
        asked: find_bank(asked, banks, banks[1]).name for asked in ("1", "2", "=2", "1st", "next", "previous", "=next")
    }
    assert found == {"1": "2", "2": "1st", "=2": "2", "1st": "1st", "next": "next", "previous": "2", "=next": "next"}
    with pytest.raises(BankError, match=r"^bank '4': is not there; there are 2, 1st, next$"):
        find_bank("4", banks, banks[1])
    # A bank that is played alone is the first one of one.
    assert find_bank("1", [], Path("live")) == Path("live")
    with pytest.raises(BankError, match=r"^bank '2': there is no other bank; play a folder of several$"):
        find_bank("2", [], Path("live"))


def test_programs_of_a_bank_are_read_and_kept(bank: Path) -> None:
    found = order(bank, 'format = 1\norder = ["lead"]\nprograms = {5 = "lead", 128 = "crunch"}')
    assert found.programs == {5: "lead", 128: "crunch"}
    assert found.problem == ""
    write_order(reordered(found, ["crunch"]))
    again = read_bank(bank)
    assert (again.preset_names, again.programs) == (["crunch", "lead"], {5: "lead", 128: "crunch"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{0 = "lead"}', "programs.0: '0' can't be mapped; a program from 1 to 128 is needed"),
        ('{x = "lead"}', "programs.x: 'x' can't be mapped; a program from 1 to 128 is needed"),
        ("{5 = 3}", "programs.5: is 3; one line of text is needed"),
        ('["lead"]', "programs: is ['lead']; a table of names of presets by program numbers is needed"),
    ],
)
def test_programs_that_can_not_be_are_told(bank: Path, text: str, problem: str) -> None:
    found = order(bank, f"format = 1\nprograms = {text}")
    assert found.problem == f"{bank}/bank.toml: {problem}; presets are in the order of their names"
    assert found.programs == {}


def test_a_program_of_a_preset_that_is_not_there_is_told_and_costs_nothing_else(bank: Path) -> None:
    found = order(bank, 'format = 1\norder = ["lead"]\nprograms = {5 = "leed"}')
    assert found.problem == f"{bank}/bank.toml: programs.5: preset 'leed' is not in the bank; there are lead, crunch"
    assert (found.preset_names, found.programs) == (["lead", "crunch"], {5: "leed"})


def test_banks_lie_side_by_side_in_one_folder(bank: Path) -> None:
    banks = bank.parent
    make_bank(banks / "blues")
    make_bank(banks / ".rock.partial")
    (banks / "notes").mkdir()
    (banks / "new").mkdir()
    (banks / "new" / "bank.toml").write_text("format = 1")
    assert banks_in(banks) == [banks / "blues", banks / "new", banks / "rock"]


def test_a_look_at_a_bank_tells_what_each_preset_needs(bank: Path) -> None:
    crunch, lead = check_all_presets(read_bank(bank))
    assert crunch.files == ("amp.stomp", "cabs/v30.wav")
    assert lead.files == ("amp.stomp",)
    assert lead.preset is not None
    assert lead.preset.name == "Lead, loud"
    for entry in (crunch, lead):
        assert (entry.missing, entry.problems, entry.warning) == ((), (), "")


def test_a_damaged_preset_stays_in_the_bank_with_its_reason(bank: Path) -> None:
    (bank / "broken.toml").write_bytes(b"=")
    assert read_bank(bank).preset_names == ["broken", "crunch", "lead"]
    broken, crunch, _ = check_all_presets(read_bank(bank))
    assert broken == BankEntry(
        bank / "broken.toml",
        problems=(f"{bank}/broken.toml: is not TOML: invalid statement (at line 1, column 1)",),
    )
    assert crunch.problems == ()


def test_files_that_are_missing_or_damaged_are_named(bank: Path) -> None:
    (bank / "cabs" / "v30.wav").unlink()
    (bank / "amp.stomp").write_bytes((bank / "amp.stomp").read_bytes()[:-9])
    crunch, lead = check_all_presets(read_bank(bank))
    assert crunch.missing == ("cabs/v30.wav",)
    assert lead.missing == ()
    (problem,) = lead.problems
    assert problem.startswith(f"{bank}/amp.stomp: ")


def test_a_person_is_told_of_an_edit_and_of_a_torn_preset(bank: Path) -> None:
    path = bank / "lead.toml"
    path.write_bytes(path.read_bytes().replace(b"3.0", b"4.0"))
    lead = check_all_presets(read_bank(bank))[1]
    assert lead.warning == f"{path}: was changed since nampedal wrote it, by hand or by a card that fails"
    assert lead.problems == ()


@pytest.mark.parametrize("kind", [ValueError, RecursionError, OverflowError])
def test_a_bank_whose_own_file_can_not_be_read_for_any_reason_can_be_played(
    tmp_path: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bank.toml").write_text("format = 1\n")
    (tmp_path / "one.toml").write_text("")

    def fail(*args: object) -> None:
        raise kind("of two\nlines")

    monkeypatch.setattr("nampedal.firmware.presets.banks.bank.load_toml", fail)
    bank = read_bank(tmp_path)
    assert bank.preset_names == ["one"]
    said = f"{tmp_path / 'bank.toml'}: can't be read: {kind.__name__}: of two lines"
    assert bank.problem == f"{said}; presets are in the order of their names"
