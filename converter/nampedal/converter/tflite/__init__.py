"""Writes and plays .tflite files.

Imported by converter.pipeline, converter.rendering, firmware.cli.
"""
