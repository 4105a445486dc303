"""python -m nampedal.firmware.card: `nampedal card boot`, which the player waits for, without all other commands."""

from nampedal.firmware.card.as_installed import at_boot

at_boot()
