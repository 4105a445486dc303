from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nampedal.board.profiles.boards import read_board
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.cost.calibration_networks import a1_standard, draw_networks
from nampedal.firmware.cost.cost_counter import lanes_for
from nampedal.firmware.cost.cost_fused import fused_layout
from nampedal.firmware.cost.cost_model import KERNELS, TERMS, check_terms, counts, predict_us
from nampedal.firmware.engine.network import Network, WaveNet
from support.makers import nam_maker

ONES = dict.fromkeys(TERMS, 1.0)
Read = Callable[[nam_maker.Nam], Network]


@pytest.fixture
def no_profiles_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return lambda nam: nam_file.read(nam_maker.write(tmp_path / "x.nam", nam)).tiers[0].network


def array(**more: object) -> nam_maker.Nam:
    return nam_maker.wavenet([{**nam_maker.ARRAY, **more}])


def test_planes_of_a_small_network_are_counted_as_by_hand(read: Read) -> None:
    # 16 frames are one vector. Rechannel: 1 input, 3 sums. Layer: 2 taps of 3 inputs and the mixin, 3 sums; nobody
    # hears its 1x1. Head: 3 inputs, 1 sum. Each step has room for 8 multiply-adds.
    found = counts(read(array(channels=3, kernel_size=2, dilations=[1])), 16, "avx512")
    assert found["planes_macs"] == 1 * 3 + 7 * 3 + 3 * 1
    assert found["planes_waits"] == 1 * 5 + 7 * 5 + 3 * 7
    assert found["planes_tiles"] == 3
    assert found["planes_stores"] == 3 + 3 + 1
    assert found["tanh"] == 3
    assert found["layers"] == 1
    assert found["conv_macs"] == 0


def test_rows_of_a_small_network_are_counted_as_by_hand(read: Read) -> None:
    # 5 channels are 8 lanes, two vectors; 16 frames are two tiles of 8. Rechannel: 1 input. Layer: 2 taps of 8 inputs
    # and the mixin. Head: 8 inputs into 4 lanes.
    found = counts(read(array(channels=5, kernel_size=2, dilations=[1])), 16, "neon")
    assert found["rows_macs"] == 2 * 8 * 2 * (1 + 17) + 2 * 8 * 8
    assert found["tanh"] == 16 * 2


def test_an_lstm_is_counted_as_by_hand(read: Read) -> None:
    # 8 cells are one vector; each of 4 gates sums 1 input and 8 of the state, the head 8.
    found = counts(read(nam_maker.lstm(layers=1, hidden=8)), 10, "avx2")
    assert found["lstm_macs"] == 10 * (4 * 9 + 8)
    assert found["lstm_steps"] == found["lstm_heads"] == found["lstm_states"] == 10


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(
    "more",
    [
        {"channels": 32},
        {"kernel_size": 6},
        {"dilations": [1, 2, 4]},
        {"gating_mode": "gated", "secondary_activation": "Sigmoid"},
        {"head": {"out_channels": 1, "kernel_size": 4, "bias": True}},
    ],
    ids=["channels", "kernel", "layers", "gating", "head"],
)
def test_cost_grows_with_every_dimension(read: Read, kernels: str, more: nam_maker.Nam) -> None:
    small, large = read(array(channels=8)), read(array(**{"channels": 8, **more}))
    assert predict_us(large, 64, kernels, ONES) > predict_us(small, 64, kernels, ONES)
    assert predict_us(small, 128, kernels, ONES) > predict_us(small, 64, kernels, ONES)


def test_a_long_past_has_left_the_cache(read: Read) -> None:
    near, far = (read(array(channels=16, kernel_size=16, dilations=[d] * 6)) for d in (1, 512))
    assert counts(near, 64, "avx512")["far_lines"] == 0
    assert counts(far, 64, "avx512")["far_lines"] > counts(near, 64, "avx512")["lines"]


def test_frames_are_padded_to_vectors_on_planes(read: Read) -> None:
    network = read(array(channels=8))
    assert counts(network, 17, "avx512")["planes_macs"] == counts(network, 32, "avx512")["planes_macs"]
    assert counts(network, 16, "avx512")["planes_macs"] < counts(network, 17, "avx512")["planes_macs"]


def test_channels_are_padded_to_fours_on_rows(read: Read) -> None:
    narrow, wide = (counts(read(array(channels=c)), 64, "neon") for c in (9, 12))
    assert narrow["rows_macs"] == wide["rows_macs"]


def test_the_path_is_the_one_that_the_engine_takes(read: Read) -> None:
    plain, narrow = read(array(channels=16)), read(array(channels=4))
    film = read(array(channels=16, conv_pre_film={"active": True, "shift": True, "groups": 1}))
    paths = {
        (name, kernels): fused_layout(network, KERNELS[kernels])
        for name, network in (("plain", plain), ("narrow", narrow), ("film", film))
        for kernels in KERNELS
        if isinstance(network, WaveNet)
    }
    assert {place for place, path in paths.items() if path == "rows"} == {("plain", "neon")}
    assert {place for place, path in paths.items() if path is None} == {
        *(("film", kernels) for kernels in KERNELS),
        ("plain", "scalar"),
        ("narrow", "scalar"),
    }


@pytest.mark.parametrize("seed", range(20))
def test_every_wavenet_costs_something_on_all_kernels(read: Read, seed: int) -> None:
    network = read(nam_maker.random_wavenet(seed))
    for kernels in KERNELS:
        found = counts(network, 48, kernels)
        assert all(np.isfinite(count) and count >= 0 for count in found.values())
        assert found["conv_macs"] + found["planes_macs"] + found["rows_macs"] > 0


def test_a_condition_is_paid_for(read: Read) -> None:
    inner = nam_maker.wavenet([{**nam_maker.ARRAY, "head": {"out_channels": 2, "kernel_size": 1, "bias": True}}])
    outer = [{**nam_maker.ARRAY, "condition_size": 2}]
    whole = counts(read(nam_maker.wavenet(outer, condition_dsp=inner)), 64, "avx2")
    assert whole["layers"] == 4
    assert whole["blocks"] == 1


def test_every_term_is_met_by_some_probe() -> None:
    totals = dict.fromkeys(TERMS, 0.0)
    for network in draw_networks():
        for kernels in KERNELS:
            for term, count in counts(network, 32, kernels).items():
                totals[term] += count
    assert [term for term, total in totals.items() if total == 0] == []


def test_probes_are_the_same_every_time() -> None:
    first, second = ([counts(network, 64, "neon") for network in draw_networks()] for _ in range(2))
    assert first == second


def test_the_price_of_a_block_is_the_sum_of_its_terms(read: Read) -> None:
    network = read(nam_maker.linear(taps=4))
    prices = {**dict.fromkeys(TERMS, 0.0), "blocks": 500.0, "samples": 2.0}
    assert predict_us(network, 32, "scalar", prices) == pytest.approx((500.0 + 2.0 * 2 * 32) / 1e3)


def test_lanes_are_fours() -> None:
    assert [lanes_for(n) for n in (1, 4, 5)] == [4, 4, 8]


@pytest.mark.parametrize("key", ["3b-plus", "400", "4b-1.5ghz", "4b-1.8ghz", "5", "500", "cm4", "zero-2-w"])
def test_every_board_has_a_price_for_every_term(key: str, no_profiles_of_the_users_own: None) -> None:
    cost = read_board(key).cost
    assert cost is not None
    assert cost.kernels == "neon"
    check_terms(cost.nanoseconds)


@pytest.mark.parametrize(("key", "share"), [("zero-2-w", 0.43), ("4b-1.8ghz", 0.14), ("5", 0.055)])
def test_an_a1_standard_is_predicted_as_it_was_estimated(
    key: str, share: float, no_profiles_of_the_users_own: None
) -> None:
    # docs/performance.md, by bench/instructions.py; of the A53's two models the mean.
    cost = read_board(key).cost
    assert cost is not None
    block_us = predict_us(a1_standard(), 64, cost.kernels, cost.nanoseconds)
    assert block_us * 48_000 / 64e6 == pytest.approx(share, rel=0.1)


def test_unknown_kernels_are_refused(read: Read) -> None:
    with pytest.raises(ArgumentError) as caught:
        counts(read(array()), 64, "sve")
    assert str(caught.value) == (
        "kernels 'sve': nothing is known of what they cost; known are avx512, avx2, neon, scalar"
    )


def test_an_unknown_term_is_refused(read: Read) -> None:
    with pytest.raises(ArgumentError) as caught:
        predict_us(read(array()), 64, "avx2", {**ONES, "magic": 1.0})
    assert str(caught.value) == "cost 'magic': is no term of the cost model; run 'nampedal calibrate' again"


def test_a_missing_term_is_refused(read: Read) -> None:
    with pytest.raises(ArgumentError) as caught:
        predict_us(read(array()), 64, "avx2", {term: 1.0 for term in TERMS if term != "tanh"})
    assert str(caught.value) == "cost 'tanh': is missing; run 'nampedal calibrate' again"
