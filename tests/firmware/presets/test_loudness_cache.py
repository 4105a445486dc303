"""Loudness that was measured before is not measured again, and anything else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.firmware.presets.loudness_cache import MAX_ENTRIES, LoudnessCache, key_of
from nampedal.firmware.presets.preset import Gain, Nam, Preset
from nampedal.firmware.presets.preset_content import Content

CONTENT = Content(Preset("One", (Nam("amp.stomp"),)), {"amp.stomp": "ab"})


def changed(**what: object) -> Content:
    assert CONTENT.preset is not None
    return replace(CONTENT, preset=replace(CONTENT.preset, **what))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "same",
    [changed(name="Two"), changed(level_db=-6.0), changed(loudness_lufs=-20.0), changed(bypass_keeps_cabinet=False)],
)
def test_what_is_not_heard_through_the_blocks_does_not_count(same: Content) -> None:
    assert key_of(same, 48_000.0, None) == key_of(CONTENT, 48_000.0, None)


def test_blocks_files_rate_and_calibration_count() -> None:
    keys = [
        key_of(CONTENT, 48_000.0, None),
        key_of(CONTENT, 44_100.0, None),
        key_of(CONTENT, 48_000.0, 12.0),
        key_of(changed(blocks=(Nam("amp.stomp"), Gain(1.0))), 48_000.0, None),
        key_of(changed(input_gain_db=1.0), 48_000.0, None),
        key_of(replace(CONTENT, files={"amp.stomp": "cd"}), 48_000.0, None),
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("content", [Content(None, {}, "broken"), replace(CONTENT, files={"amp.stomp": ""})])
def test_what_can_not_be_read_has_no_place(content: Content, tmp_path: Path) -> None:
    cache = LoudnessCache(tmp_path / "loudness.toml")
    assert key_of(content, 48_000.0, None) is None
    cache.put(None, -20.0)
    assert cache.get(None) is None


def test_it_is_kept_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "state" / "loudness.toml"
    cache = LoudnessCache(path)
    for number in range(MAX_ENTRIES + 2):
        cache._lufs[f"{number:064}"] = -20.0
    cache.put("f" * 64, -12.3)
    again = LoudnessCache(path)
    assert again.get("f" * 64) == -12.3
    assert [again.get(f"{number:064}") for number in (0, 2, 3)] == [None, None, -20.0]


@pytest.mark.parametrize(
    "data", [b"\x00\x00", b"format = 9\n", b'format = 1\n[lufs]\na = "x"\n', b"format = 1\n[lufs]\na = nan\n"]
)
def test_a_damaged_one_is_empty_and_is_told_of(data: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "loudness.toml"
    path.write_bytes(data)
    cache = LoudnessCache(path)
    assert cache.get("a") is None
    assert "the loudness of presets is measured again" in caplog.text
    cache.put("a", -20.0)
    assert LoudnessCache(path).get("a") == -20.0


def test_one_that_can_not_be_written_costs_nothing_but_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file in the folder's place")
    cache = LoudnessCache(tmp_path / "state" / "loudness.toml")
    cache.put("a", -20.0)
    assert cache.get("a") == -20.0
    assert "it is measured again at the next start" in caplog.text
