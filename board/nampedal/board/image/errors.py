"""Why an image can't be made."""

from nampedal.board.errors import NampedalError


class ImageError(NampedalError):
    """An image can't be made."""


class BuildToolError(ImageError, RuntimeError):
    """A program that builds a part of the image is missing, or failed."""


class MirrorError(ImageError, LookupError):
    """Nobody says where a suite's packages are."""


class WheelError(ImageError, ValueError):
    """The wheel is none of nampedal's for this image."""


class KernelError(ImageError, LookupError):
    """A kernel's package does not hold what a card needs."""


class ImageExistsError(ImageError, FileExistsError):
    """There is a file of the image's name."""
