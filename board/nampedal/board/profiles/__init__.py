"""Profiles of boards, HATs and pedals, and the wiring of a pedal's controls.

Any room above may import it.
"""
