"""The preset that plays where no other can: the input comes out as it went in. It is in no file."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.preset import Preset

# What it is called by, as if it were a file in the folder of a bank.
PATH = Path("built-in", "dry")
PRESET = Preset("Dry", ())
