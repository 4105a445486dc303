"""Nothing on a card or a stick is trusted: no link is followed, and everything has an end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.system.bank_import import import_scan as finding
from nampedal.firmware.system.bank_import import safe_read
from nampedal.firmware.system.bank_import.bank_importer import import_items
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from support.makers.bank_maker import amp, make_bank
from support.rigs.card_rig import bring


def test_no_link_leads_out_and_no_pipe_is_waited_for(banks: Path, tmp_path: Path) -> None:
    source, secret = tmp_path / "source", tmp_path / "secret"
    secret.mkdir()
    (secret / "amp.stomp").write_bytes(amp())
    evil = source / "evil"
    evil.mkdir(parents=True)
    os.symlink(secret / "amp.stomp", source / "amp.stomp")
    os.symlink(secret, source / "linked")
    os.mkfifo(source / "pipe.stomp")
    os.symlink(secret, evil / "cabs")
    preset.write(Preset("Evil", (Nam("cabs/amp.stomp"),)), evil / "evil.toml")
    found, problems = scan_folder(source)
    assert [one.path for one in found] == [evil]
    assert problems == []
    outcome = import_items(found, banks, tmp_path / "card.toml")
    assert outcome.taken == []
    assert outcome.problems == [f"{evil}/cabs/amp.stomp: can't be read: not a directory"]
    (evil / "cabs").unlink()
    (evil / "cabs").mkdir()
    os.mkfifo(evil / "cabs" / "amp.stomp")
    outcome = import_items(scan_folder(source)[0], banks, tmp_path / "card.toml")
    assert outcome.problems == [f"{evil}/cabs/amp.stomp: is no plain file; put the file itself there"]
    (evil / "cabs" / "amp.stomp").unlink()
    os.symlink(secret / "amp.stomp", evil / "cabs" / "amp.stomp")
    outcome = import_items(scan_folder(source)[0], banks, tmp_path / "card.toml")
    assert outcome.problems == [
        f"{evil}/cabs/amp.stomp: can't be read: too many levels of symbolic links",
    ]
    assert list(banks.iterdir()) == []


def test_what_is_too_large_or_too_much_is_not_read(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, size in (
        ("big.stomp", safe_read.MAX_ARTIFACT_BYTES),
        ("big.nampedal-bank", safe_read.MAX_BANK_FILE_BYTES),
    ):
        with (source / name).open("wb") as file:
            file.truncate(size + 1)
    assert bring(source, banks).problems == [
        f"{source}/big.nampedal-bank: is longer than 136,314,880 bytes, which are allowed",
        f"{source}/big.stomp: is longer than 67,108,864 bytes, which are allowed",
    ]
    monkeypatch.setattr(finding, "MAX_ENTRIES", 3)
    for number in range(4):
        (source / f"{number}").mkdir()
    found, problems = scan_folder(source)
    assert (found, [str(problem) for problem in problems]) == (
        [],
        [f"{source}: holds more than 3 files; put fewer there"],
    )


def test_all_folders_together_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        make_bank(tmp_path / "source" / name)
    monkeypatch.setattr(finding, "MAX_ALL", 15)
    found, problems = scan_folder(tmp_path / "source")
    assert [one.path.name for one in found] == ["a"]
    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/source: holds more than 15 files in all; put fewer there"
    ]


def test_folders_below_folders_have_an_end(tmp_path: Path) -> None:
    deep = make_bank(tmp_path / "source" / "deep")
    (deep / "/".join("abcdefghij")).mkdir(parents=True)
    found, problems = scan_folder(tmp_path / "source")
    assert found == []
    assert [str(problem) for problem in problems] == [f"{deep}/a/b/c/d/e/f/g/h/i: is 9 folders deep; 8 are allowed"]


def test_a_bank_in_a_folder_is_found_and_deeper_ones_are_told(banks: Path, tmp_path: Path) -> None:
    """As programs unpack what a site delivers."""
    source = tmp_path / "source"
    make_bank(source / "pack" / "pack")
    make_bank(source / "deep" / "er" / "than that")
    (source / "empty" / "er").mkdir(parents=True)
    (source / "pack" / "read me.txt").write_text("passed over")
    found, problems = scan_folder(source)
    assert [one.path for one in found] == [source / "pack" / "pack"]
    assert [str(problem) for problem in problems] == [
        f"{source}/deep/er: is no bank: it holds folders only; put the folder with the presets beside it"
    ]
    assert import_items(found, banks, tmp_path / "card.toml").taken == ["pack"]
    # A stick may hold anything.
    assert scan_folder(source, sure=True) == ([], [])


@pytest.mark.parametrize("name", ["pack.rar", "PACK.RAR", "pack.7z", "pack.tar.gz"])
def test_a_packed_bank_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    (problem,) = scan_folder(tmp_path)[1]
    assert str(problem) == (
        f"{tmp_path}/{name}: is packed; unpack it on a computer and put the bank's folder, a .zip or a .nampedal-bank "
        "file here"
    )
    assert scan_folder(tmp_path, sure=True) == ([], [])


def test_of_a_folder_of_anything_only_banks_are_seen(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    make_bank(stick / "rock")
    (stick / "project").mkdir()
    (stick / "project" / "Cargo.toml").write_text("[package]")
    (stick / "amp.nam").write_text("{}")
    (stick / "song.wav").write_bytes(b"")
    found, problems = scan_folder(stick, sure=True)
    assert ([one.path.name for one in found], problems) == (["rock"], [])
