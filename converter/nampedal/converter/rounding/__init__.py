"""Rounds a network's weights to int8.

Imported by converter.api, converter.budget, converter.pipeline, converter.report, converter.slim, converter.tflite,
firmware.cli.
"""
