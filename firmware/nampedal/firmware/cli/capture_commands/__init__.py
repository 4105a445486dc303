"""The commands of the converter. They are missing on a pedal, which has no converter.

No other room imports it.
"""
