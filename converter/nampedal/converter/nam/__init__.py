"""Reads .nam files into captures."""
