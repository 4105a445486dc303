"""Runs one conversion, from file to file.

Imported by firmware.cli.
"""
