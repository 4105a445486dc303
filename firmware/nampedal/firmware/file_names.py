"""What files of ours are called, and how much a bank may hold."""

from __future__ import annotations

ARTIFACT = ".stomp"
PRESET = ".toml"
# Which presets a bank has, and in which order: in its folder.
BANK = "bank.toml"
# A whole bank, packed.
BANK_FILE = ".nampedal-bank"
MOST_FILES = 1000
MOST_BYTES = 128 << 20
