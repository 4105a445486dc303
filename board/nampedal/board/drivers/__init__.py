"""Drivers of controls. Each one implements inputs.control_events.Driver.

Imported by firmware.cli, firmware.controls.
"""
