"""Why an image can't be made."""

from nampedal.board.errors import NampedalError


class ImageError(NampedalError):
    """An image can't be made."""


class BuildToolError(ImageError, RuntimeError):
    """A program that builds a part of the image is missing, or failed."""


class MirrorError(ImageError, LookupError):
    """A release's packages can't be had: nobody says where they are, or apt refused or failed to fetch them."""


class KeyFileError(ImageError, ValueError):
    """A file is no public key that an archive can be checked with."""


class BankFolderError(ImageError, LookupError):
    """A bank that an image should have is no folder."""


class NoSoundError(ImageError, ValueError):
    """A card with this kernel could never make this pedal sound."""


class WheelError(ImageError, ValueError):
    """The wheel is none of nampedal's for this image."""


class KernelError(ImageError, LookupError):
    """The kernel's packages do not hold what a card needs."""


class ImageFolderError(ImageError, FileNotFoundError):
    """The folder that an image should be written to is not there."""


class ImageExistsError(ImageError, FileExistsError):
    """There is a file of the image's name."""
