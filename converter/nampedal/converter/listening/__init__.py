"""Measures differences between two sounds, and provides the audio to measure them with.

Imported by converter.pipeline, converter.rendering, converter.report, converter.rounding, converter.slim,
converter.tflite, firmware.cli.
"""
