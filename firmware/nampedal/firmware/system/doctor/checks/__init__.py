"""The checks of `nampedal doctor`, one subject per file."""
