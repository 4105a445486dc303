"""What can be wrong with the card, with a stick, or with what a boot does because of them."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class CardError(NampedalError):
    """Something that the card asks for can't be done."""


class ImportFolderError(CardError, OSError):
    """The folder that banks are taken over from can't be read."""


class NothingToImportError(CardError, ValueError):
    """A file or a folder that can't be taken over is where only what can be belongs."""


class ImportTooLargeError(CardError, ValueError):
    """A file or a folder is larger than any that is taken over, or there are too many."""


class ImportFileError(CardError, OSError):
    """A file of what is to be taken over can't be read, or is none."""


class ArtifactSoundsWrongError(CardError, ValueError):
    """An artifact does not sound here as it did where it was made."""


class DataFullError(CardError, OSError):
    """The data partition has no room left for it."""


class ImportLaterError(CardError, OSError):
    """Something could not be taken over now; the next start may do better."""


class NotBegunError(CardError, OSError):
    """Something was not begun: an import may not take longer, or the system can't start another process."""


class ImportRefusedError(CardError, ValueError):
    """Something can't be taken over, and will not be until it is changed."""


class ImportFaultError(CardError, RuntimeError):
    """Taking something over went wrong in a way that was not foreseen, or needed more memory than there is for it."""


class ImportEndedError(CardError, RuntimeError):
    """The process that was taking something over crashed or was ended."""


class ImportStoppedError(CardError, RuntimeError):
    """Taking over ended before its end."""


class DataFolderError(CardError, OSError):
    """A folder of the data partition can't be made or read."""


class NoUserError(CardError, LookupError):
    """There is nobody to play as."""


class CommandFailedError(CardError, RuntimeError):
    """A program of the system's failed, took too long, or is not there."""


class RadioError(CardError, OSError):
    """The radio can't be switched."""


class RadioOffError(CardError, RuntimeError):
    """The card was made for a pedal without a radio."""


class HostNameError(CardError, OSError):
    """The machine does not take its name."""


class NotAnImageError(CardError, RuntimeError):
    """Only nampedal's own image does that."""


class StickError(CardError, ValueError):
    """What is plugged in is not what banks are taken over from."""


class ConfigNotKeptError(CardError, RuntimeError):
    """config.txt was written, and is as before."""


class CardFileError(CardError, OSError):
    """A file of the card can't be read."""


class PedalUnknownError(CardError, LookupError):
    """Nobody says which pedal was installed."""


class NoInstallerError(CardError, RuntimeError):
    """Nobody knows what another pedal needs."""
