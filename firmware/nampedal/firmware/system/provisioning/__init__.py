"""Sets up the pedal from nampedal.toml on the card's first partition; imports banks from the card and USB sticks.

Imported by firmware.cli.
"""
