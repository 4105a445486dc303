"""A .tflite is taken wherever an artifact is: by banks, packs and imports."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from importlib import util
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import AlreadyExistsError, MissingPackageError
from nampedal.firmware.base.files.file_names import without_doubles
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import check_all_presets, read_bank
from nampedal.firmware.presets.banks.bank_edit import Added, add, make_bank
from nampedal.firmware.presets.banks.bank_file import export_bank, import_bank
from nampedal.firmware.presets.banks.pack import import_pack
from nampedal.firmware.presets.preset import Nam, Preset
from support.makers.bank_maker import amp, names, tflite
from support.rigs.card_rig import bring

Run = Callable[..., subprocess.CompletedProcess[str]]

MODEL = "TensorFlow Lite model"
MISSING = "is played by LiteRT, which is not installed; pip install 'nampedal[tflite]'"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """An empty bank."""
    make_bank(tmp_path / "banks" / "new")
    return tmp_path / "banks" / "new"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the .tflite alone."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "amp.tflite").write_bytes(tflite())
    return folder


@pytest.fixture
def no_litert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make LiteRT look as if it were not installed in this process."""
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "ai_edge_litert" else real(name))


def test_a_file_brings_a_preset_that_plays_it(source: Path, new: Path) -> None:
    added = [Added("amp.tflite", MODEL, True), Added("amp.toml", "preset", True)]
    assert add(new, [source / "amp.tflite"]) == added
    assert preset.read(new / "amp.toml") == Preset("amp", (Nam("amp.tflite"),))
    (entry,) = check_all_presets(read_bank(new))
    assert (entry.missing, entry.problems) == ((), ())


def test_the_command_adds_one_within_its_memory_and_lists_it(nampedal: Run, tmp_path: Path) -> None:
    (tmp_path / "amp.tflite").write_bytes(tflite())
    assert nampedal("bank", "new", "rock").returncode == 0
    done = nampedal("bank", "add", "rock", "amp.tflite")
    assert (done.stdout, done.stderr) == ("rock/amp.tflite: TensorFlow Lite model\nrock/amp.toml: preset\n", "")
    size = f"{len(tflite()):,} bytes"
    assert f"1 amp: amp; needs amp.tflite ({size})" in nampedal("bank", "list", "rock").stdout


def test_a_preset_brings_the_tflite_that_it_names(source: Path, new: Path) -> None:
    preset.write(Preset("Lead", (Nam("amp.tflite"),), level_db=-3.0), source / "lead.toml")
    assert add(new, [source / "lead.toml"]) == [Added("amp.tflite", MODEL, True), Added("lead.toml", "preset", True)]


def test_of_a_folder_the_artifact_is_taken_where_both_have_one_name(source: Path, new: Path) -> None:
    (source / "amp.stomp").write_bytes(amp())
    (source / "clean.TFLITE").write_bytes(tflite())
    assert [one.name for one in add(new, [source])] == ["amp.stomp", "clean.TFLITE", "amp.toml", "clean.toml"]
    assert without_doubles(["a.tflite", "x/a.stomp", "a.wav", "b.Tflite", "b.STOMP"]) == [
        *("a.tflite", "x/a.stomp", "a.wav", "b.STOMP"),
    ]


def test_both_by_name_would_be_one_preset_which_is_refused(source: Path, new: Path) -> None:
    (source / "amp.stomp").write_bytes(amp())
    with pytest.raises(AlreadyExistsError) as caught:
        add(new, [source / "amp.stomp", source / "amp.tflite"])
    assert str(caught.value) == f"{new / 'amp.toml'}: is there already, and another; rename one of them"
    assert names(new) == ["bank.toml"]


@pytest.mark.usefixtures("no_litert")
def test_without_litert_nothing_is_added_and_one_line_says_what_is_missing(source: Path, new: Path) -> None:
    with pytest.raises(MissingPackageError) as caught:
        add(new, [source / "amp.tflite"])
    assert str(caught.value) == f"{source / 'amp.tflite'}: {MISSING}"
    assert names(new) == ["bank.toml"]


@pytest.mark.usefixtures("no_litert")
def test_without_litert_a_preset_has_an_error_and_the_others_play(new: Path) -> None:
    for name, data in (("a.tflite", tflite()), ("b.stomp", amp())):
        (new / name).write_bytes(data)
        preset.write(Preset(name, (Nam(name),)), new / f"{name[0]}.toml")
    a, b = check_all_presets(read_bank(new))
    assert (a.problems, b.problems) == ((f"{new / 'a.tflite'}: {MISSING}",), ())


def test_a_bank_with_one_is_packed_and_unpacked(source: Path, new: Path, tmp_path: Path) -> None:
    add(new, [source / "amp.tflite"])
    packed = tmp_path / "new.nampedal-bank"
    export_bank(new, packed)
    import_bank(packed, tmp_path / "banks", "again")
    assert names(tmp_path / "banks" / "again") == names(new)
    assert (tmp_path / "banks" / "again" / "amp.tflite").read_bytes() == tflite()


def test_a_zip_of_them_becomes_a_bank_with_a_preset_each(tmp_path: Path) -> None:
    (tmp_path / "banks").mkdir()
    with zipfile.ZipFile(tmp_path / "amps.zip", "w") as archive:
        for name, data in (("1/a.tflite", tflite()), ("1/b.tflite", tflite()), ("1/b.stomp", amp())):
            archive.writestr(name, data)
    import_pack(tmp_path / "amps.zip", tmp_path / "banks", "amps")
    assert names(tmp_path / "banks" / "amps") == ["a.tflite", "a.toml", "b.stomp", "b.toml"]


def test_a_single_one_on_the_card_is_imported_with_a_preset_of_its_own(source: Path, tmp_path: Path) -> None:
    banks = tmp_path / "pedal" / "banks"
    banks.mkdir(parents=True)
    assert bring(source, banks).taken == ["imported"]
    assert names(banks / "imported") == ["amp.tflite", "amp.toml"]
    # Another of that name: it is numbered, as an artifact is.
    (source / "amp.tflite").unlink()
    (source / "amp.stomp").write_bytes(amp())
    assert bring(source, banks).taken == ["imported"]
    assert names(banks / "imported") == ["amp-2.stomp", "amp-2.toml", "amp.tflite", "amp.toml"]


def test_one_that_was_refused_without_litert_is_taken_once_it_is_there(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    banks = tmp_path / "pedal" / "banks"
    banks.mkdir(parents=True)
    with monkeypatch.context() as without:
        without.delenv("NAMPEDAL_LITERT", raising=False)
        real = util.find_spec
        without.setattr(util, "find_spec", lambda name: None if name == "ai_edge_litert" else real(name))
        outcome = bring(source, banks)
    assert (outcome.taken, outcome.problems) == ([], [f"{source / 'amp.tflite'}: {MISSING}"])
    assert bring(source, banks).taken == ["imported"]


def test_a_folder_with_a_preset_that_names_one_is_a_bank(source: Path, tmp_path: Path) -> None:
    preset.write(Preset("Lead", (Nam("amp.tflite"),)), source / "lead.toml")
    banks = tmp_path / "pedal" / "banks"
    banks.mkdir(parents=True)
    assert bring(source.parent, banks).taken == ["source"]
    assert names(banks / "source") == ["amp.tflite", "lead.toml"]
