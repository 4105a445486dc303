"""The root of every error of nampedal's own, and what the reader of hw-profiles refuses."""


class NampedalError(Exception):
    """A mistake that nampedal can name: one line that says where, what was found, what is allowed, what to do."""


class ProfileError(NampedalError):
    """Something is wrong with an hw-profile."""


class UnknownProfileError(ProfileError, LookupError):
    """There is no profile of that name."""


class ProfileUnreadableError(ProfileError, OSError):
    """The file can't be read."""


class ProfileSyntaxError(ProfileError, ValueError):
    """The file is not TOML."""


class ProfileKeyError(ProfileError, ValueError):
    """A key is unknown, or one that must be there is missing."""


class ProfileValueError(ProfileError, ValueError):
    """A value has the wrong type, or is beyond what can be."""
