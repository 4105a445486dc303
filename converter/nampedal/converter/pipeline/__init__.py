"""Runs one conversion, from file to file.

Imported by converter.api, firmware.cli.
"""
