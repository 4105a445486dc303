"""The conversion report: does the capture fit, is a difference audible, how does it sound, where is it from.

Imported by converter.pipeline, firmware.cli.
"""
