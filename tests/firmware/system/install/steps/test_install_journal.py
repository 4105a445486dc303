"""What says how a system was before."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.steps.install_journal import (
    JOURNAL_PATH,
    InstallJournal,
    JournalEntry,
    read_journal,
    write_journal,
)
from nampedal.firmware.system.install.steps.path_states import ABSENT, link, root_owned_file
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.system_maker import write


def test_a_journal_reads_back_as_it_was_written(target: InstallTarget) -> None:
    assert read_journal(target) is None
    journal = InstallJournal(
        {
            Path("/etc/a"): JournalEntry(ABSENT, (link(Path("/dev/null")), root_owned_file(b"\xff", 0o755))),
            Path("/boot/b"): JournalEntry(
                root_owned_file(b"x\n", 0o644), (root_owned_file(b"y\n", 0o644),), ("[all]",), ("a",), ("b",)
            ),
        },
        (Path("/etc/nampedal"),),
        (Path("/opt/nampedal/runtime"),),
    )
    write_journal(journal, target)
    assert read_journal(target) == journal


DEEP = '{"format": ' * 3000


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", DEEP, '{"format": 1, "entries": {"a": {}}, "folders": [], "trees": []}']
)
def test_a_damaged_one_is_a_mistake(target: InstallTarget, text: str) -> None:
    place = target.under_root(JOURNAL_PATH)
    write(place, text)
    with pytest.raises(DeployError) as error:
        read_journal(target)
    assert str(error.value) == (
        f"{place}: can't be understood, and without it nobody knows what was there before; restore it, or install the "
        "system anew"
    )


def test_one_of_a_newer_format_is_a_mistake(target: InstallTarget) -> None:
    place = target.under_root(JOURNAL_PATH)
    write(place, '{"format": 2}')
    with pytest.raises(DeployError) as error:
        read_journal(target)
    assert str(error.value) == f"{place}: has format 2, and 1 is read here; use the nampedal that installed"
