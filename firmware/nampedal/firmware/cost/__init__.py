"""Predicts and measures the time that a network needs for one block of audio on a board.

Imported by converter, firmware.cli.
"""
