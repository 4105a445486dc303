"""The commands that make and maintain a pedal: image, install, update, card, doctor, sign.

No other room imports it.
"""
