"""Errors of updates."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class UpdateError(NampedalError):
    """An update of a pedal failed or was refused."""


class NotAPedalError(UpdateError, FileNotFoundError):
    """The machine is not a pedal: 'nampedal install' has not been run on it."""


class UpdateNotRootError(UpdateError, PermissionError):
    """Only root may update a pedal."""


class UpdateRunsError(UpdateError, BlockingIOError):
    """Another update is running."""


class OnTrialError(UpdateError, RuntimeError):
    """The last update is still on trial."""


class NotAnUpdateError(UpdateError, ValueError):
    """The file is neither a wheel nor an image."""


class UpdateUnreadableError(UpdateError, OSError):
    """A file that the update needs can't be read."""


class UpdateChangedError(UpdateError, RuntimeError):
    """The file that the update comes from changed after it was checked."""


class UpdateUnwritableError(UpdateError, OSError):
    """A file of the update can't be written."""


class UpdateRoomError(UpdateError, OSError):
    """There is too little free space."""


class ProgramFailedError(UpdateError, RuntimeError):
    """A program of the system failed or is not installed."""


class NothingBeforeError(UpdateError, LookupError):
    """There is no earlier version to go back to."""


class NotAWheelError(UpdateError, ValueError):
    """The file is not a wheel of nampedal, or is damaged."""


class WheelMachineError(UpdateError, ValueError):
    """The wheel is for another type of machine or another Python version."""


class WheelNeedsError(UpdateError, LookupError):
    """The wheel needs packages that are not installed."""


class SelfCheckError(UpdateError, RuntimeError):
    """The new version does not run on this machine, or its output is wrong."""


class NoTrybootError(UpdateError, RuntimeError):
    """The pedal's system does not support a trial boot (tryboot)."""


class OneRootError(UpdateError, RuntimeError):
    """The pedal's SD card has no second root partition."""


class CardLayoutError(UpdateError, ValueError):
    """The boot files of this pedal are not as nampedal made them."""


class NotAnImageError(UpdateError, ValueError):
    """The file is not an image of nampedal, or is cut off."""


class ImageChecksumError(UpdateError, ValueError):
    """The image, or its copy on the SD card, has a wrong checksum."""


class ImageForOthersError(UpdateError, ValueError):
    """The image is for another base, machine or pedal."""


class ImageTooLargeError(UpdateError, ValueError):
    """The image's root file system is larger than the partition for it."""
