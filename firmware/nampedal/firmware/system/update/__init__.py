"""Updates of nampedal (by wheel) or of the whole system (by image), kept only if a trial proves that they play.

Imported by firmware.cli.
"""
