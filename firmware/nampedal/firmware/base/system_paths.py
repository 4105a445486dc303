"""Paths on a pedal, from its root. Code that builds a root elsewhere puts that folder in front."""

from __future__ import annotations

from pathlib import Path

# First partition of the card, readable by any computer. Mounted read-only, except for short moments.
CARD = Path("/boot/firmware")
CARD_SETTINGS = CARD / "nampedal.toml"
# Errors in CARD_SETTINGS and other files on the card; it is deleted when there are none.
CARD_ERRORS = CARD / "nampedal-errors.txt"
# Boot configuration of the Raspberry Pi's firmware, and the one that it uses for a single trial boot.
CARD_CONFIG = CARD / "config.txt"
CARD_TRYBOOT = CARD / "tryboot.txt"
# What the boot derived from the card. Lost at power-off; only root may write it.
CARD_RUN = Path("/run/nampedal-card")
# Messages that the LEDs show once the pedal plays.
CARD_ANNOUNCEMENT = CARD_RUN / "announce"
# Partitions that were not mounted when the boot looked; it looks again when they are.
CARD_LATE = CARD_RUN / "late"
# A separate partition on an image; the only one that is written.
DATA = Path("/var/lib/nampedal")
BANKS = DATA / "banks"
# XDG_CONFIG_HOME and XDG_STATE_HOME of all programs on a pedal.
CONFIG = DATA / "config"
STATE = DATA / "state"
# Folders in DATA that the player's user owns. DATA itself stays root's, because the owner of a folder can replace
# anything in it.
PLAYERS = (BANKS, CONFIG, STATE)
# Newer runtimes from updates; they replace RUNTIME.
RUNTIMES = DATA / "runtimes"
# Result of the last update, and what an older version needs from before it.
UPDATES = DATA / "updates"
# The installed runtime: a virtual environment of the system's Python.
RUNTIME = Path("/opt/nampedal/runtime")
# Profiles of the pedal's maker, in folders by kind. They come before nampedal's own and after those in CONFIG.
PROFILES = Path("/opt/nampedal/profiles")
# Files to copy to DATA/NAME if they do not exist there.
SEED = Path("/opt/nampedal/seed")
# SSH keys that may log in, from the card; and the machine's host key, which is made once and kept.
SSH_KEYS = CARD_RUN / "authorized_keys"
SSH_HOST_KEY = DATA / "system/ssh/ssh_host_ed25519_key"
# This command decides which runtime runs.
COMMAND = Path("/usr/local/bin/nampedal")
SETTINGS = Path("/etc/nampedal/pedal.env")
# It replaces SETTINGS until power-off if the card names another pedal or HAT.
CHANGED_SETTINGS = CARD_RUN / SETTINGS.name
# Keys whose updates are accepted and whose banks have a name: keys that came with the pedal, and keys that root added.
# Only root may write there; everybody may read.
TRUSTED = Path("/etc/nampedal/trusted-signers")
TRUSTED_ADDED = DATA / "trusted-signers"
# The control socket and other files that are lost at power-off.
RUN = Path("/run/nampedal")
UNITS = Path("/usr/local/lib/systemd/system")
# The unprivileged user that plays, in the group of the same name and in the groups of the devices.
USER = "nampedal"
