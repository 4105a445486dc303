"""The ALSA mixer of a HAT: the controls of its drivers, the settings of a profile, and the check that both fit.

Imported by firmware.system.
"""
