"""What an update refuses."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class UpdateError(NampedalError):
    """A pedal can't be updated like that."""


class NotAPedalError(UpdateError, FileNotFoundError):
    """Nothing on this machine was made a pedal."""


class NotRootError(UpdateError, PermissionError):
    """Only root may."""


class UpdateRunsError(UpdateError, BlockingIOError):
    """Another update is at work."""


class OnTrialError(UpdateError, RuntimeError):
    """What the last update brought is on trial still."""


class NotAnUpdateError(UpdateError, ValueError):
    """The file is neither a wheel nor an image."""


class UpdateUnreadableError(UpdateError, OSError):
    """A file that the update needs can't be read."""


class UpdateChangedError(UpdateError, RuntimeError):
    """The file that the update comes from changed after it was checked."""


class UpdateUnwritableError(UpdateError, OSError):
    """Something that the update brings can't be written."""


class UpdateRoomError(UpdateError, OSError):
    """There is too little room."""


class ProgramFailedError(UpdateError, RuntimeError):
    """A program of the system's failed, or is not there."""


class NothingBeforeError(UpdateError, LookupError):
    """There is nothing to go back to."""


class NotAWheelError(UpdateError, ValueError):
    """The file is no wheel of nampedal, or is damaged."""


class WheelMachineError(UpdateError, ValueError):
    """The wheel is for other machines, or another Python."""


class WheelNeedsError(UpdateError, LookupError):
    """The wheel needs packages that are not there."""


class SelfCheckError(UpdateError, RuntimeError):
    """The new version does not run on this machine, or plays wrong."""


class NoTrybootError(UpdateError, RuntimeError):
    """The pedal's system can't be tried before it is kept."""


class OneRootError(UpdateError, RuntimeError):
    """The pedal's card has no second place for a system."""


class CardLayoutError(UpdateError, ValueError):
    """The files that this pedal is started from are not as they were made."""


class NotAnImageError(UpdateError, ValueError):
    """The file is no image of nampedal's, or is cut off."""


class ImageChecksumError(UpdateError, ValueError):
    """The image, or what was written of it, is not what it is said to be."""


class ImageForOthersError(UpdateError, ValueError):
    """The image is for another base, machine or pedal."""


class ImageTooLargeError(UpdateError, ValueError):
    """The image's root is larger than the place for it."""
