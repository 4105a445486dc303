"""The steps of an installation: types, applying them, the journal of earlier states, undoing them.

Imported by firmware.cli, firmware.system.image, firmware.system.install, firmware.system.provisioning,
firmware.system.update.
"""
