"""Errors of building an image."""

from nampedal.firmware.base.errors import NampedalError


class ImageError(NampedalError):
    """An image can't be built."""


class BuildToolError(ImageError, RuntimeError):
    """A program that builds a part of the image is missing or failed."""


class MirrorError(ImageError, LookupError):
    """The packages of a release can't be fetched: no mirror is known, or apt refused or failed."""


class ArchiveKeyError(ImageError, ValueError):
    """The file is not a public key of a package archive."""


class BankFolderError(ImageError, LookupError):
    """A bank for the image is not a folder."""


class SoundlessBoardError(ImageError, ValueError):
    """The pedal could never play with the chosen kernel."""


class WheelError(ImageError, ValueError):
    """The file is not a wheel of nampedal that fits the image."""


class KernelError(ImageError, LookupError):
    """The kernel's packages lack files that a card needs."""


class ImageFolderError(ImageError, FileNotFoundError):
    """The output folder does not exist."""


class ImageExistsError(ImageError, FileExistsError):
    """The output file exists already."""
