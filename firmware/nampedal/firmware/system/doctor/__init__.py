"""`nampedal doctor`: finds faults of a running pedal and tells how to repair them.

Imported by firmware.cli, firmware.system.doctor.checks.
"""
