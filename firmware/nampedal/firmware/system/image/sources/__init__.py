"""The sources of an image: Debian suites, mirrors, packages, kernels.

Imported by firmware.cli, firmware.system.image.
"""
