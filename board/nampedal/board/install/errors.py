"""What installing and uninstalling refuse."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class InstallError(NampedalError):
    """A system can't be made into a pedal, or not back."""


class RootMissingError(InstallError, NotADirectoryError):
    """What is to be the root of a system is none."""


class NotRootError(InstallError, PermissionError):
    """Only root changes the running system."""


class UnknownBaseError(InstallError, ValueError):
    """There is no such base."""


class PackagesMissingError(InstallError, LookupError):
    """Packages are not in a root where nothing is installed from here."""


class PythonMissingError(InstallError, FileNotFoundError):
    """The root has no Python that nampedal runs on."""


class BootFilesMissingError(InstallError, FileNotFoundError):
    """The firmware's files are not where Raspberry Pi OS has them."""


class SerialPortOffError(InstallError, ValueError):
    """The port of the controls is not on the pins with these settings."""


class ProfilePathError(InstallError, ValueError):
    """A profile names its board or its HAT by a path, which leads nowhere on the pedal."""


class UnitsMissingError(InstallError, FileNotFoundError):
    """The systemd units are not where they should be."""


class WheelNeededError(InstallError, ValueError):
    """Without a wheel there is nothing to install."""


class WheelUnreadableError(InstallError, OSError):
    """The file is no wheel of nampedal's, or can't be read."""


class WheelMismatchError(InstallError, ValueError):
    """The wheel is for another Python, or for another machine."""


class RuntimeCopyError(InstallError, RuntimeError):
    """The environment that this runs in can't be copied."""


class OutsideRootError(InstallError, ValueError):
    """A link in the root leads out of it."""


class PlaceTakenError(InstallError, IsADirectoryError):
    """A folder is where a file has to be."""


class WritingFailedError(InstallError, OSError):
    """Something in the root can't be read, written or removed."""


class ToolMissingError(InstallError, FileNotFoundError):
    """A program that is needed is not installed here."""


class ToolFailedError(InstallError, RuntimeError):
    """A program that was called failed."""


class JournalError(InstallError, ValueError):
    """What says how the system was before can't be read."""


class NotInstalledError(InstallError, LookupError):
    """There is nothing to uninstall."""
