"""What a pedal says, and how often."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nampedal.firmware.base.log import MAX_LINES, WINDOW_S, LineFormatter, RateLimit, is_journal

CODE = (
    "import logging; from nampedal.firmware.base import log; log.configure_logging(); "
    "logging.warning('preset %s', 'crunch')"
)


def record(message: str, *values: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("x", level, "", 0, message, values, None)


@pytest.mark.parametrize(
    ("level", "priority"), [(logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)]
)
def test_the_journal_gets_a_priority_a_line_and_a_person_gets_a_name(level: int, priority: int) -> None:
    said = record("now at %s\nand more", "tier 1", level=level)
    assert LineFormatter(journal=True).format(said) == f"<{priority}>now at tier 1\n<{priority}>and more"
    assert LineFormatter(journal=False).format(said) == "nampedal: now at tier 1\nnampedal: and more"


def test_a_program_logs_to_standard_error_and_knows_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("w") as stream:
        found = os.fstat(stream.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(stream, environment)
        assert not is_journal(io.StringIO(), environment)
        subprocess.run([sys.executable, "-c", CODE], stderr=stream, env=environment, check=True)
        environment["JOURNAL_STREAM"] = "1:1"
        subprocess.run([sys.executable, "-c", CODE], stderr=stream, env=environment, check=True)
    assert path.read_text() == "<4>preset crunch\nnampedal: preset crunch\n"


def test_a_flood_of_one_kind_is_held_back_and_counted_and_others_get_through() -> None:
    clock = [0.0]
    limit = RateLimit(lambda: clock[0])
    flood = [record("serial port: %s", n) for n in range(100)]
    assert sum(limit.filter(one) for one in flood) == MAX_LINES
    assert limit.filter(record("preset %s", "crunch"))
    clock[0] = WINDOW_S
    late = record("serial port: %s", 100)
    assert limit.filter(late)
    assert late.getMessage() == "serial port: 100 (90 more like it were not shown)"
    again = record("serial port: %s", 101)
    assert limit.filter(again)
    assert again.getMessage() == "serial port: 101"
