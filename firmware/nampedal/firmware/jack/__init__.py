"""The JACK client, its connections, and the audio tap for recording and tuning.

Imported by firmware.cli, firmware.pedal.
"""
