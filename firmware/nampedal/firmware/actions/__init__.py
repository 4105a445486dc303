"""Actions, their bindings, MIDI messages, the control socket, and the states of the LEDs.

Imported by firmware.cli, firmware.controls, firmware.presets, firmware.system.
"""
