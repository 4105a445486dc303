"""Events, gestures and positions of footswitches and knobs. Nothing in this package accesses hardware.

Imported by board.drivers, board.profiles, board.setup, firmware.actions, firmware.cli, firmware.controls.
"""
