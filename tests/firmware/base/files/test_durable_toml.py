"""A plug that is pulled at any moment leaves the old version or the new one."""

from __future__ import annotations

import itertools
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import (
    SettingsSyntaxError,
    SettingsUnreadableError,
    SettingsUnwritableError,
    TornFileError,
)
from nampedal.firmware.base.files.durable_toml import (
    HEAD,
    add_checksum,
    backup_path,
    check_overwritable,
    read_safely,
    remove_safely,
    strip_checksum,
    write_safely,
)

OLDEST, OLD, NEW = b'name = "oldest"\n', b'name = "old"\n', b'name = "new"\nlevel_db = -3.0\n'
LONG = NEW + b"".join(b"setting_%d = %d\n" % (number, number) for number in range(40))
STEPS = 14


class PowerCutError(BaseException):
    """Nothing runs after it."""


class Inode:
    """A file's contents: as the program sees them, and as they are on the disk for certain."""

    def __init__(self, data: bytes, synced: bytes | None) -> None:
        self.data = data
        self.synced = synced

    def after(self) -> set[bytes]:
        """What a power cut may leave: what was never synced may be there, in part, as zeros, or not at all."""
        if self.data == self.synced:
            return {self.data}
        return {self.data, self.data[: len(self.data) // 2], b"\0" * len(self.data), b"", self.synced or b""}


class Disk:
    """Watches what a program does in a folder, and stops it after so many steps.

    Contents are certain once their file is synced, names once the folder is; until then each may be as before or as
    now.
    """

    def __init__(self, folder: Path, steps: int, part: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = steps
        # Of the write that the power fails in, so many bytes are written still.
        self.part = part
        self.names = {path.name: Inode(path.read_bytes(), path.read_bytes()) for path in folder.iterdir()}
        self.certain = dict(self.names)
        self._open: dict[int, Inode | None] = {}
        for name in ("open", "write", "fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self._watched(getattr(self, name), getattr(os, name)))

    def _watched(self, model: object, real: object) -> object:
        def call(*arguments: object) -> object:
            if self.steps <= 0:
                if model == self.write and self.part is not None:
                    file, data = arguments
                    self.write(0, file, bytes(data)[: self.part])  # type: ignore[arg-type, call-overload]
                    self.part = None
                raise PowerCutError
            self.steps -= 1
            result = real(*arguments)  # type: ignore[operator]
            model(result, *arguments)  # type: ignore[operator]
            return result

        return call

    def open(self, file: int, path: Path, flags: int, mode: int = 0) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            self._open[file] = None
        else:
            self._open[file] = self.names[path.name] = Inode(b"", None)

    def write(self, written: int, file: int, data: bytes) -> None:
        inode = self._open[file]
        assert inode is not None
        inode.data += bytes(data)

    def fsync(self, _: None, file: int) -> None:
        inode = self._open[file]
        if inode is None:
            self.certain = dict(self.names)
        else:
            inode.synced = inode.data

    def replace(self, _: None, source: Path, target: Path) -> None:
        self.names[target.name] = self.names.pop(source.name)

    def unlink(self, _: None, path: Path) -> None:
        del self.names[path.name]

    def after(self) -> Iterator[dict[str, bytes]]:
        """Every folder that the power cut may leave."""
        choices = []
        for name in sorted(self.names.keys() | self.certain.keys()):
            inodes = [names.get(name) for names in (self.certain, self.names)]
            choices.append({(name, data) for inode in inodes for data in (inode.after() if inode else {None})})
        for folder in itertools.product(*choices):
            yield {name: data for name, data in folder if data is not None}


def reboots(
    tmp_path: Path, steps: int, part: int | None = None, *, new: bytes = NEW, syncs: bool = True
) -> tuple[list[bytes], bool]:
    """What is read after each reboot that may follow, and whether the power was cut at all."""
    folder = tmp_path / "before"
    folder.mkdir(exist_ok=True)
    path = folder / "a.toml"
    for left in folder.iterdir():
        left.unlink()
    write_safely(path, OLDEST)
    write_safely(path, OLD)
    cut = False
    with pytest.MonkeyPatch.context() as monkeypatch:
        disk = Disk(folder, steps, part, monkeypatch)
        if not syncs:
            monkeypatch.setattr(os, "fsync", lambda *_: None)
        try:
            write_safely(path, new)
        except PowerCutError:
            cut = True
    # The cut was where it was meant to be.
    assert disk.part is None
    found = []
    for number, after in enumerate(disk.after()):
        reboot = tmp_path / f"{number}"
        reboot.mkdir(exist_ok=True)
        for left in reboot.iterdir():
            left.unlink()
        for name, data in after.items():
            (reboot / name).write_bytes(data)
        try:
            found.append(strip_checksum(read_safely(reboot / "a.toml").data))
        except (SettingsUnreadableError, SettingsSyntaxError, TornFileError):
            found.append(b"neither")
    return found, cut


@pytest.mark.parametrize("steps", range(STEPS))
def test_a_cut_at_any_step_leaves_the_old_version_or_the_new_one(tmp_path: Path, steps: int) -> None:
    found, cut = reboots(tmp_path, steps)
    assert cut
    assert found
    assert set(found) <= {OLD, NEW}


def test_a_write_takes_no_more_steps_and_is_there_for_certain_afterwards(tmp_path: Path) -> None:
    found, cut = reboots(tmp_path, STEPS)
    assert not cut
    assert set(found) == {NEW}


def test_a_cut_at_any_byte_leaves_the_old_version(tmp_path: Path) -> None:
    # Of the older version's copy, and of the newest: with the steps, more than a thousand cuts.
    assert len(add_checksum(OLD)) + len(add_checksum(LONG)) + STEPS > 1000
    for step in (1, 8):
        for part in range(len(add_checksum(OLD if step == 1 else LONG))):
            found, cut = reboots(tmp_path, step, part, new=LONG)
            assert cut
            assert set(found) == {OLD}


def test_the_simulated_disk_bites_where_nothing_is_synced(tmp_path: Path) -> None:
    assert "neither" in {one.decode() for one in reboots(tmp_path, STEPS, syncs=False)[0]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A newer version and an older one."""
    path = tmp_path / "a.toml"
    write_safely(path, OLD)
    write_safely(path, NEW)
    return path


def test_the_newest_version_is_read_and_one_older_one_is_kept(path: Path) -> None:
    stored = read_safely(path)
    assert (strip_checksum(stored.data), stored.warning, stored.changed) == (NEW, "", False)
    assert backup_path(path).read_bytes() == add_checksum(OLD)
    assert sorted(one.name for one in path.parent.iterdir()) == [".a.toml.old", "a.toml"]


def test_a_written_file_is_toml_between_a_line_for_people_and_its_checksum() -> None:
    assert add_checksum(b"a = 1") == (
        b"# Written by nampedal. Edit what you like; the first and the last line stay, or go together.\n"
        b"a = 1\n"
        b"# sha256: b34c5e1b230532f8b230dd5eed978d0be164d0145cb7b96fc4b1c6d1f6a37da5\n"
    )


@given(st.binary(max_size=200))
def test_a_seal_comes_off_again_and_never_twice(data: bytes) -> None:
    if not data.startswith(HEAD.rstrip()):
        ending = b"\r\n" if data.partition(b"\n")[0].endswith(b"\r") and b"\n" in data else b"\n"
        assert strip_checksum(add_checksum(data)) == (data if data.endswith(b"\n") or not data else data + ending)
        assert add_checksum(add_checksum(data)) == add_checksum(data)


@pytest.mark.parametrize("length", range(len(add_checksum(NEW)) - 1))
def test_a_file_that_was_cut_off_anywhere_gives_way_to_the_older_version(path: Path, length: int) -> None:
    path.write_bytes(add_checksum(NEW)[:length])
    stored = read_safely(path)
    assert strip_checksum(stored.data) == OLD
    assert stored.warning.startswith(f"{path}: ")
    assert stored.warning.endswith("; the version before is used")
    # All but the end of the last line is all.
    path.write_bytes(add_checksum(NEW)[:-1])
    assert strip_checksum(read_safely(path).data) == NEW


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (b"", "holds nothing; restore it from a copy, or remove it"),
        (b"\0" * 300, "is not TOML: it holds zero bytes (at line 1), as a copy that broke off has: copy it again"),
        (
            add_checksum(NEW)[:120] + b"\0" * 60,
            "is not TOML: it holds zero bytes (at line 3), as a copy that broke off has",
        ),
        (add_checksum(NEW)[:120], "is cut off: its last line, '# sha256: ...', is missing; restore it from a copy"),
        (add_checksum(NEW).replace(b"level", b"\0\0\0\0\0"), "is not TOML: "),
        (b"\xff" * 300, "is not TOML: it is not UTF-8, nor any other text: copy it again"),
        (add_checksum(b""), "holds nothing; restore it from a copy, or remove it"),
    ],
)
def test_what_a_failing_card_makes_of_a_file_gives_way_to_the_older_version_or_is_named(
    path: Path, damage: bytes, text: str
) -> None:
    path.write_bytes(damage)
    stored = read_safely(path)
    assert strip_checksum(stored.data) == OLD
    assert stored.warning.startswith(f"{path}: {text}")
    backup_path(path).unlink()
    with pytest.raises((TornFileError, SettingsSyntaxError)) as caught:
        read_safely(path)
    assert str(caught.value).startswith(f"{path}: {text}")
    assert "\n" not in str(caught.value)


def test_of_two_torn_versions_the_newest_is_named(path: Path) -> None:
    path.write_bytes(b"")
    backup_path(path).write_bytes(b"\0")
    with pytest.raises(TornFileError) as caught:
        read_safely(path)
    assert str(caught.value) == f"{path}: holds nothing; restore it from a copy, or remove it"


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.replace(b"new", b"mine"),
        lambda data: data + b"bass = 6\n",
        lambda data: b"# loud\n" + data,
    ],
)
def test_an_edit_counts_and_is_told_from_what_nampedal_wrote(path: Path, edit: object) -> None:
    edited = edit(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(edited)
    stored = read_safely(path)
    assert (stored.data, stored.warning, stored.changed) == (edited, "", True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_an_editor_only_saves_again_is_what_nampedal_wrote(path: Path, encoding: str, end: str) -> None:
    written = path.read_bytes()
    path.write_bytes(written.decode().replace("\n", end).encode(encoding))
    stored = read_safely(path)
    assert (stored.data, stored.warning, stored.changed) == (written, "", False)
    path.write_bytes(written.replace(b"new", b"mine").decode().replace("\n", end).encode(encoding))
    stored = read_safely(path)
    assert (stored.data, stored.warning, stored.changed) == (written.replace(b"new", b"mine"), "", True)
    write_safely(path, stored.data)
    assert path.read_bytes().count(b"Written by") == 1


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda data: b'name = "mine', "the quote that ends the text is missing"),
        (lambda data: b"level_db = 1,5\n", "a decimal point is needed, as 1.5"),
        (lambda data: data.replace(b'"new"', b"new"), 'a text stands in "straight quotes"'),
        (lambda data: 'name = "Größe"\n'.encode("cp1252"), "it is not UTF-8 (at line 1); save it as UTF-8"),
        (lambda data: "name = \u201cnew\u201d\n".encode(), "quotes are curly there"),
    ],
)
def test_a_mistake_in_an_edit_is_told_and_no_older_version_takes_its_place(
    path: Path, edit: Callable[[bytes], bytes], text: str
) -> None:
    edited = edit(path.read_bytes())
    path.write_bytes(edited)
    with pytest.raises(SettingsSyntaxError, match=re.escape(text)) as caught:
        read_safely(path)
    assert str(caught.value).startswith(f"{path}: is not TOML: ")
    with pytest.raises(SettingsUnwritableError, match="it is not written over: mend or remove it"):
        check_overwritable(path)
    assert path.read_bytes() == edited
    path.write_bytes(b"\0" * 9)
    check_overwritable(path)


def test_a_file_that_a_person_wrote_has_no_seal_and_counts(path: Path) -> None:
    path.write_bytes(b"a = 1")
    stored = read_safely(path)
    assert (stored.data, stored.warning, stored.changed) == (b"a = 1", "", False)


def test_an_edited_file_is_sealed_once_when_it_is_written_again(path: Path) -> None:
    edited = b"# loud\r\n" + path.read_bytes().replace(b"new", b"mine").replace(b"\n", b"\r\n")
    write_safely(path, edited)
    assert path.read_bytes().count(b"sha256") == 1
    assert path.read_bytes().count(b"Written by") == 1
    assert tomllib.loads(path.read_text()) == {"name": "mine", "level_db": -3.0}
    assert not read_safely(path).changed


def test_a_torn_file_never_becomes_the_older_version(path: Path) -> None:
    path.write_bytes(b"")
    write_safely(path, NEW)
    assert backup_path(path).read_bytes() == add_checksum(OLD)


def test_what_never_ends_is_not_waited_for(path: Path) -> None:
    path = path.with_name("b.toml")
    os.mkfifo(path)
    with pytest.raises(SettingsUnreadableError) as caught:
        read_safely(path)
    assert str(caught.value) == f"{path}: can't be read: is no file"
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(SettingsUnreadableError):
        read_safely(path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SettingsUnreadableError) as caught:
        read_safely(path)
    assert str(caught.value) == f"{path}: can't be read: is longer than 4,194,304 bytes"


def test_a_file_that_is_gone_does_not_come_back(path: Path) -> None:
    path.unlink()
    with pytest.raises(SettingsUnreadableError) as caught:
        read_safely(path)
    assert str(caught.value) == f"{path}: can't be read: no such file or directory"


def test_a_file_is_removed_with_its_older_version(path: Path) -> None:
    remove_safely(path)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(SettingsUnwritableError) as caught:
        remove_safely(path)
    assert str(caught.value) == f"{path}: can't be removed: no such file or directory"
