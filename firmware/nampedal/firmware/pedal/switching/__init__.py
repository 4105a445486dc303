"""Switches presets without a gap in the sound, and limits the CPU load."""
