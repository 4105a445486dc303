"""Banks of presets: listing, editing, packing and unpacking them.

Imported by firmware.cli, firmware.controls, firmware.pedal, firmware.system.
"""
