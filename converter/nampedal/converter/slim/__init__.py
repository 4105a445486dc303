"""Slimming: a smaller network that sounds like a capture's own, made without the recordings it was trained on."""
