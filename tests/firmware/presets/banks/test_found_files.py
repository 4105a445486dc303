"""A file is found by its name however a system writes it, and read whatever it is called."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import BankError, NotAnArtifactError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.durable_toml import read_safely
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import check_all_presets, index_of_preset, is_bank, read_bank
from nampedal.firmware.presets.banks.bank_edit import add
from nampedal.firmware.presets.banks.bank_edit import make_bank as make_new
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.presets.preset_content import PresetContents
from support.makers.bank_maker import amp, make_bank

NFC, NFD = (unicodedata.normalize(form, "Größe – Café") for form in ("NFC", "NFD"))  # noqa: RUF001


@pytest.mark.parametrize(("named", "there"), [(NFC, NFD), (NFD, NFC), ("Amp", "AMP"), ("Amp", "amp")])
def test_a_preset_finds_its_file_in_another_form(named: str, there: str, tmp_path: Path) -> None:
    (tmp_path / there).mkdir()
    (tmp_path / there / f"{there}.STOMP").write_bytes(amp())
    played = Preset("A", (Nam(f"{named}/{named}.stomp"),))
    preset.write(played, tmp_path / "a.toml")
    assert check_all_presets(read_bank(tmp_path))[0].problems == ()
    assert check_all_presets(read_bank(tmp_path))[0].missing == ()
    content = PresetContents().read(tmp_path / "a.toml")
    assert content.problem == ""
    Chain.prepare(played, tmp_path, sample_rate=48_000, max_frames=64, loudness_lufs=-18.0)


def test_the_very_name_comes_first_and_of_two_others_none_is_guessed(tmp_path: Path) -> None:
    for name in ("AMP.stomp", "amp.stomp"):
        (tmp_path / name).write_bytes(b"")
    assert file_names.find(tmp_path, "amp.stomp") == "amp.stomp"
    assert file_names.find(tmp_path, "Amp.stomp") == "Amp.stomp"
    assert file_names.find(tmp_path, "gone/amp.stomp") == "gone/amp.stomp"


letters = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\")
names = st.text(letters, min_size=1, max_size=20)


@given(names.map(lambda name: f"{name.strip(' .')}x (1) 🎸"))
def test_any_name_of_a_phone_or_a_computer_is_found_in_both_forms(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("names")
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    for there in forms:
        (folder / there).write_bytes(b"1")
        for asked in forms:
            assert (folder / file_names.find(folder, asked)).read_bytes() == b"1"
        (folder / there).unlink()


def test_order_and_commands_find_presets_in_another_form(tmp_path: Path) -> None:
    for name in ("a", NFD):
        preset.write(Preset("A", (preset.Gain(0.0),)), tmp_path / f"{name}.toml")
    (tmp_path / "BANK.TOML").write_text(f'format = 1\norder = ["{NFC}"]\n', encoding="utf-8-sig")
    bank = read_bank(tmp_path)
    assert (bank.preset_names, bank.problem) == ([NFD, "a"], "")
    assert index_of_preset(NFC, bank.preset_names) == 0


def test_suffixes_in_capitals_are_those_of_presets(tmp_path: Path) -> None:
    folder = make_bank(tmp_path / "rock")
    (folder / "lead.toml").rename(folder / "LEAD.TOML")
    (folder / "._crunch.toml").write_bytes(b"\0")
    assert is_bank(folder)
    assert read_bank(folder).preset_names == ["LEAD", "crunch"]


def test_a_name_that_is_not_utf_8_is_read_and_told(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.stomp"))
    path.write_bytes(amp())
    assert artifact.read(path).tiers
    path.write_bytes(b"\x1f\x8b")
    with pytest.raises(NotAnArtifactError) as caught:
        artifact.read(path)
    said = str(caught.value)
    assert (
        said
        == f"{tmp_path}/caf\\udce9.stomp: is packed by gzip; unpack it, and give the files that are in it; a "
        + (".stomp artifact is needed")
    )
    json.dumps(said, ensure_ascii=False).encode()
    path.with_suffix(".toml").write_text("=")
    with pytest.raises(ValueError, match=r"caf\\udce9\.toml: is not TOML"):
        read_safely(path.with_suffix(".toml"))


@pytest.mark.parametrize("name", [b"caf\xe9.stomp", b"a\x1b[2J.stomp"])
def test_a_name_that_no_preset_can_say_is_refused_before_anything_is_written(name: bytes, tmp_path: Path) -> None:
    make_new(tmp_path / "new")
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(amp())
    with pytest.raises(BankError, match="has signs in its name that a preset can't have, or is not"):
        add(tmp_path / "new", [path])
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["bank.toml"]
