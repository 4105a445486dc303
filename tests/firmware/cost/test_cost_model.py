from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from nampedal.board.profiles.boards import read_board
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import ArgumentError, ArtifactError
from nampedal.firmware.cost.calibration_networks import a1_standard, draw_networks
from nampedal.firmware.cost.cost_model import KERNELS, TERMS, check_terms, counts, predict_us
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.inference import MAX_FRAMES, Engine, isas
from nampedal.firmware.engine.network import Conv, Gating, Linear, Network, WaveNet
from support.makers import nam_maker

ONES = dict.fromkeys(TERMS, 1.0)
# Floats of a vector.
WIDTHS = {"avx512": 16, "avx2": 8, "neon": 4, "scalar": 4}
GATED: nam_maker.Nam = {"gating_mode": "gated", "secondary_activation": "Sigmoid"}
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
        GATED,
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
        (name, kernels): [path for path in ("planes", "rows", "conv") if found[f"{path}_macs"] > 0]
        for name, network in (("plain", plain), ("narrow", narrow), ("film", film))
        for kernels in KERNELS
        for found in [counts(network, 64, kernels)]
    }
    assert all(len(path) == 1 for path in paths.values())
    assert {place for place, path in paths.items() if path == ["rows"]} == {("plain", "neon")}
    assert {place for place, path in paths.items() if path == ["conv"]} == {
        *(("film", kernels) for kernels in KERNELS),
        ("plain", "scalar"),
        ("narrow", "scalar"),
    }


def lanes_for(channels: int) -> int:
    return -(-channels // 4) * 4


def macs(network: WaveNet, lanes: Callable[[int], int], inputs: Callable[[int], int]) -> int:
    """Return the multiply-adds of a frame. Nobody hears the last layer's 1x1.

    lanes(channels), inputs(channels): what outputs and inputs are padded to.
    """

    def conv(one: Conv, parts: int = 1) -> int:
        return parts * lanes(one.out_channels // parts) * inputs(one.in_channels) * one.kernel_size

    total = 0
    for array in network.arrays:
        total += conv(array.rechannel) + conv(array.head)
        for layer in array.layers:
            parts = 1 if layer.gating is Gating.OFF else 2
            assert layer.layer1x1 is not None
            total += conv(layer.conv, parts) + conv(layer.mixin, parts) + conv(layer.layer1x1)
    last = network.arrays[-1].layers[-1].layer1x1
    assert last is not None
    return total - conv(last)


SHAPES: dict[str, nam_maker.Nam] = {
    "a1": nam_maker.a1((16, 8)),
    "a1 of odd channels": nam_maker.a1((7, 5)),
    "a1 of two channels": nam_maker.a1((2, 1)),
    "gated": nam_maker.wavenet([{**nam_maker.ARRAY, "channels": 6, **GATED}]),
    "a2": nam_maker.wavenet(
        [{**nam_maker.ARRAY, "channels": 8, "kernel_size": 6, "dilations": [1, 3, 7], "activation": "LeakyReLU"}]
    ),
    "a long head": nam_maker.wavenet(
        [{**nam_maker.ARRAY, "channels": 12, "head": {"out_channels": 1, "kernel_size": 16, "bias": True}}]
    ),
}


@pytest.mark.parametrize("frames", [16, 64, 128])
@pytest.mark.parametrize("name", SHAPES)
def test_the_multiply_adds_are_those_of_the_network(read: Read, name: str, frames: int) -> None:
    network = read(SHAPES[name])
    assert isinstance(network, WaveNet)
    planes = macs(network, lambda channels: channels, lambda channels: channels)
    rows = macs(network, lanes_for, lambda channels: channels if channels <= 4 else lanes_for(channels))
    general = macs(network, lanes_for, lambda channels: channels)
    for kernels in KERNELS:
        found = counts(network, frames, kernels)
        wanted = {"planes": planes, "rows": rows, "conv": general}
        met = {path: found[f"{path}_macs"] * WIDTHS[kernels] for path in wanted if found[f"{path}_macs"] > 0}
        # General convolutions take narrower vectors where lanes are left over.
        assert met == {path: frames * wanted[path] for path in met}, kernels
        assert len(met) == 1


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_multiply_adds_of_other_architectures_are_those_of_the_network(read: Read, kernels: str) -> None:
    linear, lstm = read(nam_maker.linear(taps=20)), read(nam_maker.lstm(layers=2, hidden=16))
    width = WIDTHS[kernels]
    assert isinstance(linear, Linear)
    # The FIR takes vectors of eight floats, where there are any.
    assert counts(linear, 64, kernels)["fir_macs"] * min(width, 8) == 20 * 64
    # Four gates of 16 cells, which take one input and 16 states, then 16 inputs and 16 states; a head of 16 inputs.
    found = counts(lstm, 10, kernels)
    assert found["lstm_macs"] == 10 * (16 / width * 4 * (17 + 32) + 16)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", [*SHAPES, "film", "convnet", "lstm"])
def test_twice_the_frames_are_twice_the_work(read: Read, name: str, kernels: str) -> None:
    film = array(channels=6, conv_pre_film={"active": True, "shift": True, "groups": 1})
    nam = {**SHAPES, "film": film, "convnet": nam_maker.convnet(), "lstm": nam_maker.lstm(layers=2)}[name]
    network = read(nam)
    # Whole tiles of all kernels: of 6 and 8 frames, and of 4 vectors of up to 16.
    once, twice = counts(network, 192, kernels), counts(network, 384, kernels)
    per_block = ("blocks", "arrays", "layers", "fused_convs", "conv_calls")
    # Twice at most: what belongs to a block and to its frames, and copies of a past, of which long blocks make fewer.
    mixed = ("streams", "planes_runs", "rows_calls", "activations", "vectors")
    for term in TERMS:
        if term in per_block:
            assert twice[term] == once[term], term
        elif term in mixed:
            assert once[term] <= twice[term] <= 2 * once[term], term
        elif term in ("lines", "far_lines"):
            assert twice[term] >= once[term], term
        else:
            assert twice[term] == pytest.approx(2 * once[term]), term


@pytest.mark.parametrize("name", [*SHAPES, *(f"options {seed}" for seed in range(12)), "lstm", "convnet", "sequential"])
def test_the_calls_are_those_that_are_made_to_play(read: Read, probes: Path, tmp_path: Path, name: str) -> None:
    members = (nam_maker.a1(), nam_maker.lstm(), nam_maker.convnet(), nam_maker.linear())
    nams = {
        **SHAPES,
        **{f"options {seed}": nam_maker.random_wavenet(seed) for seed in range(12)},
        "lstm": nam_maker.lstm(layers=2, hidden=8),
        "convnet": nam_maker.convnet(),
        "sequential": nam_maker.sequential(*members),
    }
    network = read(nams[name])
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(Capture(CaptureSource("x", "", "", ""), 48_000.0, (Tier(network, 0),))))
    out = subprocess.run([probes / "call_probe", path, "48"], check=True, capture_output=True, text=True).stdout.split()
    played = dict(zip(out[::2], out[1::2], strict=True))
    found = counts(network, 48, played.pop("isa"))
    assert {kind: int(calls) for kind, calls in played.items()} == {
        "convs": found["conv_calls"] + found["lstm_heads"],
        "rows": found["rows"],
        "lstms": found["lstm_steps"],
        "fused_convs": found["fused_convs"],
        "fused_layers": found["layers"],
    }


def test_counting_in_several_threads_mixes_nothing(read: Read) -> None:
    networks = [read(nam) for nam in SHAPES.values()] * 4
    alone = [counts(network, 64, "neon") for network in networks]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda network: counts(network, 64, "neon"), networks)) == alone


def test_kernels_that_count_are_not_played(read: Read) -> None:
    assert set(isas()) <= set(KERNELS)
    capture = Capture(CaptureSource("x", "", "", ""), 48_000.0, (Tier(read(array()), 0),))
    foreign = [kernels for kernels in KERNELS if kernels not in isas()]
    assert foreign
    for kernels in foreign:
        with pytest.raises(ArgumentError) as caught:
            Engine.prepare(capture, isa=kernels)
        assert str(caught.value) == f"isa is '{kernels}'; this CPU runs: {', '.join(isas())}"


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
    # docs/explanation/performance.md, by bench/instructions.py; of the A53's two models the mean.
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


@pytest.mark.parametrize("frames", [0, MAX_FRAMES + 1])
def test_blocks_that_the_engine_does_not_play_are_refused(read: Read, frames: int) -> None:
    with pytest.raises(ArtifactError) as caught:
        counts(read(array()), frames, "neon")
    assert str(caught.value) == f"max_frames is {frames}; allowed are 1 to {MAX_FRAMES}"


def test_an_unknown_term_is_refused(read: Read) -> None:
    with pytest.raises(ArgumentError) as caught:
        predict_us(read(array()), 64, "avx2", {**ONES, "magic": 1.0})
    assert str(caught.value) == "cost 'magic': is no term of the cost model; run 'nampedal calibrate' again"


def test_a_missing_term_is_refused(read: Read) -> None:
    with pytest.raises(ArgumentError) as caught:
        predict_us(read(array()), 64, "avx2", {term: 1.0 for term in TERMS if term != "tanh"})
    assert str(caught.value) == "cost 'tanh': is missing; run 'nampedal calibrate' again"
