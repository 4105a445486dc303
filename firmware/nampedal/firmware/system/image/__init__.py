"""Builds the image of an SD card: Debian packages, the installer's steps, and a disk layout around them.

Imported by firmware.cli, firmware.system.flash, firmware.system.update.
"""
