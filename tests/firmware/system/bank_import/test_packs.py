"""Zips and folders as people put them on a card: taken over, or told by name."""

from __future__ import annotations

import zipfile
from pathlib import Path

from nampedal.firmware.presets.banks.bank_file import export_bank
from nampedal.firmware.system.bank_import.bank_importer import import_items
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from support.makers.bank_maker import amp, make_bank, names
from support.rigs.card_rig import Card

RICH = ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]


def packed(folder: Path, path: Path, top: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names(folder):
            archive.write(folder / name, f"{top}{name}")
        archive.writestr("__MACOSX/._crunch.toml", b"\0")


def test_zips_become_banks_once(card: Card, tmp_path: Path) -> None:
    rock = make_bank(tmp_path / "rock")
    packed(rock, card.imports / "Site pack.zip", "pack/pack/")
    packed(rock, card.imports / "FLAT.ZIP", "")
    export_bank(rock, card.imports / "mailed.nampedal-bank")
    (card.imports / "mailed.nampedal-bank").rename(card.imports / "mailed.zip")
    boot = card.boot()
    assert (sorted(boot.taken), boot.problems) == (["FLAT", "Site pack", "mailed"], [])
    assert [names(card.banks / name) for name in card.bank_names()] == [RICH] * 3
    boot = card.boot()
    assert (boot.taken, boot.problems) == ([], [])


def test_nothing_that_was_put_there_is_passed_over_without_a_word(tmp_path: Path) -> None:
    source, banks = tmp_path / "import", tmp_path / "banks"
    banks.mkdir()
    for name in ("nams/1.nam", "nams/._1.nam", "deep/pack/2.NAM", "zips/pack.zip"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"{}")
    with zipfile.ZipFile(source / "site.zip", "w") as archive:
        archive.writestr("site/3.nam", "{}")
    (source / "bad.zip").write_bytes(b"<html>")
    for name in ("._bad.zip", "Thumbs.db", ".DS_Store"):
        (source / name).write_bytes(b"\0")
    (source / "System Volume Information").mkdir()
    found, problems = scan_folder(source)
    outcome = import_items(found, banks, tmp_path / "card.toml")
    told = sorted([*map(str, problems), *outcome.problems])
    convert = "is a capture that is not converted yet; make an artifact of it with 'nampedal convert' on a computer"
    assert outcome.taken == []
    assert told == [
        f"{source}/bad.zip: is no bank, or is damaged: file is not a zip file; have it sent again",
        f"{source}/deep/pack: holds captures as 2.NAM: each {convert}",
        f"{source}/nams: holds captures as 1.nam: each {convert}",
        f"{source}/site.zip: holds captures that are not converted yet (3.nam); make artifacts of them with 'nampedal "
        "convert' on a computer",
        f"{source}/zips: is no bank: it holds no preset; put artifacts and bank files beside it, not into it",
    ]
    assert list(banks.iterdir()) == []


def test_a_bank_of_names_in_capitals_is_taken_over(card: Card, tmp_path: Path) -> None:
    rock = make_bank(card.imports / "ROCK")
    (rock / "lead.toml").rename(rock / "LEAD.TOML")
    (rock / "crunch.toml").rename(rock / "CRUNCH.TOML")
    (rock / "amp.stomp").rename(rock / "AMP.STOMP")
    assert card.boot().problems == []
    assert names(card.banks / "ROCK") == ["AMP.STOMP", "CRUNCH.TOML", "LEAD.TOML", "cabs/v30.wav"]


def test_a_zip_at_the_top_of_a_stick_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "holiday.zip").write_bytes(b"PK")
    (tmp_path / "amp.stomp").write_bytes(amp())
    found, problems = scan_folder(tmp_path, sure=True)
    assert ([one.path.name for one in found], problems) == (["amp.stomp"], [])
