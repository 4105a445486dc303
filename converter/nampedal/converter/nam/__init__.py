"""Reads .nam files into captures.

Any room above may import it.
"""
