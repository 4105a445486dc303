"""The checks of `nampedal doctor`, one subject per file.

Imported by firmware.cli.
"""
