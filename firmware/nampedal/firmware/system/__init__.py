"""Making a system into a pedal: images, installation, provisioning, updates, the doctor.

Imported by firmware.system.install, firmware.system.update.
"""
