"""Banks and artifacts from a card: taken over once, checked, and whole whatever happens."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.actions.blink_codes import read_boot_codes
from nampedal.firmware.base import system_paths
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import banks_in, check_all_presets, read_bank
from nampedal.firmware.presets.banks.bank_file import export_bank
from nampedal.firmware.presets.preset import Gain, Nam, Preset
from nampedal.firmware.system.bank_import import bank_importer as taking
from nampedal.firmware.system.bank_import import loose_files, safe_read
from nampedal.firmware.system.bank_import.bank_importer import import_items
from nampedal.firmware.system.bank_import.import_ledger import read_ledger, write_taken
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from nampedal.firmware.system.host.root_paths import IMPORT_LEDGER
from support.makers.bank_maker import amp, make_bank, names
from support.rigs.card_rig import Card, bring

RICH = ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]


@pytest.fixture
def full(card: Card, tmp_path: Path) -> Card:
    """A card with one of each kind."""
    export_bank(make_bank(tmp_path / "rock"), card.imports / "rock.nampedal-bank")
    make_bank(card.imports / "live set")
    (card.imports / "Loud Amp.STOMP").write_bytes(amp())
    return card


def test_one_of_each_kind_is_taken_over_and_played_from_there(full: Card) -> None:
    boot = full.boot()
    assert boot.problems == []
    assert full.bank_names() == sorted(boot.taken) == ["imported", "live set", "rock"]
    assert names(full.banks / "live set") == RICH
    assert names(full.banks / "rock") == RICH
    assert names(full.banks / "imported") == ["Loud Amp.stomp", "Loud Amp.toml"]
    assert preset.read(full.banks / "imported" / "Loud Amp.toml").blocks == (Nam("Loud Amp.stomp"),)
    assert all(is_whole(full.banks / name) for name in full.bank_names())
    assert read_boot_codes(full.at(system_paths.CARD_ANNOUNCEMENT)) == [5]


def test_the_next_boot_has_nothing_to_do_and_starts_nobody_for_it(full: Card) -> None:
    full.boot()
    state = full.at(IMPORT_LEDGER).stat()
    boot = full.boot()
    assert (boot.taken, boot.problems) == ([], [])
    assert full.system.said == ["radio off"]
    assert full.at(IMPORT_LEDGER).stat().st_mtime_ns == state.st_mtime_ns
    assert read_boot_codes(full.at(system_paths.CARD_ANNOUNCEMENT)) == []


def test_what_the_player_deleted_or_changed_does_not_come_back(full: Card) -> None:
    full.boot()
    shutil.rmtree(full.banks / "rock")
    preset.write(Preset("Mine", (Gain(1.0),)), full.banks / "live set" / "lead.toml")
    # As from another computer: another time, another name, the same contents.
    (full.imports / "rock.nampedal-bank").rename(full.imports / "again.nampedal-bank")
    for path in full.imports.rglob("*"):
        os.utime(path, (1e9, 1e9))
    boot = full.boot()
    assert (boot.taken, boot.problems) == ([], [])
    assert full.bank_names() == ["imported", "live set"]
    assert preset.read(full.banks / "live set" / "lead.toml").name == "Mine"


def test_a_name_that_is_taken_gets_a_number(full: Card) -> None:
    full.boot()
    preset.write(Preset("New", (Gain(2.0),)), full.imports / "live set" / "new.toml")
    other = make_bank(full.root / "other")
    preset.write(Preset("New", (Gain(3.0),)), other / "new.toml")
    (full.imports / "rock.nampedal-bank").unlink()
    export_bank(other, full.imports / "rock.nampedal-bank")
    (full.imports / "Loud Amp.STOMP").write_bytes(other_amp())
    boot = full.boot()
    assert boot.problems == []
    assert full.bank_names() == ["imported", "live set", "live set-2", "rock", "rock-2"]
    assert names(full.banks / "imported") == [
        *("Loud Amp-2.stomp", "Loud Amp-2.toml", "Loud Amp.stomp", "Loud Amp.toml"),
    ]
    assert preset.read(full.banks / "imported" / "Loud Amp-2.toml").blocks == (Nam("Loud Amp-2.stomp"),)


def other_amp() -> bytes:
    """Another artifact."""
    capture = nam_file.read(ROOT / "demo" / "overdriven-amp.nam")
    return artifact.pack(replace(capture, source=replace(capture.source, file_name="other.nam")))


def test_broken_ones_are_told_by_name_and_the_rest_is_taken(full: Card) -> None:
    (full.imports / "broken.stomp").write_bytes(amp()[:-100])
    (full.imports / "broken.nampedal-bank").write_bytes(b"PK")
    bad = make_bank(full.imports / "bad")
    preset.write(Preset("Own", (Gain(4.0),)), bad / "own.toml")
    (bad / "cabs" / "v30.wav").unlink()
    (full.imports / "folder of captures").mkdir()
    (full.imports / "folder of captures" / "a.stomp").write_bytes(amp())
    (full.imports / "lonely.toml").write_bytes((bad / "lead.toml").read_bytes())
    (full.imports / "cab.wav").write_bytes(b"")
    (full.imports / "read me.txt").write_text("passed over")
    (full.imports / ".hidden.nam").write_text("passed over")
    full.boot()
    assert full.bank_names() == ["imported", "live set", "rock"]
    told = sorted(full.wrong())
    assert told == [
        "import/bad: can't be taken over: crunch.toml: cabs/v30.wav is missing; mend it there",
        "import/broken.nampedal-bank: is no bank, or is damaged: file is not a zip file; have it sent again",
        told[2],
        "import/cab.wav: is an impulse response alone; put it into a folder, with a preset that names it",
        "import/folder of captures: is no bank: it holds no preset; put artifacts and bank files beside it, not "
        "into it",
        "import/lonely.toml: is a preset alone; put it into a folder, with the files that it names",
    ]
    assert told[2].startswith("import/broken.stomp: ")
    # They are not tried again, and told still.
    full.boot()
    assert "take" not in full.system.said
    assert sorted(full.wrong()) == told
    # Mended, they are.
    make_bank(full.root / "good")
    shutil.copytree(full.root / "good" / "cabs", bad / "cabs", dirs_exist_ok=True)
    assert full.boot().taken == ["bad"]


def test_an_artifact_that_sounds_otherwise_here_is_refused(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "amp.stomp").write_bytes(golden())
    assert bring(source, banks).taken == ["imported"]
    check = verify(banks / "imported" / "amp.stomp")[0]
    monkeypatch.setattr(loose_files, "verify", lambda path: [replace(check, deviation=0.5, tolerance=1e-6)])
    (source / "amp.stomp").rename(source / "other.stomp")
    (banks.parent / "card.toml").unlink()
    outcome = bring(source, banks)
    assert outcome.problems == [
        f"{source}/other.stomp: tier 0 differs by 5.0e-01 from what it was where it was made; up to 1.0e-06 is "
        "allowed: convert it again"
    ]


@cache
def golden() -> bytes:
    """An artifact that says what it sounds like."""
    return artifact.pack(convert(nam_file.read(ROOT / "demo" / "overdriven-amp.nam"), "f32"))


def test_other_lines_of_bytes_than_those_of_a_toml_do_not_make_another_bank(banks: Path, tmp_path: Path) -> None:
    make_bank(tmp_path / "source" / "rock")
    bring(tmp_path / "source", banks)
    # What computers leave behind is no part of it.
    (tmp_path / "source" / "rock" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "source" / "rock" / "._lead.toml").write_bytes(b"x")
    outcome = bring(tmp_path / "source", banks)
    assert (outcome.taken, outcome.problems) == ([], [])


def test_odd_names_become_folders_that_can_be_read(banks: Path, tmp_path: Path) -> None:
    for name in (" .dots. ", "a\u200bb\n", "\U0001f3b8" * 60):
        folder = make_bank(tmp_path / "source" / f"x{name}")
        preset.write(Preset("Own", (Gain(len(name) / 10),)), folder / "own.toml")
    outcome = bring(tmp_path / "source", banks)
    assert outcome.problems == []
    found = sorted(path.name for path in banks.iterdir())
    assert found == sorted(["x .dots", "xa-b-", "x" + "\U0001f3b8" * 59])


# ---- power cuts, full disks, crashes ----


class PowerCutError(BaseException):
    """Nothing runs after it."""


class Power:
    """Goes after so many steps. Whatever gets its last name was on the disk before."""

    NAMES = ("open", "write", "fsync", "rename", "replace", "unlink", "mkdir", "rmdir")

    def __init__(self, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = steps
        self.done = 0
        self.unsynced: set[Path] = set()
        self._paths: dict[int, Path] = {}
        for name in self.NAMES:
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: object) -> object:
        def call(*arguments: object, **options: object) -> object:
            if self.done >= self.steps:
                raise PowerCutError
            self.done += 1
            if name in ("rename", "replace"):
                self._check(Path(str(arguments[0])))
            result = real(*arguments, **options)  # type: ignore[operator]
            if name == "open" and not options:
                self._paths[result] = Path(str(arguments[0]))
            elif name == "write" and arguments[0] in self._paths:
                self.unsynced.add(self._paths[arguments[0]])
            elif name == "fsync" and arguments[0] in self._paths:
                self.unsynced.discard(self._paths[arguments[0]])
            return result

        return call

    def _check(self, source: Path) -> None:
        late = [path for path in self.unsynced if path.is_relative_to(source)]
        assert late == [], f"{source} is renamed before {late} is on the disk"


@contextmanager
def power(steps: int) -> Iterator[Power]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Power(steps, monkeypatch)


def is_whole(folder: Path) -> bool:
    return not any(entry.missing or entry.problems for entry in check_all_presets(read_bank(folder)))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["bank file", "bank", "first artifact", "second artifact"])
def test_a_power_cut_at_any_step_leaves_whole_banks_and_the_next_boot_goes_on(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    rock = make_bank(tmp_path / "rock")
    (rock / "lead.toml").unlink()
    source.mkdir()
    if kind == "bank file":
        export_bank(rock, source / "rock.nampedal-bank")
    elif kind == "bank":
        shutil.copytree(rock, source / "rock")
    else:
        (source / "amp.stomp").write_bytes(amp())
    wanted = ["imported"] if "artifact" in kind else ["rock"]
    steps = 0
    while True:
        home = tmp_path / f"{steps}"
        banks = home / "banks"
        banks.mkdir(parents=True)
        if kind == "second artifact":
            preset.write(Preset("Dry", (Gain(),)), banks / "imported" / "dry.toml")
        found, _ = scan_folder(source)
        with power(steps) as cut:
            try:
                import_items(found, banks, home / "card.toml")
            except PowerCutError:
                pass
            else:
                break
        assert cut.done == steps
        for folder in banks_in(banks):
            assert is_whole(folder), (steps, folder)
        outcome = import_items(scan_folder(source)[0], banks, home / "card.toml")
        assert outcome.problems == [], steps
        # None twice, nothing hidden.
        assert [path.name for path in banks.iterdir()] == wanted, steps
        assert not list(banks.rglob(".*.partial")), steps
        assert is_whole(banks / wanted[0])
        shutil.rmtree(home)
        steps += 1
    assert steps > 15


def test_a_full_disk_takes_what_fits_and_the_rest_later(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    make_bank(source / "rock")
    (source / "amp.stomp").write_bytes(amp())
    free = namedtuple("free", "f_bavail f_frsize")
    size = len(amp())
    with pytest.MonkeyPatch.context() as full:
        full.setattr(os, "statvfs", lambda path: free(taking.RESERVE_BYTES + size, 1))
        outcome = bring(source, banks)
    assert outcome.taken == ["imported"]
    (told,) = outcome.problems
    assert told.startswith(f"{source}/rock: has ")
    assert told.endswith(f" bytes, and there is room for {size:,}; remove banks that you do not play")
    assert bring(source, banks).taken == ["rock"]


@pytest.mark.parametrize("kind", ["bank file", "bank", "artifact"])
def test_a_disk_that_fails_at_any_write_leaves_nothing_half(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    rock = make_bank(source / "rock")
    if kind == "bank file":
        export_bank(rock, source / "rock.nampedal-bank")
    if kind == "artifact":
        (source / "rock.stomp").write_bytes(amp())
    if kind != "bank":
        shutil.rmtree(rock)
    number = 0
    while True:
        home = tmp_path / f"{number}"
        banks = home / "banks"
        banks.mkdir(parents=True)
        real, done = os.write, 0

        def write(file: int, data: bytes) -> int:
            nonlocal done
            done += 1
            if done > number:  # noqa: B023
                raise OSError(28, "No space left on device")
            return real(file, data)  # noqa: B023

        with pytest.MonkeyPatch.context() as full:
            full.setattr(os, "write", write)
            outcome = import_items(scan_folder(source)[0], banks, home / "card.toml")
        if not outcome.problems:
            break
        assert all("no space left on device" in problem for problem in outcome.problems)
        assert not list(banks.rglob(".*.partial"))
        assert all(is_whole(folder) for folder in banks_in(banks))
        outcome = import_items(scan_folder(source)[0], banks, home / "card.toml")
        assert outcome.problems == []
        assert len(list(banks.iterdir())) == 1
        number += 1
    assert number >= 3


def test_what_ended_the_boot_before_comes_last(banks: Path, tmp_path: Path) -> None:
    make_bank(tmp_path / "source" / "a")
    make_bank(tmp_path / "source" / "b")
    preset.write(Preset("Other", (Gain(1.0),)), tmp_path / "source" / "b" / "other.toml")
    found, _ = scan_folder(tmp_path / "source")
    state = tmp_path / "card.toml"
    known = read_ledger(state)
    known.coming[safe_read.digest(found[0])] = "a"
    write_taken(known, state)
    assert import_items(found, banks, state).taken == ["b", "a"]


def test_a_damaged_state_costs_no_boot(full: Card) -> None:
    full.boot()
    full.at(IMPORT_LEDGER).write_text("format = 99")
    full.at(IMPORT_LEDGER).with_name(".card.toml.old").unlink()
    boot = full.boot()
    assert boot.problems == []
    assert full.bank_names() == ["imported", "live set", "live set-2", "rock", "rock-2"]


def test_a_newer_nampedal_tries_again_what_was_refused(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.stomp").write_bytes(b"from the future")
    assert bring(tmp_path / "source", banks).problems
    state = tmp_path / "card.toml"
    assert len(read_ledger(state).refused) == 1
    monkeypatch.setattr("nampedal.firmware.system.bank_import.import_ledger.version", lambda name: "99.0")
    assert read_ledger(state).refused == {}


@pytest.mark.parametrize("kind", [OverflowError, RecursionError, MemoryError, ValueError, KeyError])
@pytest.mark.parametrize("where", ["_bring", "free_name"])
def test_whatever_goes_wrong_with_one_is_nothing_to_the_others(
    tmp_path: Path, where: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    imports, banks = tmp_path / "import", tmp_path / "banks"
    banks.mkdir()
    for name in ("aaa", "bbb", "ccc"):
        make_bank(imports / name)
        # Three that are not the same.
        (imports / name / "note.txt").write_text(name)
        preset.write(Preset(name, (Gain(1.0),)), imports / name / f"{name}.toml")
    real = getattr(taking, where)

    def fail(first: object, *more: object) -> object:
        name = first.path.name if where == "_bring" else first  # type: ignore[attr-defined]
        if name == "bbb":
            raise kind("of two\nlines")
        return real(first, *more)

    monkeypatch.setattr(taking, where, fail)
    outcome = import_items(scan_folder(imports)[0], banks, tmp_path / "taken.toml")
    assert sorted(outcome.taken) == ["aaa", "ccc"]
    (problem,) = outcome.problems
    assert problem.startswith(f"{imports / 'bbb'}: can't be taken over: nampedal itself went wrong: {kind.__name__}: ")
    assert "\n" not in problem
