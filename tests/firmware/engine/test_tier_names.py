"""The names of tiers, and what may be typed for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.metadata import capture_metadata
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    LayerArray,
    WaveNet,
    WaveNetLayer,
    macs_per_frame,
)
from nampedal.firmware.engine.tier_names import find_tier, pedal_tier, tier_label, tier_names
from support.makers import nam_maker

DILATIONS = (*(1, 3, 7, 17, 41, 101, 239) * 2, 1, 13, *(1, 3, 7, 17, 41, 101, 239))
KERNELS = (*[6] * 14, 15, 15, *[6] * 7)


def conv(channels: int, inputs: int, kernel: int = 1, dilation: int = 1, *, bias: bool = False) -> Conv:
    weight = np.full((channels, inputs, kernel), 0.01, np.float32)
    return Conv(weight, np.zeros(channels, np.float32) if bias else None, dilation)


def a2_shaped(channels: int, kernels: tuple[int, ...] = KERNELS) -> WaveNet:
    leaky = Activation(ActivationKind.LEAKY_RELU, (0.01,))
    layers = tuple(
        WaveNetLayer(
            conv(channels, channels, kernel, dilation, bias=True),
            conv(channels, 1),
            leaky,
            layer1x1=conv(channels, channels, bias=True),
        )
        for kernel, dilation in zip(kernels, DILATIONS, strict=True)
    )
    return WaveNet(arrays=(LayerArray(conv(channels, 1), layers, conv(1, channels, 16, bias=True)),), head_scale=0.01)


def own(network: WaveNet, size_below: float = 0.5) -> Tier:
    return Tier(network, 1, size_below)


def slimmed(network: WaveNet, full: WaveNet) -> Tier:
    """A tier as the converter makes it."""
    return Tier(network, 1, macs_per_frame(network) / macs_per_frame(full))


FULL, LITE, SIX, FOUR = (a2_shaped(channels) for channels in (8, 3, 6, 4))
OTHER = a2_shaped(8, (*KERNELS[:-1], 7))


@pytest.mark.parametrize(
    ("tiers", "names"),
    [
        ([Tier(OTHER, 1)], ("full",)),
        ([Tier(OTHER, 1), slimmed(SIX, OTHER)], ("full", "slimmed")),
        ([Tier(OTHER, 1), slimmed(SIX, OTHER), slimmed(FOUR, OTHER)], ("full", "slimmed", "lightest")),
        ([Tier(OTHER, 1), own(SIX)], ("full", "smaller")),
        ([Tier(OTHER, 1), own(SIX), own(FOUR, 0.3), own(FOUR, 0.2)], ("full", "smaller 1", "smaller 2", "lightest")),
        ([Tier(FULL, 1), own(LITE)], ("A2 Full", "A2 Lite")),
        ([Tier(FULL, 1)], ("A2 Full",)),
        ([Tier(LITE, 1)], ("A2 Lite",)),
        # Between A2's own sizes is one that the converter made.
        ([Tier(FULL, 1), slimmed(SIX, FULL), own(LITE)], ("A2 Full", "slimmed", "A2 Lite")),
        # As wide as the A2 Lite, but not trained as one.
        ([Tier(FULL, 1), slimmed(LITE, FULL)], ("A2 Full", "slimmed")),
        # All names are different, whatever a file holds.
        ([Tier(FULL, 1), own(FULL), own(LITE, 0.4), own(LITE, 0.3)], ("A2 Full", "smaller", "A2 Lite", "lightest")),
    ],
)
def test_each_tier_has_a_name_that_players_know(tiers: list[Tier], names: tuple[str, ...]) -> None:
    assert tier_names(tiers) == names


def test_a_name_survives_the_artifact() -> None:
    tiers = (Tier(FULL, 1), slimmed(SIX, FULL), own(LITE))
    made = Capture(CaptureSource("a2.nam", "", "0.7.0", "SlimmableContainer"), 48000.0, tiers)
    read = artifact.unpack(_engine.Artifact.from_bytes(artifact.pack(made), "a2.stomp"))
    assert tier_names(read.tiers) == ("A2 Full", "slimmed", "A2 Lite")
    assert [row["tier_name"] for row in capture_metadata(read)["tiers"]] == ["A2 Full", "slimmed", "A2 Lite"]


def test_the_a2_of_its_makers_is_known(corpus: Path) -> None:
    assert tier_names(nam_file.read(corpus / "models" / "core-a2.nam").tiers) == ("A2 Full", "A2 Lite")
    assert tier_names(nam_file.read(corpus / "models" / "core-a2-max.nam").tiers) == ("full",)


def test_a_capture_of_one_size_is_not_told_that_it_is_full(tmp_path: Path) -> None:
    names = tier_names(nam_file.read(nam_maker.write(tmp_path / "a.nam", nam_maker.a1())).tiers)
    assert tier_label(0, names) == "tier 0"
    assert tier_label(0, ("A2 Lite",)) == "tier 0 (A2 Lite)"
    assert tier_label(1, ("full", "slimmed")) == "tier 1 (slimmed)"


A2 = ("A2 Full", "slimmed", "A2 Lite", "lightest")
OURS = ("full", "slimmed 1", "slimmed 2", "lightest")


@pytest.mark.parametrize(
    ("typed", "names", "number"),
    [
        *((2, A2, 2), ("2", A2, 2), ("A2 Lite", A2, 2), ("a2-lite", A2, 2), ("lite", A2, 2), ("LITE", A2, 2)),
        *(("full", A2, 0), ("lightest", A2, 3), ("slimmed", A2, 1)),
        *(("full", OURS, 0), ("slimmed", OURS, 1), ("slimmed-2", OURS, 2), ("lite", OURS, 3)),
        *(("lightest", ("full",), 0), ("lite", ("A2 Full", "A2 Lite", "lightest"), 1), ("full", ("A2 Lite",), 0)),
        ("smaller", ("full", "smaller"), 1),
    ],
)
def test_numbers_and_names_are_understood(typed: int | str, names: tuple[str, ...], number: int) -> None:
    assert find_tier(typed, names, "amp.nam") == number


@pytest.mark.parametrize("typed", [4, "4", "-1", "-0", "small", "", "a2", "slimmed 3", "²"])
def test_what_no_tier_is_called_is_refused_with_the_names(typed: int | str) -> None:
    with pytest.raises(ArgumentError) as caught:
        find_tier(typed, A2, "amp.nam")
    assert str(caught.value) == (
        f"amp.nam: no tier {typed}; it has 0 (A2 Full), 1 (slimmed), 2 (A2 Lite), 3 (lightest)"
    )


def test_a_pedal_understands_words_that_every_capture_has() -> None:
    last = _engine.MAX_TIERS - 1
    typed = (1, 1000, "full", "Slimmed", "lite", "lightest")
    assert [pedal_tier(one) for one in typed] == [1, last, 0, 1, last, last]
    with pytest.raises(ArgumentError, match="--tier a2-full: a pedal plays many captures; name a number, or full, "):
        pedal_tier("a2-full")


def test_a_tier_of_the_converter_is_told_from_an_own_one_by_its_share_of_the_work() -> None:
    tier = slimmed(SIX, FULL)
    assert tier_names([Tier(FULL, 1), tier])[1] == "slimmed"
    assert tier_names([Tier(FULL, 1), replace(tier, size_below=tier.size_below + 1e-6)])[1] == "smaller"
