"""The root of every error of nampedal's own."""


class NampedalError(Exception):
    """A mistake that nampedal can name: one line that says where, what was found, what is allowed, what to do."""
