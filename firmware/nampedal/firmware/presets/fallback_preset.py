"""The preset that plays when no other can: the output is the input. It is in no file."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.presets.preset import Preset

# Its name, in the form of a file in a bank folder.
PATH = Path("built-in", "dry")
PRESET = Preset("Dry", ())
