"""Switches presets without a gap in the sound, and limits the CPU load.

Imported by firmware.controls, firmware.pedal.
"""
