"""Installs the pedal software on a Debian or Raspberry Pi OS system, and uninstalls it, by a plan of small steps.

Imported by firmware.cli, firmware.system.image, firmware.system.provisioning.
"""
