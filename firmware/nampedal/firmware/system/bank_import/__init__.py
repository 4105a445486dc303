"""Importing banks and captures from the card and from USB sticks, as an unprivileged user with limits.

Imported by firmware.system.provisioning.
"""
