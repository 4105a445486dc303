"""The names of a capture's tiers: those that players know, beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.capture import Tier
from nampedal.firmware.engine.network import ActivationKind, Gating, Network, WaveNet, macs_per_frame

FULL, LIGHTEST, LITE = "full", "lightest", "lite"
_SLIMMED, _SMALLER = "slimmed", "smaller"
# Words for --tier that are understood for every capture, whatever its tiers are called.
WORDS = (FULL, LITE, _SLIMMED, LIGHTEST)

# No capture has a tier behind this one.
_LAST = _engine.MAX_TIERS - 1

# A2's two sizes: a WaveNet of one array with these layers, 8 or 3 channels wide. From NeuralAmpModelerCore,
# NAM/wavenet/a2_fast.h and is_a2_shape() in a2_fast.cpp, commit 3ed0e15f8d0c00e89e42847065a2e73758b86616.
_A2_NAMES = {8: "A2 Full", 3: "A2 Lite"}
_A2_KERNELS = (*[6] * 14, 15, 15, *[6] * 7)
_A2_DILATIONS = (*(1, 3, 7, 17, 41, 101, 239) * 2, 1, 13, *(1, 3, 7, 17, 41, 101, 239))
_A2_HEAD_KERNEL = 16
# Difference of two equal shares of MACs, stored in float64.
_ROUNDING = 1e-9


def tier_names(tiers: Sequence[Tier]) -> tuple[str, ...]:
    """Return the name of each tier of a capture. No two are the same.

    A size of A2 is called as its makers call it. Other tiers are 'full', 'slimmed' (by the converter) or 'smaller' (a
    size that the capture itself has), and the last of three or more is 'lightest'. Several slimmed or smaller ones have
    the tier's number behind the word.
    """
    last = len(tiers) - 1
    kinds = []
    for number, tier in enumerate(tiers):
        slimmed = number > 0 and _is_slimmed(tier, tiers[0])
        a2 = None if slimmed else _a2_name(tier.network)
        if a2 is not None and a2 not in kinds:
            kinds.append(a2)
        elif number == 0:
            kinds.append(FULL)
        elif number == last > 1:
            kinds.append(LIGHTEST)
        else:
            kinds.append(_SLIMMED if slimmed else _SMALLER)
    return tuple(kind if kinds.count(kind) == 1 else f"{kind} {number}" for number, kind in enumerate(kinds))


def tier_label(number: int, names: Sequence[str]) -> str:
    """Return a tier's number and name for a text: "tier 1 (A2 Lite)". The only tier of a plain capture is "tier 0"."""
    return f"tier {number}" if tuple(names) == (FULL,) else f"tier {number} ({names[number]})"


def find_tier(tier: int | str, names: Sequence[str], where: str) -> int:
    """Return the number of the tier that a number, a name of `tier_names` or one of `WORDS` means.

    Upper and lower case are the same, and so are a hyphen and a space. 'full' is always the first tier, 'lightest' the
    last; 'lite' is the A2 Lite, or else the last.

    where: the file, for the message.  Raises ArgumentError.
    """
    word = str(tier).strip().lower().replace("-", " ")
    known = [name.lower() for name in names]
    if word.isascii() and word.isdigit() and int(word) < len(names):
        return int(word)
    if word in known:
        return known.index(word)
    if word == FULL:
        return 0
    if word in (LITE, LIGHTEST):
        return next((i for i, name in enumerate(known) if word == LITE and name == "a2 lite"), len(names) - 1)
    for number, name in enumerate(known):
        if word in (_SLIMMED, _SMALLER) and name.startswith(word):
            return number
    there = ", ".join(f"{number} ({name})" for number, name in enumerate(names))
    raise ArgumentError(f"{where}: no tier {tier}; it has {there}")


def pedal_tier(tier: int | str) -> int:
    """Return the number of the tier that a pedal holds all captures at. A capture with fewer tiers plays its last.

    tier: a number, or one of `WORDS`: 'slimmed' is the second tier, 'lite' and 'lightest' the last of each capture.
    Raises ArgumentError.
    """
    if isinstance(tier, int):
        return min(tier, _LAST)
    numbers = {FULL: 0, _SLIMMED: 1, LITE: _LAST, LIGHTEST: _LAST}
    number = numbers.get(tier.lower())
    if number is None:
        raise ArgumentError(f"--tier {tier}: a pedal plays many captures; name a number, or {', '.join(WORDS)}")
    return number


def _is_slimmed(tier: Tier, full: Tier) -> bool:
    """Return True if the converter made this tier: it then writes the share of the full tier's work as `size_below`."""
    return abs(tier.size_below - macs_per_frame(tier.network) / macs_per_frame(full.network)) < _ROUNDING


def _a2_name(network: Network) -> str | None:
    """Return what A2's makers call a network of this shape, or None if A2 has no such size."""
    if not isinstance(network, WaveNet) or len(network.arrays) != 1 or network.head or network.condition is not None:
        return None
    (array,) = network.arrays
    convs = [layer.conv for layer in array.layers]
    channels = array.rechannel.out_channels
    plain = all(
        (layer.conv.out_channels, layer.conv.in_channels, layer.conv.groups) == (channels, channels, 1)
        and layer.activation.kind is ActivationKind.LEAKY_RELU
        and layer.gating is Gating.OFF
        and layer.head1x1 is None
        for layer in array.layers
    )
    same = (
        tuple(conv.kernel_size for conv in convs) == _A2_KERNELS
        and tuple(conv.dilation for conv in convs) == _A2_DILATIONS
        and array.head.kernel_size == _A2_HEAD_KERNEL
    )
    return _A2_NAMES.get(channels) if plain and same else None
