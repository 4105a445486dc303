"""Fits a capture into a board's processing time budget."""
