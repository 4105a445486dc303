"""The daemon that plays presets through JACK, and the state that it saves.

Imported by firmware.cli, firmware.controls, firmware.system.
"""
