"""CHANGELOG.md: the form, and the section of a version that is released."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from changelog import Section, parse, read, released
from errors import ReleaseError

GOOD = """\
# Changelog

What changes.

## [Unreleased]

## [0.2.0] - 2026-12-24

### Added

- A tuner.

### Fixed

- A crack.

## [0.1.0rc1] - 2026-12-01

- The first.

[Unreleased]: https://example.org/c
[0.2.0]: https://example.org/b
[0.1.0rc1]: https://example.org/a
"""


def refusal(text: str) -> str:
    with pytest.raises(ReleaseError) as caught:
        parse(text, "CHANGELOG.md")
    return str(caught.value)


def test_its_sections_are_read() -> None:
    unreleased, newest, oldest = parse(GOOD, "CHANGELOG.md")
    assert unreleased == Section("Unreleased", None, "")
    assert newest == Section("0.2.0", date(2026, 12, 24), "### Added\n\n- A tuner.\n\n### Fixed\n\n- A crack.")
    assert oldest == Section("0.1.0rc1", date(2026, 12, 1), "- The first.")


def test_ours_has_the_form() -> None:
    assert read()[0].name == "Unreleased"


def test_only_the_newest_version_is_released() -> None:
    sections = parse(GOOD, "CHANGELOG.md")
    assert released(sections, "0.2.0", "CHANGELOG.md").day == date(2026, 12, 24)
    with pytest.raises(ReleaseError) as caught:
        released(sections, "0.3.0", "CHANGELOG.md")
    assert str(caught.value) == (
        "CHANGELOG.md: has no section of 0.3.0 at its top: its newest version is 0.2.0; rename '## [Unreleased]' to "
        "'## [0.3.0] - YEAR-MONTH-DAY', with a new empty [Unreleased] above it"
    )
    with pytest.raises(ReleaseError, match=r"has no section of 0\.1\.0 at its top: it has no version"):
        released(sections[:1], "0.1.0", "CHANGELOG.md")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# Changelog", "# Changes", "CHANGELOG.md: begins with '# Changes'; the first line is '# Changelog'"),
        ("## [Unreleased]\n", "", "has no '## [Unreleased]' before the versions"),
        ("## [0.2.0] - 2026-12-24", "## 0.2.0", "CHANGELOG.md:7: is '## 0.2.0'; '## [1.2.3] - 2026-01-31' or"),
        (" - 2026-12-24", "", "CHANGELOG.md:7: [0.2.0] has the date none; one is 2026-01-31"),
        ("2026-12-24", "24.12.2026", "[0.2.0] has the date 24.12.2026; one is 2026-01-31"),
        ("[Unreleased]\n", "[Unreleased] - 2026-12-25\n", "CHANGELOG.md:5: [Unreleased] has a date"),
        ("### Fixed", "### Bugs", "has the group 'Bugs'; allowed are Added, Changed, Deprecated, Removed, Fixed"),
        ("- A crack.", "", "the group 'Fixed' has no list; remove it, or add a line '- ...'"),
        ("- The first.", "", "[0.1.0rc1] says nothing; say what changed for a player"),
        ("[0.2.0]: https://example.org/b\n", "", "[0.2.0] has no address; add a line '[0.2.0]: https://...'"),
        ("## [0.2.0] -", "## [0.1.0a1] -", "[0.1.0a1] has no address"),
        ("0.2.0", "two", "'two' is no version; one is 1.2.3"),
        ("0.1.0rc1", "0.2.1", "has 0.2.1 below 0.2.0; the newest version is first, and each is once"),
        ("## [0.1.0rc1] - 2026-12-01", "## [Unreleased]", "has '## [Unreleased]' twice; keep the first"),
    ],
)
def test_a_mistake_is_told(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in refusal(GOOD.replace(old, new))


def test_the_notes_of_a_version_that_is_not_there_are_none(root: Path) -> None:
    command = [sys.executable, str(root / "release" / "changelog.py"), "v99.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("changelog: CHANGELOG.md: has no section of 99.0.0 at its top: ")
