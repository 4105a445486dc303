"""Access to the host system that provisioning and bank import share: its programs, and paths under its root.

Imported by firmware.cli, firmware.system.bank_import, firmware.system.provisioning, firmware.system.wifi.
"""
