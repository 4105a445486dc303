"""Reads the .nam architecture Sequential: complete captures in series, each with its own weights.

The format is that of NeuralAmpModelerCore's branch 142-sequential-2 (a3408d5, sequential.cpp and get_dsp.cpp). Levels
and loudness are taken from the outer model; those of the members are ignored.
"""

from __future__ import annotations

import math
from itertools import pairwise

from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import Field, short_repr
from nampedal.firmware.engine._engine import MAX_SEQUENTIAL, MAX_TIERS
from nampedal.firmware.engine.capture import Tier
from nampedal.firmware.engine.network import Sequential

SPELLINGS = ("Sequential", "sequential")
WEIGHTS_VERSION = 2


def is_sequential(model: Field) -> bool:
    return model["architecture"].value in SPELLINGS


def listed_models(config: Field) -> list[Field]:
    """Return the members in file order, unchecked; an empty list if the file has no list."""
    listed = _list(config)
    if not isinstance(listed.value, list):
        return []
    return [_model_of(entry) for entry in listed.entries()]


def member_models(config: Field) -> list[Field]:
    """Return the members in playing order. Raises CaptureError."""
    listed = _list(config)
    if not listed.present:
        config.fail(CaptureError, "has neither 'models' nor 'layers'; a list of whole models is needed")
    return [_model_of(entry.object()) for entry in listed.items(1, MAX_SEQUENTIAL)]


def check_weights_version(config: Field, weights: Field) -> None:
    """Raise CaptureError if the weights are not stored in the members."""
    version = config["weights_version"].integer(1, 1 << 16, 1)
    if version != WEIGHTS_VERSION:
        said = f"is {version}" if config["weights_version"].present else "is not there, which means 1"
        config["weights_version"].fail(
            CaptureError,
            f"{said}; {WEIGHTS_VERSION} is needed, each model with its own weights: export it again",
        )
    if weights.value:
        weights.fail(CaptureError, f"is {short_repr(weights.value)}; each of config.models has its own weights")


def sequential_tiers(model: Field, members: list[list[Tier]]) -> tuple[list[Tier], tuple[str, ...]]:
    """Return the tiers of the networks in series, full first, and why other sizes are left out.

    members: the tiers of each member, in playing order. At each size, every member plays its own tier for that size.
    Raises CaptureError if a member's input channels differ from the output channels of the one before.
    """
    full = [tiers[0].network for tiers in members]
    for i, (before, after) in enumerate(pairwise(full), 1):
        if before.out_channels != after.in_channels:
            model.fail(
                CaptureError,
                f"model {i} takes {after.in_channels} channels; the one before puts out {before.out_channels}",
            )
    bounds = sorted({tier.size_below for tiers in members for tier in tiers[1:]}, reverse=True)
    left_out: tuple[str, ...] = ()
    if len(bounds) + 1 > MAX_TIERS:
        left_out = (f"its smaller sizes are left out: there are {len(bounds)}, and {MAX_TIERS - 1} are allowed",)
        bounds = []
    tiers = []
    for bound in (math.inf, *bounds):
        # Each member's smallest tier that covers sizes just below the bound.
        played = [[one for one in own if bound <= one.size_below][-1] for own in members]
        network = Sequential(tuple(one.network for one in played))
        tiers.append(Tier(network, sum(one.parameters for one in played), bound))
    return tiers, left_out


def _list(config: Field) -> Field:
    return config["models"] if config["models"].present else config["layers"]


def _model_of(entry: Field) -> Field:
    return entry["model"] if entry["model"].present else entry
