"""The root class of all nampedal errors, and the errors of TOML files, signatures and limits."""

from __future__ import annotations

from nampedal.firmware.base.one_line import one_line


class NampedalError(Exception):
    """An error that nampedal expects: one line that says where, what was found, what is allowed, what to do.

    The text may quote a file, so control characters are escaped: nothing in it acts on a terminal, log or page.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class SettingsError(NampedalError):
    """A TOML file that a person may write has an error."""


class SettingsUnreadableError(SettingsError, OSError):
    """A file, or the folder that should hold it, can't be read."""


class SettingsUnwritableError(SettingsError, OSError):
    """A file can't be written."""


class SettingsSyntaxError(SettingsError, ValueError):
    """The file is not TOML."""


class UnknownKeyError(SettingsError, ValueError):
    """A key is not known in this place."""


class MissingKeyError(SettingsError, ValueError):
    """A required key is missing."""


class MissingUnitError(SettingsError, ValueError):
    """The key of a number does not name its unit."""


class SettingValueError(SettingsError, ValueError):
    """A value has the wrong type, or is outside its limits."""


class NewerFormatError(SettingsError, ValueError):
    """The file has a format that only a newer nampedal reads."""


class TornFileError(SettingsError, ValueError):
    """A settings file is incomplete."""


class SignatureError(NampedalError):
    """A file can't be signed, or is not signed by a trusted key."""


class UnsignedError(SignatureError, FileNotFoundError):
    """There is no signature beside the file."""


class WrongSignatureError(SignatureError, ValueError):
    """The signature does not belong to the file: one of the two was changed."""


class UntrustedKeyError(SignatureError, PermissionError):
    """The signature is right, but its key is not trusted for this kind of file."""


class NoTrustedKeyError(SignatureError, LookupError):
    """No key is trusted, so no signature can be checked."""


class KeyFileError(SignatureError, ValueError):
    """A file holds no usable key."""


class SignatureFileError(SignatureError, OSError):
    """A signature, or a list of trusted keys, can't be read."""


class SignatureExistsError(SignatureError, FileExistsError):
    """There is already a signature beside the file."""


class NotToSignError(SignatureError, ValueError):
    """The file is of a kind that is not signed."""


class SignatureToolError(SignatureError, RuntimeError):
    """The program that signs and checks is not installed, or failed."""


class TooMuchMemoryError(NampedalError, RuntimeError):
    """Trying a file needs more memory than is allowed for it."""
