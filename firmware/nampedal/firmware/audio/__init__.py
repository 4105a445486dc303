"""Audio signals: files, levels, loudness, impulse responses, the tuner.

Imported by converter, firmware.cli, firmware.controls, firmware.jack, firmware.pedal, firmware.presets.
"""
