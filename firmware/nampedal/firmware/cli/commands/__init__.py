"""The commands for playing and setting up: presets, banks, levels, MIDI, latency, calibration.

No other room imports it.
"""
