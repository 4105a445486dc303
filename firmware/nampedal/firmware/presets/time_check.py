"""Checks that this machine has enough CPU time for a preset, from the load measured in preparation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nampedal.firmware.base.files import file_names
from nampedal.firmware.presets.quality import NEAR

if TYPE_CHECKING:
    from nampedal.firmware.presets.chain import Chain


def problem_of(chain: Chain, path: Path) -> str:
    """Return a message if a preset takes too long even at its cheapest tier; empty: it fits.

    path: of the preset, or of a capture that is played alone.
    """
    load = min(chain.loads, default=0.0)
    if load <= NEAR:
        return ""
    what = path.name if path.suffix.lower() == file_names.CAPTURE else "its .nam"
    size = "" if chain.tiers == 1 else " at its smallest size"
    return (
        f"takes {100 * load:.0f} % of the time that this machine has{size}, and the sound breaks up: convert "
        f"{what} for this board (nampedal convert --board), or choose a longer period"
    )
