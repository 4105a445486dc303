"""What says how a system was before."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.install.errors import JournalError
from nampedal.board.install.files import ABSENT, link, root_file
from nampedal.board.install.journal import PLACE, Entry, Journal, read_journal, write_journal
from nampedal.board.install.target import Target
from system_maker import write


def test_a_journal_reads_back_as_it_was_written(target: Target) -> None:
    assert read_journal(target) is None
    journal = Journal(
        {
            Path("/etc/a"): Entry(ABSENT, (link(Path("/dev/null")), root_file(b"\xff", 0o755))),
            Path("/boot/b"): Entry(root_file(b"x\n", 0o644), (root_file(b"y\n", 0o644),), ("[all]",), ("a",), ("b",)),
        },
        (Path("/etc/nampedal"),),
        (Path("/opt/nampedal/runtime"),),
    )
    write_journal(journal, target)
    assert read_journal(target) == journal


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "entries": {"a": {}}, "folders": [], "trees": []}'])
def test_a_damaged_one_is_a_mistake(target: Target, text: str) -> None:
    place = target.at(PLACE)
    write(place, text)
    with pytest.raises(JournalError) as error:
        read_journal(target)
    assert str(error.value) == (
        f"{place}: can't be understood, and without it nobody knows what was there before; restore it, or install the "
        "system anew"
    )


def test_one_of_a_newer_format_is_a_mistake(target: Target) -> None:
    place = target.at(PLACE)
    write(place, '{"format": 2}')
    with pytest.raises(JournalError) as error:
        read_journal(target)
    assert str(error.value) == f"{place}: has format 2, and 1 is read here; use the nampedal that installed"
