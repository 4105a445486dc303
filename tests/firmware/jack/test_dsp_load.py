from __future__ import annotations

import numpy as np
import pytest
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.dsp_load import SNAPSHOT_S, WINDOW_S, LoadMeter, Peaks

BINS = 4 * _engine.LOAD_BINS_OF_PERIOD


def bins(**counts: int) -> list[int]:
    """By number: b3=2 is two blocks in bin 3."""
    made = [0] * BINS
    for name, count in counts.items():
        made[int(name[1:])] = count
    return made


def test_what_came_since_the_last_time_is_told() -> None:
    meter = LoadMeter()
    assert meter.update(0.0, bins(b10=5)) == []
    assert meter.update(0.1, bins(b10=7, b39=1)) == pytest.approx([10.5 / 40, 10.5 / 40, 39.5 / 40])
    assert meter.update(0.2, bins(b10=7, b39=1)) == []


def test_percentiles_are_of_the_last_seconds() -> None:
    meter = LoadMeter()
    meter.update(0.0, bins())
    meter.update(0.1, bins(b3=989, b19=10, b38=1))
    load = meter.load()
    assert (load.p50, load.p99, load.p999, load.blocks) == (4 / 40, 20 / 40, 20 / 40, 1000)
    grown = np.array(bins(b3=989, b19=10, b38=1))
    for tick in range(round(2 * WINDOW_S / SNAPSHOT_S)):
        grown[5] += 10
        meter.update(0.2 + tick * SNAPSHOT_S, list(grown))
    load = meter.load()
    assert load.p999 == 6 / 40
    assert load.blocks <= 10 * (WINDOW_S / SNAPSHOT_S + 2)


def test_nothing_heard_is_no_load_and_counts_may_begin_again() -> None:
    meter = LoadMeter()
    assert meter.load().blocks == 0
    meter.update(0.0, bins(b3=5))
    assert meter.load().p99 == 0.0
    meter.restart()
    assert meter.update(1.0, bins()) == []
    assert meter.update(1.1, bins(b1=1)) == [1.5 / 40]


def test_each_who_asks_hears_of_every_peak_once() -> None:
    peaks = Peaks()
    assert peaks.take("a") == peaks.take("b") == (0.0, 0.0)
    peaks.update(0.5, 0.1)
    peaks.update(0.2, 0.3)
    assert peaks.take("a") == (0.5, 0.3)
    peaks.update(0.1, 0.1)
    assert peaks.take("a") == (0.1, 0.1)
    assert peaks.take("b") == (0.5, 0.3)
