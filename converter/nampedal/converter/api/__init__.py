"""The Python API: loads, renders, converts and compares captures. `import nampedal` gives its names.

Imported by no room.
"""
