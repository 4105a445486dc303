"""Reads .nam files into captures.

Imported by converter.budget, converter.pipeline, converter.rendering, converter.rounding, converter.slim,
converter.tflite, firmware.cli.
"""
