"""Where everything is on a pedal, from its root on. Who builds a root elsewhere puts that folder in front."""

from __future__ import annotations

from pathlib import Path

# The card's first partition, which any computer reads; mounted read-only but for moments.
CARD = Path("/boot/firmware")
CARD_SETTINGS = CARD / "nampedal.toml"
# What is wrong with it and with what else is there; gone when all is well.
CARD_ERRORS = CARD / "nampedal-errors.txt"
# What the firmware of a Raspberry Pi starts by; and, in its place, what it tries once.
CARD_CONFIG = CARD / "config.txt"
CARD_TRYBOOT = CARD / "tryboot.txt"
# What a boot made of it: gone when it is off, and only root's to write.
CARD_RUN = Path("/run/nampedal-card")
# What its lights have to tell, once the pedal plays.
CARD_NEWS = CARD_RUN / "announce"
# The partitions that were not mounted when a boot looked: it looks once more when they are.
CARD_LATE = CARD_RUN / "late"
# On an image a partition of its own: the only one that is written.
DATA = Path("/var/lib/nampedal")
BANKS = DATA / "banks"
# XDG_CONFIG_HOME and XDG_STATE_HOME of all that runs on a pedal.
CONFIG = DATA / "config"
STATE = DATA / "state"
# Of DATA: who owns a folder may put anything in its place, so DATA itself stays root's.
PLAYERS = (BANKS, CONFIG, STATE)
# Newer runtimes than the one below, as updates bring them.
RUNTIMES = DATA / "runtimes"
# How the last update went, and what an older version needs of before it.
UPDATES = DATA / "updates"
# The one that was installed: a virtual environment of the system's Python.
RUNTIME = Path("/opt/nampedal/runtime")
# Profiles of who made this pedal, in folders by kind: they come before ours, and behind those in CONFIG.
PROFILES = Path("/opt/nampedal/profiles")
# What belongs to DATA/NAME and was not there yet.
SEED = Path("/opt/nampedal/seed")
# Who may log in, as the card says; and what the machine is known by, made once, and kept.
SSH_KEYS = CARD_RUN / "authorized_keys"
SSH_HOST_KEY = DATA / "system/ssh/ssh_host_ed25519_key"
# Which runtime runs is decided there.
COMMAND = Path("/usr/local/bin/nampedal")
SETTINGS = Path("/etc/nampedal/pedal.env")
# What counts in place of it where the card names another pedal or HAT, until it is off.
CHANGED_SETTINGS = CARD_RUN / SETTINGS.name
# Whose updates are taken, and whose banks are known: keys that came with the pedal, and those that root added to them.
# Only root may write there, and everybody may read.
TRUSTED = Path("/etc/nampedal/trusted-signers")
TRUSTED_ADDED = DATA / "trusted-signers"
# The control socket and what else is gone when it is off.
RUN = Path("/run/nampedal")
UNITS = Path("/usr/local/lib/systemd/system")
# Who plays; in the group of the same name, and in those that devices belong to.
USER = "nampedal"
