"""What is refused before a card is written, and what goes wrong with it."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class FlashError(NampedalError):
    """Something is wrong with writing a card."""


class DiskError(FlashError):
    """The disk is not one to write."""


class NoSuchDiskError(DiskError, FileNotFoundError):
    """There is no such device."""


class NotADiskError(DiskError, ValueError):
    """It is no disk at all."""


class NoDisksToldError(DiskError, OSError):
    """Nobody tells of disks as Linux does."""


class PartitionError(DiskError, ValueError):
    """It is a part of a disk."""


class SystemDiskError(DiskError, ValueError):
    """The system runs from it."""


class MountedDiskError(DiskError, ValueError):
    """It, or a part of it, is mounted."""


class SwapDiskError(DiskError, ValueError):
    """It, or a part of it, is used as swap."""


class HeldDiskError(DiskError, ValueError):
    """Another device is made of it: LVM, RAID, encryption."""


class NoMediumError(DiskError, OSError):
    """The reader is empty."""


class ReadOnlyDiskError(DiskError, PermissionError):
    """It takes no writing."""


class BuiltInDiskError(DiskError, ValueError):
    """It is no card and nothing that is plugged in."""


class DiskTooLargeError(DiskError, ValueError):
    """It is larger than a card is, and may hold what somebody wants to keep."""


class DiskTooSmallError(DiskError, ValueError):
    """The image does not fit."""


class DiskAccessError(DiskError, PermissionError):
    """It belongs to others."""


class DiskBusyError(DiskError, OSError):
    """The kernel says that somebody uses it."""


class DiskUnopenedError(DiskError, OSError):
    """It can't be opened."""


class DiskChangedError(DiskError, ValueError):
    """It is another one than was checked."""


class ImageError(FlashError):
    """The image is not one to write."""


class ImageNameError(ImageError, ValueError):
    """Its name does not say what it is."""


class ImageUnreadableError(ImageError, OSError):
    """It, or what stands beside it, can't be read."""


class ZstdMissingError(ImageError, FileNotFoundError):
    """The program that unpacks it is not there."""


class ImageDamagedError(ImageError, ValueError):
    """It can't be unpacked to its end."""


class NotADiskImageError(ImageError, ValueError):
    """It has no partition table."""


class ChecksumFileError(ImageError, ValueError):
    """The file of its checksum does not have it."""


class ImageChecksumError(ImageError, ValueError):
    """It is not what its checksum says."""


class ImageChangedError(ImageError, ValueError):
    """It is not what it was when it was checked."""


class BmapSyntaxError(ImageError, ValueError):
    """The block map is none."""


class BmapVersionError(ImageError, ValueError):
    """The block map has a format that is not read here."""


class BmapDamagedError(ImageError, ValueError):
    """The block map is not what its own checksum says."""


class BmapMismatchError(ImageError, ValueError):
    """The block map belongs to another image."""


class WriteFailedError(FlashError, OSError):
    """The card was not written to its end."""


class ReadBackFailedError(FlashError, OSError):
    """The card does not give back what was written."""


class ReadBackDiffersError(FlashError, ValueError):
    """The card gives back something else."""


class NoFatPartitionError(FlashError, LookupError):
    """There is no partition that settings could be put onto."""


class McopyMissingError(FlashError, FileNotFoundError):
    """The program that writes a file onto FAT is not there."""


class SettingsCopyError(FlashError, OSError):
    """The settings did not get onto the card."""
