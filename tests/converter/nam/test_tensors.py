from __future__ import annotations

from pathlib import Path

from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.tensors import tensors_by_kind
from nampedal.converter.rounding.quantize import quantize
from nampedal.firmware.engine.network import Network
from support.makers import nam_maker


def network_of(folder: Path, nam: nam_maker.Nam) -> Network:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam)).tiers[0].network


def counts(network: Network) -> dict[str, tuple[int, int, int]]:
    return {kind.kind: (kind.int8, kind.float16, kind.float32) for kind in tensors_by_kind(network)}


def test_every_number_of_a_capture_is_counted_once(tmp_path: Path) -> None:
    """4/2 channels, three layers each: see nam_maker.a1."""
    network = network_of(tmp_path, nam_maker.a1())
    plain = counts(network)
    assert {kind: sum(found) for kind, found in plain.items()} == {
        "convolutions": 3 * 4 * 4 * 3 + 3 * 2 * 2 * 3,
        "1x1s": 3 * 16 + 3 * 4,
        "biases": 3 * 8 + 3 * 4 + 1,
        "rechannels": 4 + 8,
        "mixins": 3 * 4 + 3 * 2,
        "heads": 8 + 2,
    }
    rounded = counts(quantize(network, test_signals.plucks(48_000, 0.2)))
    assert rounded["convolutions"] == (180, 0, 0)
    assert rounded["1x1s"] == (60, 0, 0)
    assert rounded["mixins"] == (0, 18, 0)
    assert rounded["biases"][1] > rounded["biases"][2] >= 1


def test_what_stays_float32_says_why(tmp_path: Path) -> None:
    for nam, kind in ((nam_maker.lstm(), "gates"), (nam_maker.linear(), "impulse response")):
        found = {one.kind: one for one in tensors_by_kind(network_of(tmp_path, nam))}
        assert found[kind].float32 > 0
        assert found[kind].float16 == 0
        assert found[kind].why
