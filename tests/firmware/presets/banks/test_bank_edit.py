"""What goes into a bank is tried first, and nothing that is there is overwritten."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import (
    AlreadyExistsError,
    ArtifactError,
    BankError,
    NampedalError,
    NoSuchPresetError,
    SettingsUnreadableError,
)
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank_edit
from nampedal.firmware.presets.banks.bank import read_any_bank, read_bank, write_order
from nampedal.firmware.presets.banks.bank_edit import Added, Removal, add, carry_out, open_bank, plan_removal
from nampedal.firmware.presets.banks.bank_edit import make_bank as make_new
from nampedal.firmware.presets.preset import Cabinet, Gain, Nam, Preset
from support.makers.bank_maker import amp, make_bank, names, write_cabinet


@pytest.fixture
def rock(tmp_path: Path) -> Path:
    return make_bank(tmp_path / "rock")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """An empty bank."""
    folder = tmp_path / "banks" / "new"
    make_new(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder)}


def test_a_new_bank_is_empty_and_has_a_name(new: Path, tmp_path: Path) -> None:
    assert read_any_bank(new).name == "new"
    assert read_any_bank(new).presets == ()
    make_new(tmp_path / "blues", "Blues, slow")
    assert read_any_bank(tmp_path / "blues").name == "Blues, slow"
    with pytest.raises(AlreadyExistsError) as caught:
        make_new(new)
    assert str(caught.value) == f"{new}: is there already; name a folder that is not"


def test_what_is_no_folder_is_no_bank_to_change(tmp_path: Path) -> None:
    with pytest.raises(BankError) as caught:
        open_bank(tmp_path / "gone")
    assert str(caught.value) == (f"{tmp_path}/gone: is no folder; make a bank with 'nampedal bank new {tmp_path}/gone'")


def test_an_artifact_brings_a_preset_that_plays_it_and_may_come_twice(rock: Path, new: Path) -> None:
    assert add(new, [rock / "amp.stomp"]) == [Added("amp.stomp", "artifact", True), Added("amp.toml", "preset", True)]
    assert preset.read(new / "amp.toml") == Preset("amp", (Nam("amp.stomp"),))
    preset.write(Preset("Mine", (Gain(), Nam("amp.stomp"))), new / "amp.toml")
    assert add(new, [rock / "amp.stomp"]) == [Added("amp.stomp", "artifact", False)]
    assert preset.read(new / "amp.toml").name == "Mine"


def test_a_preset_brings_the_files_that_it_names_and_keeps_what_was_written_beside(rock: Path, new: Path) -> None:
    path = rock / "crunch.toml"
    path.write_bytes(b"# the one for the chorus\n" + path.read_bytes())
    assert add(new, [path]) == [
        Added("amp.stomp", "artifact", True),
        Added("cabs/v30.wav", "impulse response", True),
        Added("crunch.toml", "preset", True),
    ]
    assert (new / "cabs" / "v30.wav").read_bytes() == (rock / "cabs" / "v30.wav").read_bytes()
    assert preset.read(new / "crunch.toml") == preset.read(path)
    assert b"# the one for the chorus\n" in (new / "crunch.toml").read_bytes()
    assert [one.new for one in add(new, [path])] == [False, False, False]


def test_an_impulse_response_comes_alone(rock: Path, new: Path) -> None:
    assert add(new, [rock / "cabs" / "v30.wav"]) == [Added("v30.wav", "impulse response", True)]


def test_what_lies_in_the_bank_already_is_added_to_it(rock: Path) -> None:
    assert add(rock, [rock / "amp.stomp"]) == [Added("amp.stomp", "artifact", False), Added("amp.toml", "preset", True)]


def wrong(folder: Path, name: str) -> Path:
    """A file that no bank takes, in a folder of its own."""
    path = folder / "wrong" / name
    path.parent.mkdir()
    if path.suffix == ".stomp":
        path.write_bytes(amp() if name in ("bank.stomp", ".amp.stomp", "crunch.stomp") else b"STMP")
    elif path.suffix == ".toml":
        preset.write(Preset("x", (Cabinet("a.wav", second_impulse_response="b.wav"),)), path)
    else:
        path.write_bytes(b"nothing")
    return path


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        (
            "amp.nam",
            BankError,
            "amp.nam: is a capture that is not converted yet; make an artifact of it with 'nampedal convert'",
        ),
        ("amp.tflite", ArtifactError, "amp.tflite: is no TensorFlow Lite model; a .tflite has TFL3 at byte 4"),
        (
            "x.nampedal-bank",
            BankError,
            "x.nampedal-bank: is a whole bank; unpack it with 'nampedal bank import'",
        ),
        ("amp.stomp", NampedalError, "amp.stomp: "),
        ("cab.wav", NampedalError, "cab.wav: can't be read as audio: "),
        ("two.toml", BankError, "two.toml: can't be played: a.wav is missing; b.wav is missing"),
        ("bank.toml", BankError, "bank.toml: a preset can't be called 'bank'; rename it"),
        ("bank.stomp", BankError, "bank.toml: a preset can't be called 'bank'; rename it"),
        (".amp.stomp", BankError, ".amp.toml: a preset can't be called '.amp'; rename it"),
        ("crunch.stomp", AlreadyExistsError, "crunch.toml: is there already, and another; rename one of them"),
    ],
)
def test_what_does_not_belong_there_is_named_and_nothing_is_written(
    rock: Path, tmp_path: Path, name: str, error: type[Exception], text: str
) -> None:
    before = contents(rock)
    good = tmp_path / "good.wav"
    write_cabinet(good)
    path = wrong(tmp_path, name)
    with pytest.raises(error) as caught:
        add(rock, [good, path])
    where, _, said = str(caught.value).partition("/wrong/" if "/wrong/" in str(caught.value) else "/rock/")
    assert where == str(tmp_path)
    assert said.startswith(text)
    assert "\n" not in said
    assert contents(rock) == before


def test_two_files_of_one_name_are_two_files(rock: Path, new: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "v30.wav"
    write_cabinet(other)
    other.write_bytes(other.read_bytes()[:-20] + bytes(range(20)))
    with pytest.raises(AlreadyExistsError) as caught:
        add(new, [rock / "cabs" / "v30.wav", other])
    assert str(caught.value) == f"{new}/v30.wav: is there already, and another; rename one of them"
    assert names(new) == ["bank.toml"]


def test_a_preset_goes_with_the_files_that_nothing_else_names(rock: Path) -> None:
    removal = plan_removal(read_bank(rock), "crunch")
    assert removal == Removal(rock / "crunch.toml", (rock / "cabs" / "v30.wav",))
    carry_out(removal)
    assert names(rock) == ["amp.stomp", "lead.toml"]
    preset.write(preset.read(rock / "lead.toml"), rock / "lead.toml")
    carry_out(plan_removal(read_bank(rock), "1"))
    assert list(rock.rglob("*")) == [rock / "cabs"]
    with pytest.raises(NoSuchPresetError) as caught:
        plan_removal(open_bank(rock), "lead")
    assert str(caught.value) == "preset 'lead': is not in the bank, which has none"


def test_a_presets_programs_go_with_it(rock: Path) -> None:
    write_order(replace(read_bank(rock), programs={5: "crunch", 6: "lead", 7: "crunch"}))
    removal = plan_removal(read_bank(rock), "crunch")
    assert removal.programs == [5, 7]
    carry_out(removal)
    found = read_bank(rock)
    assert (found.preset_names, found.programs, found.problem) == (["lead"], {6: "lead"}, "")


def test_files_that_a_damaged_preset_may_name_stay(rock: Path) -> None:
    (rock / "broken.toml").write_bytes(b"\0")
    removal = plan_removal(read_bank(rock), "crunch")
    assert removal == Removal(rock / "crunch.toml", (), ("cabs/v30.wav",), ("broken.toml",))
    assert plan_removal(read_bank(rock), "broken") == Removal(rock / "broken.toml", ())


def test_no_preset_takes_another_with_it_nor_what_lies_outside(rock: Path, tmp_path: Path) -> None:
    write_cabinet(tmp_path / "elsewhere" / "mine.wav")
    (rock / "link").symlink_to(tmp_path / "elsewhere")
    blocks = (Nam("lead.toml"), Nam("gone.stomp"), Cabinet("link/mine.wav"))
    preset.write(Preset("Odd", blocks), rock / "odd.toml")
    assert plan_removal(read_bank(rock), "odd").files == ()


def test_a_file_that_is_another_one_on_some_computers_is_refused(rock: Path, tmp_path: Path) -> None:
    other = tmp_path / "Amp.stomp"
    other.write_bytes(amp())
    with pytest.raises(AlreadyExistsError) as caught:
        add(rock, [other])
    assert str(caught.value) == (
        f"{rock}/Amp.stomp: is the same file as amp.stomp on some computers; rename one of them"
    )
    assert names(rock) == ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]


def test_what_is_no_file_or_too_long_is_not_read(rock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe.stomp"
    os.mkfifo(pipe)
    with pytest.raises(SettingsUnreadableError, match=r"pipe\.stomp: can't be read: is no plain file$"):
        bank_edit._read(pipe)
    size = len(amp())
    monkeypatch.setattr(bank_edit, "MAX_BYTES", size - 1)
    with pytest.raises(BankError) as caught:
        add(rock, [rock / "amp.stomp"])
    assert str(caught.value) == f"{rock}/amp.stomp: has {size:,} bytes; a bank has up to {size - 1:,}"
    monkeypatch.setattr(bank_edit, "MAX_BYTES", size)
    with pytest.raises(BankError) as caught:
        add(rock, [rock / "amp.stomp", rock / "cabs" / "v30.wav"])
    assert str(caught.value) == f"{rock}: up to {size:,} bytes can be added at once; add fewer files"
