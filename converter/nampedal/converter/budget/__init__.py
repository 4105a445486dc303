"""Fits a capture into a board's processing time budget.

Imported by converter.pipeline, firmware.cli.
"""
