"""Writes and plays .tflite files.

Imported by converter.api, converter.pipeline, converter.rendering, firmware.cli.
"""
