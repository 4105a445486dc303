"""Pedals, cards and disks on which a test changes something."""
