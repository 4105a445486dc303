"""Rounds a network's weights to int8."""
