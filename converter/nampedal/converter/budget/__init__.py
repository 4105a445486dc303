"""Fits a capture into a board's processing time budget.

Imported by converter.api, converter.pipeline, firmware.cli.
"""
