from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError, ProgramError
from nampedal.firmware.system.image.sources import mirrors, root_packages
from nampedal.firmware.system.image.sources.mirrors import Mirrors
from nampedal.firmware.system.image.sources.suites import BASES

MIRRORS = Mirrors("http://near/debian", "http://near/pi")


class Bootstrap:
    """In mmdebstrap's place. fails: from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.fails = False
        monkeypatch.setattr(root_packages, "run_in_namespace", self.run)
        monkeypatch.setattr(mirrors, "own_archives", dict)

    def run(
        self, *command: str, text: str | None = None, explain: Callable[[str], DeployError | None] | None = None
    ) -> str:
        self.commands.append(command)
        Path(command[-2]).write_text(text or "")
        if self.fails:
            raise ProgramError("image: mmdebstrap failed: no network")
        return ""


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Bootstrap:
    return Bootstrap(monkeypatch)


def fetch(cache: Path, *names: str, fresh: bool = False) -> root_packages.Packages:
    return root_packages.fetch(BASES["debian"], "bookworm", names, MIRRORS, cache, fresh, lambda said: None)


def test_packages_are_fetched_once(bootstrap: Bootstrap, tmp_path: Path) -> None:
    first = fetch(tmp_path, "jackd2")
    assert [("minbase" in str(each), "extract" in str(each)) for each in bootstrap.commands] == [
        (True, False),
        (False, True),
    ]
    assert "--include=jackd2" in bootstrap.commands[0]
    assert fetch(tmp_path, "jackd2") == first
    assert len(bootstrap.commands) == 2


def test_other_packages_are_another_root_and_the_same_kernel(bootstrap: Bootstrap, tmp_path: Path) -> None:
    first, second = fetch(tmp_path, "jackd2"), fetch(tmp_path, "jackd2", "zstd")
    assert first.root != second.root
    assert first.kernel == second.kernel
    assert len(bootstrap.commands) == 3


def test_fresh_ones_take_the_place_of_those_that_are_kept(bootstrap: Bootstrap, tmp_path: Path) -> None:
    found = fetch(tmp_path, "jackd2")
    found.root.write_text("old")
    assert fetch(tmp_path, "jackd2", fresh=True) == found
    assert found.root.read_text() != "old"


def test_what_was_not_fetched_whole_is_not_kept(bootstrap: Bootstrap, tmp_path: Path) -> None:
    bootstrap.fails = True
    with pytest.raises(ProgramError):
        fetch(tmp_path, "jackd2")
    bootstrap.fails = False
    assert "deb http://near/debian bookworm main" in fetch(tmp_path, "jackd2").root.read_text()
