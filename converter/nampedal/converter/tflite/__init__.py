"""Writes and plays .tflite files."""
