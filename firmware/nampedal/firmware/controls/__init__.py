"""The clients of the daemon: footswitches, knobs, MIDI, and the requests of the control socket.

Imported by firmware.cli.
"""
