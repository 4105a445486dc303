"""Errors of checking and writing a card."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class FlashError(NampedalError):
    """A card can't be written."""


class DiskError(FlashError):
    """The disk may not or can't be written."""


class NoSuchDiskError(DiskError, FileNotFoundError):
    """The device does not exist."""


class NotADiskError(DiskError, ValueError):
    """The path is not a disk."""


class NoDiskListError(DiskError, OSError):
    """The system has no list of disks as Linux has."""


class PartitionError(DiskError, ValueError):
    """The device is a partition of a disk."""


class SystemDiskError(DiskError, ValueError):
    """The running system uses the disk."""


class MountedDiskError(DiskError, ValueError):
    """The disk or one of its partitions is mounted."""


class SwapDiskError(DiskError, ValueError):
    """The disk or one of its partitions is used as swap."""


class HeldDiskError(DiskError, ValueError):
    """Another device is built on the disk: LVM, RAID, encryption."""


class NoMediumError(DiskError, OSError):
    """The card reader is empty."""


class ReadOnlyDiskError(DiskError, PermissionError):
    """The disk is write-protected."""


class BuiltInDiskError(DiskError, ValueError):
    """The disk is neither a card nor plugged in."""


class DiskTooLargeError(DiskError, ValueError):
    """The disk is larger than a card usually is, and may hold data that somebody needs."""


class DiskTooSmallError(DiskError, ValueError):
    """The image does not fit on the disk."""


class DiskAccessError(DiskError, PermissionError):
    """The user has no permission to open the disk."""


class DiskBusyError(DiskError, OSError):
    """The kernel reports that the disk is in use."""


class DiskOpenError(DiskError, OSError):
    """The disk can't be opened."""


class DiskChangedError(DiskError, ValueError):
    """The disk is not the one that was checked."""


class FlashImageError(FlashError):
    """The image can't be written to a card."""


class ImageNameError(FlashImageError, ValueError):
    """The image's name does not have a known suffix."""


class ImageUnreadableError(FlashImageError, OSError):
    """The image, or a file that belongs to it, can't be read."""


class ZstdMissingError(FlashImageError, FileNotFoundError):
    """The program zstd, which unpacks the image, is not installed."""


class ImageDamagedError(FlashImageError, ValueError):
    """The image can't be unpacked to its end."""


class NotADiskImageError(FlashImageError, ValueError):
    """The image has no partition table."""


class ChecksumFileError(FlashImageError, ValueError):
    """The checksum file has no checksum of the image."""


class FlashChecksumError(FlashImageError, ValueError):
    """The image does not have the expected checksum."""


class ImageChangedError(FlashImageError, ValueError):
    """The image has changed since it was checked."""


class BmapSyntaxError(FlashImageError, ValueError):
    """The file is not a valid block map."""


class BmapVersionError(FlashImageError, ValueError):
    """The block map has an unsupported format."""


class BmapDamagedError(FlashImageError, ValueError):
    """The block map does not have its own checksum."""


class BmapMismatchError(FlashImageError, ValueError):
    """The block map belongs to another image."""


class WriteFailedError(FlashError, OSError):
    """The card was not written completely."""


class ReadBackFailedError(FlashError, OSError):
    """The card can't be read back."""


class ReadBackDiffersError(FlashError, ValueError):
    """The card returns other bytes than were written."""


class NoFatPartitionError(FlashError, LookupError):
    """The image has no FAT partition for the settings."""


class McopyMissingError(FlashError, FileNotFoundError):
    """The program mcopy, which writes files to FAT, is not installed."""


class SettingsCopyError(FlashError, OSError):
    """The settings could not be copied to the card."""
