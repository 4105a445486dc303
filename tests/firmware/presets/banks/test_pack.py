"""Zips as sites deliver them become banks, within the limits of a bank file."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import AlreadyExistsError, BankError, NampedalError
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import check_all_presets, read_bank
from nampedal.firmware.presets.banks.bank_edit import add
from nampedal.firmware.presets.banks.bank_edit import make_bank as make_new
from nampedal.firmware.presets.banks.bank_file import export_bank
from nampedal.firmware.presets.banks.pack import import_pack, is_pack, unpacked
from support.makers.bank_maker import amp, make_bank, names

RICH = ["amp.stomp", "cabs/v30.wav", "crunch.toml", "lead.toml"]


def zipped(path: Path, files: dict[str, bytes], *, deflated: bool = True) -> Path:
    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def rock(tmp_path: Path) -> dict[str, bytes]:
    folder = make_bank(tmp_path / "made" / "rock")
    return {name: (folder / name).read_bytes() for name in names(folder)}


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    folder = tmp_path / "banks"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("top", ["", "rock/", "download/rock/rock/", "download\\rock\\"])
def test_a_folder_that_was_packed_is_a_bank_however_deep_it_lies(
    top: str, rock: dict[str, bytes], banks: Path, tmp_path: Path
) -> None:
    clutter = {"__MACOSX/._amp.stomp": b"\0", f"{top}._amp.stomp": b"\0", f"{top}Thumbs.db": b"\0", ".DS_Store": b"\0"}
    path = zipped(tmp_path / "Rock pack (1).zip", clutter | {top + name: data for name, data in rock.items()})
    told: list[str] = []
    assert is_pack(path)
    assert import_pack(path, banks, "Rock pack (1)", on_note=told.append) == [banks / "Rock pack (1)"]
    assert names(banks / "Rock pack (1)") == RICH
    assert told == []
    assert all(
        not entry.missing and not entry.problems for entry in check_all_presets(read_bank(banks / "Rock pack (1)"))
    )


def test_each_folder_of_presets_is_a_bank(rock: dict[str, bytes], banks: Path, tmp_path: Path) -> None:
    files = {f"all/{top}/{name}": data for top in ("blues", "metal") for name, data in rock.items()}
    path = zipped(tmp_path / "all.zip", files)
    assert import_pack(path, banks, "all") == [banks / "all", banks / "all metal"]
    assert names(banks / "all") == names(banks / "all metal") == RICH
    with pytest.raises(AlreadyExistsError):
        import_pack(path, banks, "all")
    assert sorted(one.name for one in banks.iterdir()) == ["all", "all metal"]


def test_artifacts_alone_become_a_bank_with_a_preset_each(banks: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "amps.zip", {"amps/clean/1.STOMP": amp(), "amps/lead/1.stomp": amp(), "info.txt": b""})
    import_pack(path, banks, "amps")
    assert names(banks / "amps") == ["clean 1.toml", "clean/1.STOMP", "lead 1.toml", "lead/1.stomp"]
    assert preset.read(banks / "amps" / "clean 1.toml").blocks == (preset.Nam("clean/1.STOMP"),)


def test_what_can_not_be_played_is_told_by_name(banks: Path, tmp_path: Path) -> None:
    captures = {f"pack/{number}.nam": b"{}" for number in range(7)}
    with pytest.raises(BankError) as caught:
        import_pack(zipped(tmp_path / "nams.zip", captures), banks, "nams")
    assert str(caught.value) == (
        f"{tmp_path}/nams.zip: holds captures that are not converted yet (0.nam, 1.nam, 2.nam, 3.nam, 4.nam and 2 "
        "more); make artifacts of them with 'nampedal convert' on a computer"
    )
    with pytest.raises(BankError, match=r"holds no presets and no \.stomp artifacts"):
        import_pack(zipped(tmp_path / "photos.zip", {"a.jpg": b"x"}), banks, "photos")
    assert list(banks.iterdir()) == []


def test_what_no_preset_names_is_left_out_and_told(rock: dict[str, bytes], banks: Path, tmp_path: Path) -> None:
    told: list[str] = []
    path = zipped(tmp_path / "rock.zip", rock | {"more/1.nam": b"{}", "readme.txt": b"hello", "cab.wav": b"x"})
    import_pack(path, banks, "rock", on_note=told.append)
    assert names(banks / "rock") == RICH
    assert told == [f"{path}: left out what no preset names: cab.wav, more/1.nam"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("../evil.stomp", "leads out of the zip; do not trust this pack"),
        ("/evil.stomp", "leads out of the zip; do not trust this pack"),
        ("..\\evil.stomp", "leads out of the zip; do not trust this pack"),
        ("C:\\evil.stomp", "leads out of the zip; do not trust this pack"),
        ("/".join("abcdefghij") + "/evil.stomp", "parts; up to 8"),
        ("a" * 251 + ".stomp", "parts; up to 8"),
    ],
)
def test_no_name_leads_out(name: str, what: str, rock: dict[str, bytes], banks: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "evil.zip", rock | {name: b"x"})
    with pytest.raises(BankError, match=what):
        import_pack(path, banks, "evil")
    assert list(banks.iterdir()) == []
    assert not (tmp_path / "evil.stomp").exists()


def test_a_member_that_unpacks_to_too_much_is_never_unpacked(banks: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"bomb.stomp": b"\0" * (129 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(BankError, match=r"holds 1 files of 135,266,304 bytes; up to 1000 of 134,217,728"):
        import_pack(path, banks, "bomb")


def test_two_that_are_one_file_elsewhere_are_refused(banks: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", {"Amp.stomp": amp(), "amp.STOMP": amp()})
    with pytest.raises(BankError, match="can't both be there on every computer"):
        import_pack(path, banks, "two")


def test_names_of_macos_are_read_as_utf_8(banks: Path, tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "Größe.stomp")
    path = zipped(tmp_path / "mac.zip", {"XXXXXXXX.stomp": amp()}, deflated=False)
    raw = name.encode()
    plain = b"XXXXXXXX.stomp"
    assert len(raw) == len(plain)
    # As macOS packs it: UTF-8, and nothing says so.
    path.write_bytes(path.read_bytes().replace(plain, raw))
    import_pack(path, banks, "mac")
    assert names(banks / "mac") == sorted([name, f"{unicodedata.normalize('NFD', 'Größe')}.toml"])


def test_a_bank_file_that_a_browser_has_renamed_is_one_still(tmp_path: Path) -> None:
    folder = make_bank(tmp_path / "rock")
    export_bank(folder, tmp_path / "rock.nampedal-bank")
    (tmp_path / "rock.nampedal-bank").rename(tmp_path / "rock.zip")
    assert not is_pack(tmp_path / "rock.zip")


def test_a_pack_and_a_folder_are_added_to_a_bank(rock: dict[str, bytes], tmp_path: Path) -> None:
    make_new(tmp_path / "new")
    path = zipped(
        tmp_path / "rock.ZIP", {f"rock/{name}": data for name, data in rock.items()} | {"rock/x/B.STOMP": amp()}
    )
    added = [one.name for one in add(tmp_path / "new", [path])]
    assert sorted(added) == sorted(["B.STOMP", "B.toml", *RICH])
    make_new(tmp_path / "other")
    folder = tmp_path / "made" / "rock"
    (folder / "._amp.stomp").write_bytes(b"\0")
    (folder / "a.nam").write_bytes(b"{}")
    assert sorted(one.name for one in add(tmp_path / "other", [folder])) == RICH


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"a.nam": b"{}"}, "holds captures that are not converted yet; make artifacts of them with 'nampedal convert'"),
        ({"a.txt": b""}, "holds no preset, artifact or impulse response"),
        ({"a.stomp": b"<html>"}, "is a web page (HTML)"),
    ],
)
def test_what_is_wrong_in_a_pack_is_told_by_its_own_name(files: dict[str, bytes], what: str, tmp_path: Path) -> None:
    make_new(tmp_path / "new")
    path = zipped(tmp_path / "x.zip", files)
    with pytest.raises(NampedalError) as caught:
        add(tmp_path / "new", [path])
    assert str(caught.value).startswith(f"{path}")
    assert what in str(caught.value)


def test_a_damaged_zip_is_one_line_and_leaves_nothing(rock: dict[str, bytes], banks: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "rock.zip", rock)
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            import_pack(path, banks, f"rock {at}")
        except NampedalError as error:
            assert str(error).isprintable()
    assert not [one for one in banks.iterdir() if one.name.startswith(".")]
    with unpacked(zipped(path, rock)) as folder:
        assert names(folder) == RICH
    assert not folder.exists()
