"""Sets up a pedal profile: the player presses and turns the controls, and the wizard writes the profile.

Imported by firmware.cli.
"""
