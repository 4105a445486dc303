"""Bank files that were made to do harm: each is refused in one line, quickly, and in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import BankError, FileAccessError
from nampedal.firmware.base.files.file_names import clash
from nampedal.firmware.presets.banks.bank_file import export_bank, import_bank, read_contents
from support.makers.bad_bank import GIB, MIB, empty_entries, end, end64, manifest, write_bomb
from support.makers.bank_maker import make_bank, names

Members = dict[str, bytes]
# Imports a bank file. Prints the error, the peak of its memory in KiB, and how many bytes were unpacked.
# VmHWM, not getrusage: that one begins with the memory of the process that started this one.
PROGRAM = """
import json, re, sys, zipfile
from pathlib import Path
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.presets.banks.bank_file import import_bank

read, unpacked = zipfile.ZipExtFile.read, 0


def counted(self, size=-1):
    global unpacked
    data = read(self, size)
    unpacked += len(data)
    return data


zipfile.ZipExtFile.read = counted
try:
    import_bank(Path(sys.argv[1]), Path(sys.argv[2]))
    error = ""
except NampedalError as caught:
    error = str(caught)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps([error, int(peak), unpacked]))
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "rock.nampedal-bank"
    export_bank(make_bank(tmp_path / "here" / "rock"), path)
    return path


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def measured(path: Path, banks: Path) -> tuple[str, int, int]:
    """What an import in a process of its own says; its peak of memory, and how much it unpacked, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(banks)], capture_output=True, text=True, check=True
    )
    error, peak_kib, unpacked = json.loads(done.stdout)
    return error.removeprefix(f"{path}: "), peak_kib << 10, unpacked


def check_cheap(path: Path, banks: Path) -> str:
    """The line that refuses it. It takes less than 64 MiB, unpacks a manifest at most, and leaves nothing."""
    error, peak, unpacked = measured(path, banks)
    assert error
    assert "\n" not in error
    assert len(error) < 500
    assert peak < 64 * MIB, f"{peak / MIB:.0f} MiB"
    assert unpacked <= MIB
    assert list(banks.iterdir()) == []
    return error


def refused(path: Path, banks: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        import_bank(path, banks)
    assert list(banks.iterdir()) == []
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def repack(path: Path, change: Callable[[Members], None], *, listed: bool = True) -> None:
    """With other files; in its manifest too, if listed."""
    with zipfile.ZipFile(path) as archive:
        files = {name.removeprefix("bank/"): archive.read(name) for name in archive.namelist()[1:]}
        text = archive.read("manifest.toml")
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.toml", manifest(files) if listed else text)
        for name, data in files.items():
            archive.writestr(f"bank/{name}", data)


# ---- more than it says ----


def test_a_file_of_1_mb_that_unpacks_to_1_gib_is_refused_before_it_is_unpacked(tmp_path: Path, banks: Path) -> None:
    said = check_cheap(write_bomb(tmp_path / "lie.nampedal-bank", 10), banks)
    assert said == ("'big.wav' is not what the manifest says: 1,073,741,824 bytes of 10, or others; have it sent again")


def test_a_file_that_says_it_is_small_everywhere_is_unpacked_no_further(tmp_path: Path, banks: Path) -> None:
    path = write_bomb(tmp_path / "lie.nampedal-bank", 1000, 1000, "more.toml")
    assert check_cheap(path, banks) == (
        "is no bank, or is damaged: bad CRC-32 for file 'bank/more.toml'; have it sent again"
    )


def test_what_no_preset_names_is_not_unpacked_whatever_it_says(tmp_path: Path, banks: Path) -> None:
    error, peak, unpacked = measured(write_bomb(tmp_path / "lie.nampedal-bank", 1000, 1000), banks)
    assert error == ""
    assert names(banks) == ["lie/lead.toml"]
    assert peak < 64 * MIB
    assert unpacked < 1000


def test_a_preset_is_no_longer_than_a_preset_may_be(packed: Path, banks: Path) -> None:
    repack(packed, lambda files: files.update({"lead.toml": b"#" * (MIB + 1)}))
    assert refused(packed, banks, BankError) == ("'lead.toml' has 1,048,577 bytes; a preset has up to 1,048,576")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            b"a" + b".a" * 400_000 + b" = 1",
            "manifest.toml: is not TOML that is read here: a key has over 32 parts",
        ),
        (
            b'"a" . ' * 100_000 + b"b = 1",
            "manifest.toml: is not TOML that is read here: a key has over 32 parts",
        ),
        (
            b'format = 1\nname = "x"\nfile = [' + b"1," * 300_000 + b"]",
            "manifest.toml: file: is a list of something else; [[file]] tables are needed, one for each file",
        ),
        (
            b'format = 1\nname = "x"\n' + b'[[file]]\npath = "a"\nsha256 = "b"\nbytes = 1\n' * 20_000,
            "holds 20,000 files; up to 1,000 are taken: have it divided into two banks",
        ),
    ],
)
def test_a_manifest_that_takes_long_to_read_is_refused(tmp_path: Path, banks: Path, text: bytes, said: str) -> None:
    path = tmp_path / "long.nampedal-bank"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", text)
    assert check_cheap(path, banks) == said


def test_a_huge_manifest_is_not_read(tmp_path: Path, banks: Path) -> None:
    path = tmp_path / "long.nampedal-bank"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", bytes(64 * MIB))
    assert check_cheap(path, banks) == (
        "is no bank, or is damaged: manifest.toml is longer than 1,048,576 bytes; have it sent again"
    )


# ---- the zip itself ----


def test_a_million_members_are_refused_before_they_are_listed(tmp_path: Path, banks: Path) -> None:
    path, entries = tmp_path / "many.nampedal-bank", empty_entries(1_000_000)
    path.write_bytes(entries + end(0xFFFF, len(entries), 0))
    assert check_cheap(path, banks) == (
        "is no bank, or is damaged: its zip's directory is longer than 1,048,576 bytes; have it sent again"
    )


def test_a_member_without_a_name_is_refused(tmp_path: Path, banks: Path) -> None:
    path = tmp_path / "nameless.nampedal-bank"
    path.write_bytes(empty_entries(1) + end(1, 46, 0))
    assert refused(path, banks, BankError) == (
        "is no bank, or is damaged: a file in it has no name; have it sent again"
    )


def test_what_a_zip64_says_instead_counts(tmp_path: Path, banks: Path) -> None:
    path, entries = tmp_path / "many.nampedal-bank", empty_entries(1_000_000)
    path.write_bytes(entries + end64(1_000_000, len(entries), 0, len(entries)) + end(1, 46, 0))
    assert check_cheap(path, banks) == (
        "is no bank, or is damaged: its zip's directory is longer than 1,048,576 bytes; have it sent again"
    )
    path.write_bytes(entries + end64(1, 1 << 62, 0, len(entries)) + end(1, 46, 0))
    check_cheap(path, banks)


def test_members_that_fit_the_directory_are_counted(tmp_path: Path, banks: Path) -> None:
    path, entries = tmp_path / "many.nampedal-bank", empty_entries(20_000)
    path.write_bytes(entries + end(20_000, len(entries), 0))
    assert check_cheap(path, banks) == ("lists 20,000 files; up to 1,000 are taken: have it divided into banks")


def test_members_that_share_bytes_are_refused(packed: Path, banks: Path) -> None:
    data = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        places = {info.filename: info.header_offset for info in archive.infolist()}
    crunch, lead = (places[f"bank/{name}.toml"].to_bytes(4, "little") for name in ("crunch", "lead"))
    start = data.index(b"PK\1\2")
    packed.write_bytes(data[:start] + data[start:].replace(lead, crunch))
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: 'bank/lead.toml' shares bytes with another file; have it sent again"
    )


def test_an_extra_field_that_spans_the_next_member_is_refused(packed: Path, banks: Path) -> None:
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        at = archive.getinfo("bank/crunch.toml").header_offset
    # The length of the extra field in the local header (APPNOTE.TXT, 4.3.7).
    data[at + 28 : at + 30] = (300).to_bytes(2, "little")
    packed.write_bytes(data)
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: 'bank/lead.toml' shares bytes with another file; have it sent again"
    )


def test_an_encrypted_member_is_refused(packed: Path, banks: Path) -> None:
    data = packed.read_bytes()
    start = data.index(b"PK\1\2")
    # Bit 0 of the flags in the directory's entry (APPNOTE.TXT, 4.3.12).
    place = data.index(b"bank/lead.toml", start) - 46 + 8
    packed.write_bytes(data[:place] + b"\1" + data[place + 1 :])
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: 'bank/lead.toml' is packed in a way that is not read here; have it sent again"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused_before_anything_is_unpacked(packed: Path, banks: Path, method: int) -> None:
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data, method if name == "bank/amp.stomp" else zipfile.ZIP_STORED)
    assert refused(packed, banks, BankError) == (
        "is no bank, or is damaged: 'bank/amp.stomp' is packed in a way that is not read here; have it sent again"
    )


def test_a_file_that_was_cut_off_is_refused_wherever_it_was(packed: Path, banks: Path) -> None:
    data = packed.read_bytes()
    for cut in (1, len(data) // 4, len(data) // 2, len(data) - 1):
        packed.write_bytes(data[:cut])
        assert refused(packed, banks, BankError) == (
            "is no bank, or is damaged: file is not a zip file; have it sent again"
        )


def test_what_is_no_file_or_longer_than_any_bank_is_not_read(tmp_path: Path, banks: Path) -> None:
    pipe = tmp_path / "pipe.nampedal-bank"
    os.mkfifo(pipe)
    assert refused(pipe, banks, FileAccessError) == "can't be read: is no plain file"
    assert refused(tmp_path, banks, FileAccessError) == "can't be read: is no plain file"
    long = tmp_path / "long.nampedal-bank"
    with long.open("wb") as file:
        file.truncate(GIB)
    assert check_cheap(long, banks) == (
        "has 1,073,741,824 bytes; up to 136,314,880 are taken: have it divided into two banks"
    )


# ---- names ----


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cabs/v30.wav", "Cabs/V30.wav"),
        ("crunch.toml", "CRUNCH.toml"),
        ("caf\u00e9.wav", unicodedata.normalize("NFD", "caf\u00e9.wav")),
        ("lead.wav", "lead.wav."),
        ("cab", "CAB/one.wav"),
    ],
)
def test_names_that_are_one_file_on_some_computers_are_refused(packed: Path, banks: Path, one: str, other: str) -> None:
    repack(packed, lambda files: files.update({one: files.get(one, b"1"), other: b"2"}))
    assert refused(packed, banks, BankError) == (
        f"{one!r} and {other!r} can't both be there on every computer; have one of them renamed"
    )


def test_names_that_are_not_the_same_are_kept_apart() -> None:
    assert clash(["a.wav", "b.wav", "cabs/a.wav", "Cabs/b.wav", "cabs.wav", ".old", "..."]) is None


def test_such_a_bank_is_not_exported_either(tmp_path: Path) -> None:
    folder = make_bank(tmp_path / "rock")
    (folder / "LEAD.toml").write_bytes((folder / "lead.toml").read_bytes())
    with pytest.raises(BankError) as caught:
        export_bank(folder, tmp_path / "rock.nampedal-bank")
    assert str(caught.value).startswith(f"{folder}: can't be exported: ")
    assert str(caught.value).endswith(" can't both be there on every computer; rename one of them")


@pytest.mark.parametrize("name", ["/".join("abcdefghi"), "x" * 256, "a/" * 200_000 + "b"])
def test_a_name_that_no_folder_takes_is_refused(packed: Path, banks: Path, name: str) -> None:
    repack(packed, lambda files: files.clear(), listed=False)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.toml", manifest({name: b"x"}))
    said = refused(packed, banks, BankError)
    assert said.startswith("manifest.toml: file 1.path: has ")
    assert said.endswith(" letters; up to 8 of 255 bytes are taken")
    assert len(said) < 200


# ---- what nobody needs ----


def test_what_no_preset_names_is_left_out_and_told(packed: Path, banks: Path) -> None:
    def more(files: Members) -> None:
        files |= {".ssh/authorized_keys": b"ssh-ed25519 AAAA", "sub/run.sh": b"#!/bin/sh", "sub/x.toml": b"x = 1"}

    told: list[str] = []
    repack(packed, more)
    found = import_bank(packed, banks, on_note=told.append)
    assert names(found.folder) == ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]
    assert told == [
        f"{packed}: left out what no preset names: .ssh/authorized_keys, sub/run.sh, sub/x.toml",
    ]


def test_many_that_are_left_out_are_counted(packed: Path, banks: Path) -> None:
    told: list[str] = []
    repack(packed, lambda files: files.update({f"{number}.txt": b"" for number in range(9)}))
    import_bank(packed, banks, on_note=told.append)
    assert told == [f"{packed}: left out what no preset names: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more"]


def test_folders_and_what_computers_add_are_no_part_of_the_bank(packed: Path, banks: Path) -> None:
    """As other programs pack a folder again."""
    with zipfile.ZipFile(packed, "a") as archive:
        archive.mkdir("bank")
        archive.mkdir("bank/cabs")
        archive.writestr("__MACOSX/._lead.toml\n", b"x")
    told: list[str] = []
    found = import_bank(packed, banks, on_note=told.append)
    assert names(found.folder) == ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]
    assert told == [f"{packed}: left out what no preset names: '__MACOSX/._lead.toml\\n'"]


def test_its_size_is_what_it_takes_on_the_disk(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    files = {name.removeprefix("bank/"): data for name, data in members.items() if name != "manifest.toml"}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", manifest(files | {"junk": bytes(MIB)}))
        for name, data in (files | {"junk": bytes(MIB)}).items():
            archive.writestr(f"bank/{name}", data)
    assert read_contents(packed).size == sum(map(len, files.values()))
    assert read_contents(packed).left_out == ("junk",)


def test_a_bank_in_a_bank_is_not_looked_into(packed: Path, banks: Path) -> None:
    inner = packed.read_bytes()
    repack(packed, lambda files: files.update({"inner.nampedal-bank": inner, "inner.zip": inner}))
    told: list[str] = []
    assert "inner.zip" not in names(import_bank(packed, banks, on_note=told.append).folder)
    assert told == [f"{packed}: left out what no preset names: inner.nampedal-bank, inner.zip"]


def test_a_damaged_file_leaves_nothing_of_the_others(packed: Path, banks: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        files = {name.removeprefix("bank/"): archive.read(name) for name in archive.namelist()[1:]}
    listed = manifest(files)
    files["lead.toml"] = files["lead.toml"].replace(b"Lead", b"Evil")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.toml", listed)
        for name, data in files.items():
            archive.writestr(f"bank/{name}", data)
    size = len(files["lead.toml"])
    assert refused(packed, banks, BankError) == (
        f"'lead.toml' is not what the manifest says: {size:,} bytes of {size:,}, or others; have it sent again"
    )
