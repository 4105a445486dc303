"""Measures differences between two sounds, and provides the audio to measure them with."""
