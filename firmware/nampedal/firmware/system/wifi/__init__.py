"""The pedal's Wi-Fi: the networks in nampedal.toml, the hotspot, and the country whose radio rules apply.

Imported by firmware.system.provisioning.
"""
