"""Banks as one file: the same bytes for the same bank, and nothing trusted on the way in."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from nampedal.firmware.base.errors import (
    AlreadyExistsError,
    BankError,
    EmptyBankError,
    FileAccessError,
    NampedalError,
    NewerFormatError,
    SettingValueError,
)
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank_file
from nampedal.firmware.presets.banks.bank import check_all_presets, read_bank, reordered, write_order
from nampedal.firmware.presets.banks.bank_file import export_bank, import_bank
from nampedal.firmware.presets.preset import Cabinet, Gain, Nam, Preset
from support.makers.bank_maker import make_bank, names

FILES = ["amp.stomp", "bank.toml", "cabs/v30.wav", "crunch.toml", "lead.toml"]
MUTATIONS = 400


@pytest.fixture
def rock(tmp_path: Path) -> Path:
    folder = make_bank(tmp_path / "here" / "rock")
    write_order(reordered(read_bank(folder), ["lead"]))
    return folder


@pytest.fixture
def packed(rock: Path, tmp_path: Path) -> Path:
    path = tmp_path / "rock.nampedal-bank"
    export_bank(rock, path)
    return path


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    return tmp_path / "there"


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder)}


def test_a_bank_comes_out_as_it_went_in(rock: Path, packed: Path, banks: Path) -> None:
    found = import_bank(packed, banks)
    assert found.folder == banks / "rock"
    assert found.preset_names == ["lead", "crunch"]
    assert contents(banks / "rock") == contents(rock)
    assert names(banks / "rock") == FILES
    assert [entry.problems for entry in check_all_presets(found)] == [(), ()]
    assert [path.name for path in banks.iterdir()] == ["rock"]


def test_programs_come_out_as_they_went_in_and_name_presets_that_are_there(
    rock: Path, banks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "programs.nampedal-bank"
    write_order(replace(read_bank(rock), programs={5: "lead", 6: "gone"}))
    with pytest.raises(BankError) as caught:
        export_bank(rock, path)
    assert str(caught.value) == (
        f"{rock}: can't be exported: {rock}/bank.toml: programs.6: preset 'gone' is not in the bank; there are lead, "
        "crunch; mend or remove it"
    )
    write_order(replace(read_bank(rock), programs={5: "lead"}))
    export_bank(rock, path)
    assert import_bank(path, banks).programs == {5: "lead"}


def test_the_same_bank_is_the_same_bytes(rock: Path, packed: Path, banks: Path) -> None:
    import_bank(packed, banks)
    assert export_bank(banks / "rock", banks / "again.nampedal-bank") == packed.stat().st_size
    assert (banks / "again.nampedal-bank").read_bytes() == packed.read_bytes()


def test_the_file_is_a_zip_that_says_what_it_holds(rock: Path, packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        assert archive.namelist() == ["manifest.toml", *(f"bank/{name}" for name in FILES)]
        manifest = archive.read("manifest.toml").decode()
    amp = (rock / "amp.stomp").read_bytes()
    assert manifest.startswith(
        'format = 1\nname = "rock"\n\n[[file]]\npath = "amp.stomp"\n'
        f'sha256 = "{sha256(amp).hexdigest()}"\nbytes = {len(amp)}\n'
    )


def test_only_what_presets_name_is_packed_and_of_a_torn_preset_the_version_before(rock: Path, tmp_path: Path) -> None:
    (rock / "notes.txt").write_text("mine")
    preset.write(Preset("Lead, louder", (Gain(6.0), Nam("amp.stomp"))), rock / "lead.toml")
    (rock / "lead.toml").write_bytes(b"")
    export_bank(rock, tmp_path / "out.nampedal-bank")
    found = import_bank(tmp_path / "out.nampedal-bank", tmp_path / "there")
    assert names(found.folder) == FILES
    assert preset.read(found.folder / "lead.toml").name == "Lead, loud"


def test_a_bank_of_which_something_is_missing_is_not_exported(rock: Path, tmp_path: Path) -> None:
    (rock / "amp.stomp").unlink()
    (rock / "broken.toml").write_bytes(b"=")
    out = tmp_path / "out.nampedal-bank"
    with pytest.raises(BankError) as caught:
        export_bank(rock, out)
    assert str(caught.value) == (
        f"{rock}: can't be exported: lead.toml: amp.stomp is missing; crunch.toml: amp.stomp is missing; "
        f"{rock}/broken.toml: is not TOML: invalid statement (at line 1, column 1); mend or remove it"
    )
    assert not out.exists()


def test_what_can_not_be_exported_is_named(
    rock: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AlreadyExistsError) as there:
        export_bank(rock, packed)
    assert str(there.value) == f"{packed}: is there already; name another file with --output, or move it away"
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyBankError):
        export_bank(tmp_path / "empty", tmp_path / "out.nampedal-bank")
    size = sum(map(len, contents(rock).values()))
    monkeypatch.setattr(bank_file, "MAX_BYTES", size - 1)
    with pytest.raises(BankError) as large:
        export_bank(rock, tmp_path / "out.nampedal-bank")
    assert str(large.value) == (
        f"{rock}: holds 5 files of {size:,} bytes; up to 1000 of {size - 1:,} are taken: divide it into two banks"
    )


def test_a_bank_never_takes_the_place_of_another(packed: Path, banks: Path) -> None:
    (banks / "rock").mkdir(parents=True)
    with pytest.raises(AlreadyExistsError) as caught:
        import_bank(packed, banks)
    assert str(caught.value) == f"{banks}/rock: is there already; import it under another name with --as"
    assert import_bank(packed, banks, "rock-2").folder == banks / "rock-2"
    assert sorted(path.name for path in banks.iterdir()) == ["rock", "rock-2"]


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", " a", "a\n", "../rock"])
def test_a_banks_folder_has_a_plain_name(packed: Path, banks: Path, name: str) -> None:
    with pytest.raises(BankError) as caught:
        import_bank(packed, banks, name)
    assert str(caught.value) == f"{packed}: {name!r} is no name for a bank's folder; give it one with --as"
    assert not banks.exists()


def test_what_an_import_left_behind_that_a_power_cut_ended_goes_away(packed: Path, banks: Path) -> None:
    (banks / ".rock.partial" / "bank").mkdir(parents=True)
    (banks / ".rock.partial" / "junk").touch()
    import_bank(packed, banks)
    assert [path.name for path in banks.iterdir()] == ["rock"]
    assert names(banks / "rock") == FILES


def test_a_folder_that_can_not_be_written_is_named(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError) as caught:
        import_bank(packed, tmp_path / "file")
    assert str(caught.value) == f"{tmp_path}/file/rock: can't be written: not a directory"


# ---- what a file that nobody can trust may hold ----

Files = dict[str, bytes]


def repack(path: Path, change: Callable[[Files], None]) -> None:
    """With other files, and a manifest that lists them."""
    with zipfile.ZipFile(path) as archive:
        files = {name.removeprefix("bank/"): archive.read(name) for name in archive.namelist()[1:]}
    change(files)
    path.write_bytes(bank_file._pack("rock", files))


def rewrite(path: Path, change: Callable[[Files], None]) -> None:
    """With other members, whatever the manifest says."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def refused(path: Path, banks: Path, error: type[Exception]) -> str:
    """The error's text; the folder of banks is as it was."""
    with pytest.raises(error) as caught:
        import_bank(path, banks)
    assert not list(banks.iterdir()) if banks.exists() else True
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "name", ["../evil.toml", "/tmp/evil.toml", "a/../../evil.wav", "a\\..\\evil.wav", "./x.wav", "."]
)
def test_no_file_leaves_the_banks_folder(packed: Path, banks: Path, name: str) -> None:
    repack(packed, lambda files: files.update({name: b"evil"}))
    said = refused(packed, banks, BankError)
    assert said.startswith("manifest.toml: file ")
    assert said.endswith(
        f".path: is {name!r}; a file inside the bank is needed, as cabs/one.wav: do not trust this bank"
    )
    assert not (banks.parent / "evil.toml").exists()


def test_a_link_is_no_file(packed: Path, banks: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name.endswith(".wav") else stat.S_IFREG) << 16
            archive.writestr(info, data)
    said = refused(packed, banks, BankError)
    assert said == "'bank/cabs/v30.wav' is no plain file; do not trust this bank"


def not_in(members: Files) -> None:
    del members["bank/amp.stomp"]


def more_in(members: Files) -> None:
    members["bank/more.wav"] = b""


def other_in(members: Files) -> None:
    members["bank/amp.stomp"] = b"\0" * len(members["bank/amp.stomp"])


def shorter_in(members: Files) -> None:
    members["bank/amp.stomp"] = members["bank/amp.stomp"][:1234]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            not_in,
            "'bank/amp.stomp' is not in the file and once in its manifest; once is needed: have it sent again",
        ),
        (more_in, "'bank/more.wav' is once in the file and not in its manifest; once is needed: have it sent again"),
        (
            other_in,
            "'amp.stomp' is not what the manifest says: {size:,} bytes of {size:,}, or others; have it sent again",
        ),
        (
            shorter_in,
            "'amp.stomp' is not what the manifest says: 1,234 bytes of {size:,}, or others; have it sent again",
        ),
    ],
)
def test_what_the_manifest_does_not_say_is_refused(
    rock: Path, packed: Path, banks: Path, change: Callable[[Files], None], text: str
) -> None:
    rewrite(packed, change)
    size = (rock / "amp.stomp").stat().st_size
    assert refused(packed, banks, BankError) == text.format(size=size)


def test_a_file_that_is_there_twice_is_refused(packed: Path, banks: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("bank/lead.toml", b"evil")
    assert refused(packed, banks, BankError) == (
        "'bank/lead.toml' is 2 times in the file and once in its manifest; once is needed: have it sent again"
    )


def manifest(text: bytes) -> Callable[[Files], None]:
    return lambda members: members.update({"manifest.toml": text})


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (b"", SettingValueError, "manifest.toml: format: is missing, and needed"),
        (
            b"format = 9\nkey = 1",
            NewerFormatError,
            "manifest.toml: format: is 9; it was written by a newer nampedal, and up to 1 is read here: update "
            "nampedal",
        ),
        (
            b'format = 1\nname = ""\nfile = []',
            SettingValueError,
            "manifest.toml: name: is ''; one line of text is needed",
        ),
        (
            b'format = 1\nname = "x"\nfile = 3',
            SettingValueError,
            "manifest.toml: file: is 3; [[file]] tables are needed, one for each file",
        ),
        (
            b'format = 1\nname = "x"\n[[file]]\npath = "a"\nsha256 = "b"\nbytes = -1',
            SettingValueError,
            f"manifest.toml: file 1.bytes: is -1; a whole number from 0 to {128 << 20} is needed",
        ),
        (
            b'format = 1\nname = "x"\n'
            + 2 * f'[[file]]\npath = "a"\nsha256 = "b"\nbytes = {64 << 20}\n'.encode()
            + b'[[file]]\npath = "b"\nsha256 = "b"\nbytes = 1\n',
            BankError,
            f"holds 3 files of {(128 << 20) + 1:,} bytes; up to 1000 of {128 << 20:,} are taken: have it divided into "
            "two banks",
        ),
        (
            b"#" * ((1 << 20) + 1),
            BankError,
            "is no bank, or is damaged: manifest.toml is longer than 1,048,576 bytes; have it sent again",
        ),
    ],
)
def test_a_wrong_manifest_is_named(packed: Path, banks: Path, text: bytes, error: type[Exception], said: str) -> None:
    rewrite(packed, manifest(text))
    assert refused(packed, banks, error) == said


def test_a_zip_bomb_is_never_unpacked(packed: Path, banks: Path) -> None:
    """A member that says it is small and unpacks to more ends where it said."""
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", b"\n" * (8 << 20))
    data = big.getvalue().replace((8 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    packed.write_bytes(data)
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: bad CRC-32 for file 'manifest.toml'; have it sent again"
    )


def test_a_bank_that_was_packed_again_by_another_program_is_a_bank(rock: Path, packed: Path, banks: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in reversed(archive.namelist())}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert contents(import_bank(packed, banks).folder) == contents(rock)


def test_other_ways_to_pack_are_refused(packed: Path, banks: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        text = archive.read("manifest.toml")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("manifest.toml", text)
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: 'manifest.toml' is packed in a way that is not read here; have it sent again"
    )


def no_preset(files: Files) -> None:
    for name in ("crunch.toml", "lead.toml"):
        del files[name]


def damaged_preset(files: Files) -> None:
    files["lead.toml"] = b"format = 2"


def damaged_order(files: Files) -> None:
    files["bank.toml"] = b"format = 'x'"


def no_cabinet(files: Files) -> None:
    del files["cabs/v30.wav"]


def no_audio(files: Files) -> None:
    files["lead.toml"] = preset.pack(Preset("x", (Cabinet("crunch.toml"),)))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (no_preset, BankError, "is no bank, or is damaged: it has no preset; have it sent again"),
        (
            damaged_preset,
            BankError,
            "can't be imported: lead.toml: format: is 2; it was written by a newer nampedal, and up to 1 is "
            "read here: update nampedal; have it exported again",
        ),
        (
            damaged_order,
            BankError,
            "can't be imported: bank.toml: format: is 'x'; a whole number from 1 to 1 is needed; presets are in the "
            "order of their names; have it exported again",
        ),
        (
            no_cabinet,
            BankError,
            "can't be imported: crunch.toml: cabs/v30.wav is missing; have it exported again",
        ),
        (
            no_audio,
            BankError,
            "can't be imported: crunch.toml: can't be read as audio: format not recognised; have it exported again",
        ),
    ],
)
def test_a_bank_that_could_not_be_played_is_not_let_in(
    packed: Path, banks: Path, change: Callable[[Files], None], error: type[Exception], said: str
) -> None:
    repack(packed, change)
    assert refused(packed, banks, error) == said


def test_a_file_that_is_none_is_named(tmp_path: Path, banks: Path) -> None:
    gone = tmp_path / "gone.nampedal-bank"
    assert refused(gone, banks, FileAccessError) == "can't be read: no such file or directory"
    gone.write_bytes(b"nothing")
    assert refused(gone, banks, BankError) == ("is no bank, or is damaged: file is not a zip file; have it sent again")
    rewritten = tmp_path / "other.zip"
    with zipfile.ZipFile(rewritten, "w") as archive:
        archive.writestr("readme", b"")
    assert refused(rewritten, banks, BankError) == (
        "is no bank, or is damaged: it has no manifest.toml; have it sent again"
    )


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bits other ones, most of them where a zip says what it holds; or the end cut off."""
    if rng.random() < 0.25:
        return data[: rng.integers(len(data))]
    out = bytearray(data)
    ends = (4000, len(data) - 1200)
    for _ in range(rng.integers(1, 4)):
        low, high = ((0, ends[0]), (ends[1], len(data)), (0, len(data)))[rng.integers(3)]
        out[rng.integers(low, high)] ^= 1 << rng.integers(8)
    return bytes(out)


def test_whatever_the_bytes_it_is_the_bank_or_an_error_and_nothing_is_left_behind(
    rock: Path, packed: Path, banks: Path
) -> None:
    rng = np.random.default_rng(0)
    whole, wanted = packed.read_bytes(), contents(rock)
    banks.mkdir()
    taken = 0
    for number in range(MUTATIONS):
        packed.write_bytes(mutated(whole, rng))
        name = f"bank {number}"
        try:
            import_bank(packed, banks, name)
        except NampedalError as error:
            assert "\n" not in str(error)
            assert str(error).startswith(str(packed))
            assert list(banks.iterdir()) == []
        else:
            # What was changed says nothing: a time, a bit of an attribute.
            taken += 1
            assert contents(banks / name) == wanted
            (banks / name).rename(banks.parent / name)
    assert 0 < taken < MUTATIONS // 4
