"""A newer nampedal, or a newer system, that stays only if it has proved that it plays."""
