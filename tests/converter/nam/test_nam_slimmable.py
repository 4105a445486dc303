from __future__ import annotations

from pathlib import Path

import numpy as np
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.nam_slimmable import parameter_count
from nampedal.converter.rounding import reference
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Conv, WaveNet, describe_channels
from support.makers import nam_maker


def slimmable(allowed: list[int] | None, **more: object) -> nam_maker.Nam:
    kwargs = {} if allowed is None else {"allowed_channels": allowed}
    return {**nam_maker.ARRAY, "slimmable": {"method": "slice_channels_uniform", "kwargs": kwargs}, **more}


def read(tmp_path: Path, *arrays: nam_maker.Nam) -> Capture:
    return nam_file.read(nam_maker.write(tmp_path / "slim.nam", nam_maker.wavenet(list(arrays))))


def widths(capture: Capture) -> list[str]:
    return [describe_channels(tier.network) for tier in capture.tiers]


def test_each_allowed_width_is_a_tier_full_first(tmp_path: Path) -> None:
    capture = read(tmp_path, slimmable([1, 2, 4]))
    assert widths(capture) == ["4", "2", "1"]
    sizes = {0.0: 2, 0.33: 2, 0.34: 1, 0.66: 1, 0.67: 0, 1.0: 0}
    assert {size: capture.tier_for_size(size) for size in sizes} == sizes


def test_without_allowed_channels_every_width_is_allowed(tmp_path: Path) -> None:
    assert widths(read(tmp_path, slimmable(None))) == ["4", "3", "2", "1"]


def test_arrays_narrow_together_by_the_same_size(tmp_path: Path) -> None:
    first = slimmable([2, 4], head={"out_channels": 3, "kernel_size": 1, "bias": False})
    second = slimmable([1, 2, 3], input_size=4, channels=3)
    # Sizes 0, 1/3, 1/2, 2/3: the breakpoints of both.
    assert widths(read(tmp_path, first, second)) == ["4/3", "4/2", "2/2", "2/1"]


def test_a_tier_is_the_first_rows_and_columns(tmp_path: Path) -> None:
    capture = read(tmp_path, slimmable([2, 4]))
    full, narrow = (tier.network for tier in capture.tiers)
    assert isinstance(full, WaveNet)
    assert isinstance(narrow, WaveNet)

    def weight(conv: Conv | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        assert conv is not None
        return np.asarray(conv.weight)

    wide, cut = full.arrays[0], narrow.arrays[0]
    assert np.array_equal(weight(cut.rechannel), weight(wide.rechannel)[:2])
    assert np.array_equal(weight(cut.layers[1].conv), weight(wide.layers[1].conv)[:2, :2])
    assert np.array_equal(weight(cut.layers[1].layer1x1), weight(wide.layers[1].layer1x1)[:2, :2])
    assert np.array_equal(weight(cut.head), weight(wide.head)[:, :2])
    assert capture.tiers[1].parameters == parameter_count(narrow) < capture.tiers[0].parameters


def test_every_tier_plays(tmp_path: Path) -> None:
    film = {"active": True, "shift": True, "groups": 1}
    options = {key: film for key in nam_maker.FILM_KEYS if not key.startswith("head1x1")}
    array = slimmable([1, 2, 4], gating_mode=["gated", "blended"], bottleneck=6, **options)
    capture = read(tmp_path, array)
    audio = np.linspace(-0.5, 0.5, 400, dtype=np.float32)
    for i, tier in enumerate(capture.tiers):
        wanted = reference.render(tier.network, audio)
        assert metrics.esr(wanted, Engine.prepare(capture, tier=i, exact=True).render(audio)) < 1e-9


def test_where_slicing_is_not_defined_the_full_tier_remains(tmp_path: Path) -> None:
    assert widths(read(tmp_path, slimmable([2, 4], groups_input=2))) == ["4"]
    assert widths(read(tmp_path, slimmable([2, 4], head={"out_channels": 1, "kernel_size": 2, "bias": True}))) == ["4"]


def test_an_array_that_is_not_slimmable_is_no_tier(tmp_path: Path) -> None:
    assert widths(read(tmp_path, {**nam_maker.ARRAY, "slimmable": None})) == ["4"]
