"""The Python API: loads, renders, converts and compares captures. `import nampedal` gives its names.

No other room imports it.
"""
