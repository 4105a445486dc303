"""Writes an image to a card: checks which disk may be written, checks the image, writes it, and reads it back.

Imported by firmware.cli.
"""
