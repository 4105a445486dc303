from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.listening import judging, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.report.report_model import LEVELS_DBFS, collect
from support.makers import nam_maker
from support.makers.report_maker import PROVENANCE, small


def test_the_full_tier_as_it_was_is_the_original() -> None:
    full = small().tiers[0]
    assert full.comparison.esr == 0.0
    assert (full.work, full.label, full.size) == (1.0, "tier 0 (full)", "full size")
    assert set(full.esr_by_level) == {0.0}
    assert np.array_equal(full.sound.audio, small().original.audio)


def test_a_smaller_tier_is_judged_against_the_full_one(tmp_path: Path) -> None:
    one = nam_file.read(nam_maker.write(tmp_path / "one.nam", nam_maker.a1((4, 2), (1,))))
    other = nam_file.read(nam_maker.write(tmp_path / "other.nam", nam_maker.a1((2, 1), (1,), seed=2)))
    audio = test_signals.validation_signal(48_000)
    found = judging.judge(play(one, audio, exact=True)[:, 0], play(other, audio, exact=True)[:, 0], 48_000).comparison
    tier = small().tiers[1]
    assert tier.comparison.json_values() == found.json_values()
    assert found.esr > 0.1
    # MACs: 4 + 48 + 4 + 16 + 8 + 8 + 12 + 2 + 4 + 2 (108), and 2 + 12 + 2 + 4 + 2 + 2 + 3 + 1 + 1 + 1 (30).
    assert tier.work == pytest.approx(30 / 108)
    assert tier.size == "28 % of the work"
    assert len(tier.esr_by_level) == len(LEVELS_DBFS) == 9


def test_of_several_output_channels_the_first_is_reported(tmp_path: Path) -> None:
    layer = {**nam_maker.ARRAY, "head": {"out_channels": 2, "kernel_size": 1, "bias": True}}
    capture = nam_file.read(nam_maker.write(tmp_path / "two.nam", nam_maker.wavenet([layer])))
    report = collect(capture, capture, (), PROVENANCE)
    wanted = play(capture, test_signals.validation_signal(48_000), exact=True)
    assert wanted.shape[1] == 2
    assert np.array_equal(report.original.audio, wanted[:, 0])


def test_a_report_is_called_as_its_capture_or_its_file() -> None:
    assert small().name == "amp.nam"
