"""Presets: reading and writing them, and building the chain of blocks that plays one.

Imported by converter, firmware.cli, firmware.controls, firmware.pedal, firmware.presets.banks, firmware.system.
"""
