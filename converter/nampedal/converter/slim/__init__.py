"""Makes a smaller network that sounds like a capture, without the recordings that the capture was trained on.

Imported by converter.api, converter.budget, converter.pipeline, firmware.cli.
"""
