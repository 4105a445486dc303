"""Drivers of controls, each behind controls.Driver."""
