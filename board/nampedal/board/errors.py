"""The root of every error of nampedal's own, and what the reader of hw-profiles refuses."""


class NampedalError(Exception):
    """A mistake that nampedal can name: one line that says where, what was found, what is allowed, what to do."""


class ProfileError(NampedalError):
    """Something is wrong with an hw-profile."""


class UnknownBoardError(ProfileError, LookupError):
    """There is no profile of that name."""


class ProfileUnreadableError(ProfileError, OSError):
    """A profile, or the folder of the user's own, can't be read."""


class ProfileUnwritableError(ProfileError, OSError):
    """A profile can't be written."""


class ProfileSyntaxError(ProfileError, ValueError):
    """The file is not TOML."""


class UnknownProfileKeyError(ProfileError, ValueError):
    """A profile has a key that no profile has."""


class MissingProfileKeyError(ProfileError, ValueError):
    """A key is not there that a profile needs."""


class MissingUnitError(ProfileError, ValueError):
    """A number's key does not say its unit."""


class ProfileValueError(ProfileError, ValueError):
    """A value has the wrong type, or is beyond what can be."""
