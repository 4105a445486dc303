from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import NewerFormatError, SettingsUnwritableError, SettingValueError
from nampedal.firmware.base.files import toml_schema


def test_tables_come_behind_what_they_would_swallow() -> None:
    values = {"a": {"b": {"c": 1}, "d": 2.5}, "e": 'a "quoted" \\ text', "f": ["g", "h"], "i": True, "j": ()}
    assert tomllib.loads(toml_schema.to_toml(values).decode()) == values | {"j": []}


def test_a_saved_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fsync, replace = os.fsync, os.replace

    def synced(fd: int) -> None:
        calls.append("folder" if os.path.samestat(os.fstat(fd), tmp_path.stat()) else "file")
        fsync(fd)

    def replaced(source: Path, target: Path) -> None:
        calls.append(f"rename to {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    toml_schema.save(b"a = 1\n", tmp_path / "a.toml")
    assert calls == ["file", "rename to a.toml", "folder"]
    assert (tmp_path / "a.toml").read_bytes() == b"a = 1\n"


def test_a_failed_save_leaves_what_was_there_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsUnwritableError) as caught:
        toml_schema.save(b"new", path)
    assert str(caught.value) == f"{path}: can't be written: no space left on device"
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a.toml", b"old")]


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "boards").write_text("no folder")
    path = tmp_path / "boards" / "a.toml"
    with pytest.raises(SettingsUnwritableError) as caught:
        toml_schema.save(b"a = 1\n", path)
    assert str(caught.value) == f"{path}: can't be written: file exists"


def test_a_format_is_looked_at_before_keys_that_only_a_newer_nampedal_knows() -> None:
    toml_schema.check_format("a.toml", {"format": 2}, 3)
    with pytest.raises(NewerFormatError) as newer:
        toml_schema.check_format("a.toml", {"format": 4, "colour": "red"}, 3)
    assert str(newer.value) == (
        "a.toml: format: is 4; it was written by a newer nampedal, and up to 3 is read here: update nampedal"
    )
    with pytest.raises(SettingValueError) as wrong:
        toml_schema.check_format("a.toml", {"format": "1"}, 3)
    assert str(wrong.value) == "a.toml: format: is '1'; a whole number from 1 to 3 is needed"
    with pytest.raises(SettingValueError) as missing:
        toml_schema.check_format("a.toml", {}, 3)
    assert str(missing.value) == "a.toml: format: is missing, and needed"


def test_a_write_of_a_few_bytes_at_a_time_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    toml_schema.replace_file(b"0123456789", tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == b"0123456789"
