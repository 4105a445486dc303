"""Errors of installing and uninstalling."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class InstallError(NampedalError):
    """A system can't be made into a pedal, or can't be restored."""


class RootMissingError(InstallError, NotADirectoryError):
    """The target folder is not the root of a system."""


class InstallNotRootError(InstallError, PermissionError):
    """Only root may change the running system."""


class UnknownBaseError(InstallError, ValueError):
    """The base is not one of the known ones."""


class PackagesMissingError(InstallError, LookupError):
    """The target root lacks packages, and they can't be installed from here."""


class PythonMissingError(InstallError, FileNotFoundError):
    """The target root has no Python that nampedal can run on."""


class BootFilesMissingError(InstallError, FileNotFoundError):
    """config.txt and cmdline.txt are not where Raspberry Pi OS has them."""


class SerialPortOffError(InstallError, ValueError):
    """The serial port of the controls is not on the pins with these settings."""


class ProfilePathError(InstallError, ValueError):
    """A profile names its board or its HAT by a path, which would not exist on the pedal."""


class UnitsMissingError(InstallError, FileNotFoundError):
    """The systemd units are not in their folder."""


class WheelNeededError(InstallError, ValueError):
    """A wheel is needed, because the target is not the running system."""


class WheelUnreadableError(InstallError, OSError):
    """The file is not a wheel of nampedal, or can't be read."""


class WheelMismatchError(InstallError, ValueError):
    """The wheel is for another Python version or another machine."""


class RuntimeCopyError(InstallError, RuntimeError):
    """The Python environment that runs now can't be copied."""


class OutsideRootError(InstallError, ValueError):
    """A link in the target root leads out of it."""


class FolderInTheWayError(InstallError, IsADirectoryError):
    """A folder is in the place of a file."""


class PathAccessError(InstallError, OSError):
    """Something in the target root can't be read, written or removed."""


class ToolMissingError(InstallError, FileNotFoundError):
    """A needed program is not installed on this computer."""


class ToolFailedError(InstallError, RuntimeError):
    """A program that was called failed."""


class JournalError(InstallError, ValueError):
    """The journal, which holds the system's earlier state, can't be read."""


class NotInstalledError(InstallError, LookupError):
    """There is no installation to undo."""
