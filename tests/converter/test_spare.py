from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.converter import calibration, metrics, nam_file, spare
from nampedal.converter.play import play
from nampedal.converter.quantize import quantize
from nampedal.converter.spare import round_inaudibly
from nampedal.firmware.network import Int8Weights, Network, convolutions

AUDIO = calibration.built_in(48_000)[0][:36_000]


def int8_count(network: Network) -> int:
    return sum(isinstance(conv.weight, Int8Weights) for conv in convolutions(network))


def test_what_rounds_well_is_rounded_whole(root: Path) -> None:
    network = round_inaudibly(nam_file.read(root / "demo" / "overdriven-amp.nam"), AUDIO)
    assert int8_count(network) == 40


def test_what_rounds_badly_is_spared_in_part(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo amplifier, as if less than a third of its rounding were allowed."""
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    whole = spare._with(capture, quantize(capture.tiers[0].network, AUDIO))
    wanted = play(capture, AUDIO, exact=True)
    cost = metrics.esr(wanted, play(whole, AUDIO, exact=True))
    monkeypatch.setattr(spare, "MOST_ESR", 0.3 * cost)
    better = spare._with(capture, round_inaudibly(capture, AUDIO))
    assert metrics.esr(wanted, play(better, AUDIO, exact=True)) <= 0.3 * cost
    assert 5 < int8_count(better.tiers[0].network) < 40
