"""Presets: reading and writing them, and building the chain of blocks that plays one."""
