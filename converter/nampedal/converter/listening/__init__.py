"""Measures differences between two sounds, and provides the audio to measure them with.

Any room above may import it.
"""
