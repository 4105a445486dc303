"""A player's settings onto the card that was written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import (
    DeployError,
    FileAccessError,
    NampedalError,
    ProgramError,
    SettingsSyntaxError,
    SettingsUnreadableError,
)
from nampedal.firmware.system.flash.card_writer import open_card, write_image
from nampedal.firmware.system.flash.disks import find_disk
from nampedal.firmware.system.flash.first_settings import (
    FirstSettings,
    check_tools,
    copy_settings,
    fat_offset,
    read_settings,
)
from nampedal.firmware.system.flash.image_reader import Image, read_image
from support.makers.disk_image import FAT_START, fat_bytes, image_bytes
from support.makers.disk_image import write_image as write_file
from support.rigs.loop_disk import MIB, loop_disk, run

TEXT = b'host_name = "stage-left"\n'


@contextmanager
def quiet(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


@pytest.fixture
def settings(tmp_path: Path) -> FirstSettings:
    (tmp_path / "mine.toml").write_bytes(TEXT)
    return read_settings(tmp_path / "mine.toml")


def image_of(folder: Path, data: bytes) -> Image:
    return read_image(write_file(folder / "pedal.img", data), quiet)


def refusal(error: type[NampedalError], what: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        what()
    return str(caught.value)


def test_settings_get_onto_the_card_and_replace_what_is_there(tmp_path: Path, settings: FirstSettings) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mcopy is not installed")
    image = image_of(tmp_path, image_bytes(fat=fat_bytes(tmp_path)))
    with loop_disk(tmp_path / "backing") as loop, open_card(find_disk(loop)) as card:
        write_image(image, card, quiet)
        for one in (FirstSettings(settings.path, b"a = 1\n"), settings):
            copy_settings(one, card, fat_offset(image))
        assert run("mdir", "-b", "-i", f"{tmp_path}/backing@@{FAT_START}", "::") == "::/nampedal.toml\n"
        assert run("mtype", "-i", f"{tmp_path}/backing@@{FAT_START}", "::nampedal.toml").encode() == TEXT


def test_profiles_that_the_settings_name_are_copied_too(tmp_path: Path) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mcopy is not installed")
    (tmp_path / "mine.toml").write_bytes(b'pedal = "my-pedal.toml"\nhat = "gone.toml"\n')
    (tmp_path / "my-pedal.toml").write_bytes(b"format = 1\n")
    settings = read_settings(tmp_path / "mine.toml")
    image = image_of(tmp_path, image_bytes(fat=fat_bytes(tmp_path)))
    with loop_disk(tmp_path / "backing") as loop, open_card(find_disk(loop)) as card:
        write_image(image, card, quiet)
        copy_settings(settings, card, fat_offset(image))
        where = f"{tmp_path}/backing@@{FAT_START}"
        assert run("mdir", "-b", "-i", where, "::") == "::/nampedal.toml\n::/my-pedal.toml\n"
        assert run("mtype", "-i", where, "::my-pedal.toml") == "format = 1\n"


@pytest.mark.parametrize("name", ["../other.toml", "/etc/other.toml", "pi-4-usb", "."])
def test_what_is_no_file_beside_the_settings_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "nampedal.toml").write_text(f'pedal = "{name}"\n')
    assert read_settings(tmp_path / "nampedal.toml").beside == ()


def test_a_card_without_fat_says_what_to_do(tmp_path: Path, settings: FirstSettings) -> None:
    if shutil.which("mcopy") is None:
        pytest.skip("mcopy is not installed")
    with loop_disk(tmp_path / "backing") as loop, open_card(find_disk(loop)) as card:
        said = refusal(FileAccessError, lambda: copy_settings(settings, card, MIB))
    assert said.startswith(f"{tmp_path}/mine.toml: is not on the card, which is written but for it: ")
    assert said.endswith("; copy it onto the card's first partition as nampedal.toml")
    assert "\n" not in said


def test_an_image_without_fat_is_refused(tmp_path: Path) -> None:
    data = bytearray(image_bytes())
    assert fat_offset(image_of(tmp_path, bytes(data))) == FAT_START
    data[450] = 0x83
    image = image_of(tmp_path, bytes(data))
    assert refusal(DeployError, lambda: fat_offset(image)) == (
        f"{tmp_path}/pedal.img: its first partition is not FAT; leave out --settings"
    )


def test_settings_that_are_no_toml_are_refused(tmp_path: Path) -> None:
    assert refusal(SettingsUnreadableError, lambda: read_settings(tmp_path / "gone.toml")) == (
        f"{tmp_path}/gone.toml: can't be read: no such file or directory"
    )
    (tmp_path / "mine.toml").write_text("host_name = stage")
    said = refusal(SettingsSyntaxError, lambda: read_settings(tmp_path / "mine.toml"))
    assert said.startswith(f"{tmp_path}/mine.toml: is not TOML: ")


def test_the_program_that_copies_is_named_where_it_is_missing(
    tmp_path: Path, settings: FirstSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(ProgramError, lambda: check_tools(settings)) == (
        f"{tmp_path}/mine.toml: the program mcopy, which puts it onto the card, is not installed: sudo apt "
        "install mtools"
    )
