"""Converts .nam files into artifacts, on any computer. It is not installed on the pedal.

Any room above may import it.
"""
