"""Errors of the card's settings, of bank import, and of what a boot does because of them."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class CardError(NampedalError):
    """Something that the card asks for can't be done."""


class ImportFolderError(CardError, OSError):
    """The folder that banks are imported from can't be read."""


class NothingToImportError(CardError, ValueError):
    """A file or folder in an import folder is not one that can be imported."""


class ImportTooLargeError(CardError, ValueError):
    """A file or folder is too large to import, or there are too many."""


class ImportFileError(CardError, OSError):
    """A file to import can't be read, or is not a regular file."""


class ArtifactSoundsWrongError(CardError, ValueError):
    """The output of an artifact differs from the output on the computer that made it."""


class DataFullError(CardError, OSError):
    """The data partition has not enough free space."""


class ImportLaterError(CardError, OSError):
    """An import failed for now; the next boot may succeed."""


class ImportNotStartedError(CardError, OSError):
    """An import was not started, because its time was over or no process could be started."""


class ImportRefusedError(CardError, ValueError):
    """A file can't be imported until somebody changes it."""


class ImportFaultError(CardError, RuntimeError):
    """An import failed in an unforeseen way, or ran out of memory."""


class ImportEndedError(CardError, RuntimeError):
    """The import process crashed or was ended."""


class ImportStoppedError(CardError, RuntimeError):
    """The import worker ended before it was finished."""


class DataFolderError(CardError, OSError):
    """A folder of the data partition can't be made or read."""


class NoUserError(CardError, LookupError):
    """The user that runs the pedal does not exist."""


class CommandFailedError(CardError, RuntimeError):
    """A program of the system failed, took too long, or does not exist."""


class RadioError(CardError, OSError):
    """The radio can't be switched."""


class RadioOffError(CardError, RuntimeError):
    """The card was made without a radio."""


class HostNameError(CardError, OSError):
    """The host name can't be set."""


class NotAnImagePedalError(CardError, RuntimeError):
    """Only a system from nampedal's own image supports this setting."""


class StickError(CardError, ValueError):
    """The plugged-in device is not one that banks can be imported from."""


class ConfigNotKeptError(CardError, RuntimeError):
    """config.txt was written, but has its old contents after the restart."""


class CardFileError(CardError, OSError):
    """A file of the card can't be read or removed."""


class PedalUnknownError(CardError, LookupError):
    """The profile of the installed pedal is not known."""


class NoInstallerError(CardError, RuntimeError):
    """There is no installer to change over to another pedal."""
