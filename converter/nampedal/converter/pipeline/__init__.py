"""Runs one conversion, from file to file."""
