from __future__ import annotations

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.update.last_result import LastResult, read_last, write_last
from support.rigs.update_rig import FakePedal


def test_how_the_last_update_went_is_read_as_it_was_written(pedal: FakePedal) -> None:
    assert read_last(pedal.system) is None
    for last in (
        LastResult("nampedal", "0.2.0", True, "it played"),
        LastResult("system", "0.3.0", False, "it did not", True),
    ):
        write_last(pedal.system, last)
        assert read_last(pedal.system) == last
    assert str(last) == "system 0.3.0: was not kept: it did not"


def test_what_a_newer_version_wrote_or_a_card_damaged_is_not_told(pedal: FakePedal) -> None:
    path = system_paths.UPDATES / "last.toml"
    for text in (b"format = 2\n", b"\0\0", b'format = 1\nwhat = "else"\nversion = "1"\nkept = true\nwhy = "so"\n'):
        pedal.put(path, text)
        assert read_last(pedal.system) is None
