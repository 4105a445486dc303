"""Emulated machines, and pedals in them."""
