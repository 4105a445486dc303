from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nampedal.converter.listening import calibration_audio
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding import mixed_precision
from nampedal.converter.rounding.mixed_precision import quantize_within_esr
from nampedal.converter.rounding.quantize import quantize
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Int8Weights, Network, convolutions

AUDIO = calibration_audio.built_in(48_000)[0][:36_000]


def int8_count(network: Network) -> int:
    return sum(isinstance(conv.weight, Int8Weights) for conv in convolutions(network).values())


def test_what_rounds_well_is_rounded_whole(root: Path) -> None:
    network = quantize_within_esr(nam_file.read(root / "demo" / "overdriven-amp.nam"), AUDIO)
    assert int8_count(network) == 40


def test_what_rounds_badly_is_spared_in_part(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo amplifier, as if less than a third of its rounding were allowed."""
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")

    network = capture.tiers[0].network

    def cost(of: Network) -> float:
        return mixed_precision._cost(
            mixed_precision._sound(capture, network, AUDIO), mixed_precision._sound(capture, of, AUDIO)
        )

    whole = cost(quantize(network, AUDIO))
    for limit in ("MAX_ESR", "MAX_PRE_EMPHASISED_ESR"):
        monkeypatch.setattr(mixed_precision, limit, 0.3 * whole * getattr(mixed_precision, limit))
    better = quantize_within_esr(capture, AUDIO)
    # What costs 1 is allowed now; the whole rounding costs 3.3.
    assert cost(better) < 2.0
    assert 5 < int8_count(better) < 40


def test_a_conversion_fits_a_network_three_times_at_most(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time costs seconds; the ranking between plays short excerpts, of each convolution once."""
    fitted: list[int] = []
    played: list[int] = []

    def counted_fit(network: Network, audio: Audio, *others: Any) -> Network:
        fitted.append(len(audio))
        return quantize(network, audio, *others)

    def counted_play(capture: Capture, audio: Audio) -> Audio:
        played.append(len(audio))
        return play(capture, audio)

    monkeypatch.setattr(mixed_precision, "quantize", counted_fit)
    monkeypatch.setattr(mixed_precision, "play", counted_play)
    monkeypatch.setattr(mixed_precision, "EXCERPT_FRAMES", 1000)
    # Nothing is good enough.
    monkeypatch.setattr(mixed_precision, "MAX_ESR", 1e-12)
    quantize_within_esr(nam_file.read(root / "demo" / "overdriven-amp.nam"), AUDIO)
    assert fitted == [len(AUDIO)] * 3
    assert played.count(len(AUDIO)) == 4
    assert sum(played) <= 4 * len(AUDIO) + (1 + 40) * mixed_precision.PIECES * 1000
