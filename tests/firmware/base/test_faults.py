"""A fault of one part is said, counted, and kept from the others."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.faults import MAX_LETTERS, SAY_S, FaultIsolator, describe_error, describe_failure


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@given(st.text(), st.sampled_from([ValueError, MemoryError, RecursionError, OverflowError, NampedalError]))
def test_any_exception_is_one_line(text: str, kind: type[Exception]) -> None:
    line = describe_error(kind(text))
    assert line.isprintable()
    assert len(line) <= MAX_LETTERS + len("...")
    assert line.startswith(kind.__name__) != issubclass(kind, NampedalError) or text.startswith(kind.__name__)


def test_what_failed_is_named_once() -> None:
    assert describe_failure("lead.toml", "can't be prepared", OverflowError("math range error")) == (
        "lead.toml: can't be prepared: OverflowError: math range error"
    )
    assert (
        describe_failure("lead.toml", "can't be prepared", MemoryError()) == "lead.toml: can't be prepared: MemoryError"
    )
    assert (
        describe_failure("lead.toml", "can't be prepared", NampedalError("lead.toml: is empty"))
        == "lead.toml: is empty"
    )


def test_an_exception_that_can_not_be_written_down_is_named_by_its_class() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe_error(MuteError()) == "MuteError"


def test_a_fault_that_goes_on_is_logged_now_and_then_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    faults = FaultIsolator(clock)

    def fail() -> None:
        raise ValueError("no\nroom")

    for _ in range(1000):
        assert not faults.run("the lamps", fail)
        clock.now_s += 0.02
    assert [record.getMessage() for record in caplog.records] == [
        "the lamps went wrong, and goes on: ValueError: no room"
    ]
    assert caplog.records[0].exc_info is not None
    clock.now_s += SAY_S
    faults.run("the lamps", fail)
    assert "ValueError: no room (999 more like it since the last line)" in caplog.text
    assert caplog.records[1].exc_info is None


def test_faults_of_two_parts_and_of_two_kinds_are_each_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    faults = FaultIsolator(Clock())
    for what, error in (("a", ValueError()), ("b", ValueError()), ("a", KeyError("x"))):
        faults.report(what, error)
    assert len(caplog.records) == 3
    assert faults.run("a", lambda: None)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_program_ends_it(kind: type[BaseException]) -> None:
    def end() -> None:
        raise kind

    with pytest.raises(kind):
        FaultIsolator().run("anything", end)
