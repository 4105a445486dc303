"""What is read, and when: files that change while nobody asks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

import pytest
from nampedal.firmware.pedal.switching.file_watch import FileWatch, ScanResult, WatchedFiles
from nampedal.firmware.presets import preset, preset_content
from nampedal.firmware.presets.preset import Gain, Nam, Preset
from nampedal.firmware.presets.preset_content import Content, PresetContents
from support.makers.bank_maker import make_bank
from support.players.jack_server import wait_for

LOOK_S = 0.05


class Reads(PresetContents):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def read(self, path: Path, *, anew: bool = False) -> Content:
        self.count += 1
        return super().read(path, anew=anew)


class Watched:
    """A bank that is looked at, and everything that was seen of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = make_bank(folder)
        self.contents = Reads()
        self.view = FileWatch(self.contents, LOOK_S)
        self._seen: list[ScanResult] = []
        self.follow()

    def follow(self) -> None:
        paths = tuple(sorted(path for path in self.folder.glob("*.toml") if path.name != "bank.toml"))
        self.view.follow(WatchedFiles(paths, self.folder, self.folder.parent))

    def seen(self) -> list[ScanResult]:
        self._seen += self.view.take_results()
        return self._seen

    def saw(self, what: Callable[[ScanResult], bool]) -> bool:
        return any(what(one) for one in self.seen())

    def ask(self) -> ScanResult:
        number = self.view.ask()
        wait_for(lambda: self.saw(lambda one: number in one.asked))
        return next(one for one in self._seen if number in one.asked)

    def rest(self) -> None:
        """Until everything has been read that is there."""
        wait_for(lambda: self.saw(lambda one: one.bank is not None))
        self.looks()

    def looks(self, count: int = 3) -> None:
        """Waits for so many more looks."""
        looked = [0]
        look = self.view._poll

        def counted(followed: WatchedFiles, asked: tuple[int, ...]) -> None:
            look(followed, asked)
            looked[0] += 1

        self.view._poll = counted  # type: ignore[method-assign]
        wait_for(lambda: looked[0] > count)
        self.view._poll = look  # type: ignore[method-assign]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "banks" / "rock")
    yield made
    made.view.close()


def test_what_does_not_change_is_read_once(watched: Watched) -> None:
    watched.rest()
    count = watched.contents.count
    assert count == 2
    watched.looks(10)
    assert watched.contents.count == count
    assert all(one.bank is not None for one in watched.seen())


def test_a_file_that_is_still_being_copied_is_not_read(watched: Watched) -> None:
    watched.rest()
    before = watched.contents.count
    path = watched.folder / "amp.stomp"
    data = path.read_bytes()
    look = watched.view._poll
    written = [0]

    def copies(followed: WatchedFiles, asked: tuple[int, ...]) -> None:
        # A piece more before each look, as over a slow network.
        if written[0] < 12:
            written[0] += 1
            path.write_bytes(data[: len(data) * written[0] // 12])
            assert watched.contents.count == before
        look(followed, asked)

    watched.view._poll = copies  # type: ignore[method-assign]
    wait_for(lambda: watched.contents.count == before + 2)
    assert written[0] == 12


@pytest.mark.parametrize("mtime_s", [1, 4_000_000_000])
def test_a_clock_that_goes_back_hides_no_change(watched: Watched, mtime_s: int) -> None:
    watched.rest()
    path = watched.folder / "crunch.toml"
    preset.write(Preset("Other", (Nam("amp.stomp", 3.0),)), path)
    os.utime(path, (mtime_s, mtime_s))
    other = Preset("Other", (Nam("amp.stomp", 3.0),))
    wait_for(lambda: watched.saw(lambda one: path in one.contents and one.contents[path].preset == other))


def test_an_artifact_that_many_presets_name_is_read_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(15):
        preset.write(Preset(f"{number}", (Nam("amp.stomp", number),)), watched.folder / f"p{number}.toml")
    watched.follow()
    watched.rest()
    wait_for(lambda: watched.contents.count == 17)
    hashed: list[object] = []

    def counted(file: BufferedReader, how: str) -> object:
        hashed.append(file)
        return hashlib.file_digest(file, how)

    monkeypatch.setattr(preset_content, "file_digest", counted)
    path = watched.folder / "amp.stomp"
    path.write_bytes(path.read_bytes()[:-1])
    changed = {watched.folder / f"p{number}.toml" for number in range(15)}
    wait_for(lambda: watched.saw(lambda one: changed <= one.contents.keys() and bool(hashed)))
    assert len(hashed) == 1


def test_who_asks_has_everything_read_whatever_it_looks_like(watched: Watched) -> None:
    watched.rest()
    found = watched.ask()
    assert {path.stem for path in found.contents} == {"crunch", "lead"}
    assert found.banks == (watched.folder.resolve(),)
    assert found.bank is not None
    assert found.bank.preset_names == ["crunch", "lead"]


def test_a_folder_that_is_gone_is_a_problem_and_not_the_end(watched: Watched) -> None:
    watched.rest()
    aside = watched.folder.parent.with_name("aside")
    watched.folder.parent.rename(aside)
    found = watched.ask()
    folder = watched.folder.parent
    assert str(found.banks_problem) == f"{folder}: can't be read: no such file or directory"
    assert str(found.bank_problem) == f"{watched.folder}: can't be read: no such file or directory"
    assert all(one.problem for one in found.contents.values())
    aside.rename(folder)
    assert watched.ask().banks == (watched.folder.resolve(),)


def test_a_pipe_in_place_of_a_file_is_told_and_never_waited_for(watched: Watched) -> None:
    path = watched.folder / "amp.stomp"
    path.unlink()
    os.mkfifo(path)
    found = watched.ask().contents[watched.folder / "lead.toml"]
    assert found.problem == f"{path}: can't be read: is no file; put it there again"


@pytest.mark.parametrize("fails", ["read_any_bank", "banks_in"])
def test_an_edit_is_seen_though_the_folders_can_not_be_read_for_any_reason(
    tmp_path: Path, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.toml"
    preset.write(Preset("one", (Gain(1.0),)), path)

    def fail(*args: object) -> None:
        raise OverflowError("of two\nlines")

    monkeypatch.setattr(f"nampedal.firmware.pedal.switching.file_watch.{fails}", fail)
    watch = FileWatch(PresetContents(), 0.01)
    watch.follow(WatchedFiles((path,), tmp_path, tmp_path.parent))
    number = watch.ask()
    seen: list[ScanResult] = []

    def answered() -> bool:
        seen.extend(watch.take_results())
        return any(number in one.asked for one in seen)

    wait_for(answered)
    watch.close()
    problems = [str(one.bank_problem or one.banks_problem) for one in seen if one.bank_problem or one.banks_problem]
    assert all(line.endswith(": can't be read: OverflowError: of two lines") for line in problems)
    assert problems
    assert any(path in one.contents for one in seen)


def test_a_mistake_in_bank_toml_leaves_the_order_that_is_played(tmp_path: Path) -> None:
    folder = make_bank(tmp_path / "rock")
    watch = FileWatch(PresetContents(), LOOK_S)
    try:
        watch.follow(WatchedFiles((folder / "lead.toml", folder / "crunch.toml"), folder))
        (folder / "bank.toml").write_text("format = 1\nname = Rock\n")
        preset.write(Preset("New", (Nam("amp.stomp"),)), folder / "a new one.toml")
        found: list[ScanResult] = []

        def is_seen() -> bool:
            found.extend(watch.take_results())
            return any(one.bank is not None and "a new one" in one.bank.preset_names for one in found)

        wait_for(is_seen)
        assert found[-1].bank is not None
        assert found[-1].bank.preset_names == ["lead", "crunch", "a new one"]
        assert "bank.toml: is not TOML: invalid value (at line 2, column 8)" in str(found[-1].bank_problem)
    finally:
        watch.close()
