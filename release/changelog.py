"""Reads CHANGELOG.md, which has the form of Keep a Changelog 1.1.0 (https://keepachangelog.com/en/1.1.0/).

`python release/changelog.py` checks the file; with a version it prints that version's section, the release's notes.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from errors import ReleaseError
from packaging.version import InvalidVersion, Version

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
UNRELEASED = "Unreleased"
GROUPS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_TITLE = re.compile(r"## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?(?P<yanked> \[YANKED\])?")
_LINK = re.compile(r"\[(?P<name>[^\]]+)\]: (?P<address>https://\S+)")


@dataclass(frozen=True, slots=True)
class Section:
    """One version of the changelog.

    name: the version, or UNRELEASED.
    day: of the release; None only for UNRELEASED.
    text: Markdown, without the title.
    """

    name: str
    day: date | None
    text: str


def parse(text: str, where: str) -> tuple[Section, ...]:
    """Return the sections of a changelog, newest first. where: its name in messages. Raises ReleaseError."""
    lines = text.splitlines()
    if not lines or lines[0] != "# Changelog":
        raise ReleaseError(
            f"{where}: begins with {lines[0] if lines else 'nothing'!r}; the first line is '# Changelog'"
        )
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    links = {found["name"] for line in lines if (found := _LINK.fullmatch(line))}
    sections = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        section = _section(lines[start], lines[start + 1 : end], f"{where}:{start + 1}")
        if section.name not in links:
            raise ReleaseError(f"{where}: [{section.name}] has no address; add a line '[{section.name}]: https://...'")
        sections.append(section)
    _check_order(sections, where)
    return tuple(sections)


def released(sections: tuple[Section, ...], version: str, where: str) -> Section:
    """Return the section of a version that is about to be released. Raises ReleaseError if it is not the newest."""
    names = [one.name for one in sections if one.name != UNRELEASED]
    if not names or names[0] != version:
        newest = f"its newest version is {names[0]}" if names else "it has no version"
        raise ReleaseError(
            f"{where}: has no section of {version} at its top: {newest}; rename '## [{UNRELEASED}]' to "
            f"'## [{version}] - YEAR-MONTH-DAY', with a new empty [{UNRELEASED}] above it"
        )
    return next(one for one in sections if one.name == version)


def _section(title: str, lines: list[str], where: str) -> Section:
    found = _TITLE.fullmatch(title)
    if found is None:
        raise ReleaseError(f"{where}: is {title!r}; '## [1.2.3] - 2026-01-31' or '## [{UNRELEASED}]' is a title")
    body = [line for line in lines if _LINK.fullmatch(line) is None]
    for number, line in enumerate(body):
        if line.startswith("### ") and line[4:] not in GROUPS:
            raise ReleaseError(f"{where}: has the group {line[4:]!r}; allowed are {', '.join(GROUPS)}")
        following = next((one for one in body[number + 1 :] if one.strip()), "")
        if line.startswith("### ") and not following.startswith("- "):
            raise ReleaseError(f"{where}: the group {line[4:]!r} has no list; remove it, or add a line '- ...'")
    text = "\n".join(body).strip()
    if found["name"] == UNRELEASED:
        if found["date"] is not None:
            raise ReleaseError(f"{where}: [{UNRELEASED}] has a date; only a version has one")
        return Section(UNRELEASED, None, text)
    try:
        Version(found["name"])
        day = date.fromisoformat(found["date"] or "")
    except InvalidVersion as error:
        raise ReleaseError(f"{where}: {found['name']!r} is no version; one is 1.2.3") from error
    except ValueError as error:
        raise ReleaseError(
            f"{where}: [{found['name']}] has the date {found['date'] or 'none'}; one is 2026-01-31"
        ) from error
    if not text:
        raise ReleaseError(f"{where}: [{found['name']}] says nothing; say what changed for a player")
    return Section(found["name"], day, text)


def _check_order(sections: list[Section], where: str) -> None:
    if not sections or sections[0].name != UNRELEASED:
        raise ReleaseError(f"{where}: has no '## [{UNRELEASED}]' before the versions; add it, empty if nothing changed")
    versions = [Version(one.name) for one in sections[1:] if one.name != UNRELEASED]
    if len(versions) != len(sections) - 1:
        raise ReleaseError(f"{where}: has '## [{UNRELEASED}]' twice; keep the first")
    for newer, older in pairwise(versions):
        if newer <= older:
            raise ReleaseError(f"{where}: has {older} below {newer}; the newest version is first, and each is once")


def read(path: Path = CHANGELOG) -> tuple[Section, ...]:
    """Read and check a changelog. Raises ReleaseError."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ReleaseError(f"{path}: can't be read: {error.strerror}") from error


def main() -> None:
    """Check the changelog, and print the notes of a version if one is given."""
    if len(sys.argv) > 2:
        sys.exit("usage: python release/changelog.py [VERSION]")
    try:
        sections = read()
        for version in sys.argv[1:]:
            sys.stdout.write(f"{released(sections, version.removeprefix('v'), CHANGELOG.name).text}\n")
    except ReleaseError as error:
        sys.exit(f"changelog: {error}")


if __name__ == "__main__":
    main()
