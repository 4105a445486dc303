from __future__ import annotations

from pathlib import Path

from nampedal.firmware.base.files.env_file import parse_environment, read_environment


def test_an_environment_file_is_read_as_systemd_does() -> None:
    text = "# a comment\n; another\n\nA=1\n B = two words \nC=\"in 'double' quotes\"\nD='single'\nE=a=b\nnonsense\n"
    assert parse_environment(text) == {
        "A": "1",
        "B": "two words",
        "C": "in 'double' quotes",
        "D": "single",
        "E": "a=b",
    }


def test_settings_that_are_not_there_say_nothing(tmp_path: Path) -> None:
    assert read_environment(tmp_path / "pedal.env") == {}
    (tmp_path / "pedal.env").write_bytes(b"A=\xff\n")
    assert read_environment(tmp_path / "pedal.env") == {"A": "\ufffd"}
