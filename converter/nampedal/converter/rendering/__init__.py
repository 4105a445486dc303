"""Plays a model file with audio files offline, through any backend, and compares the results.

Imported by converter.api, firmware.cli.
"""
