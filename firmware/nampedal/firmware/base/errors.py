"""The error classes of nampedal: one for each kind of handling.

A caller, a lamp, an exit code or a retry can tell the classes apart; the text tells a person the rest. The text is
written where the error is raised. The boards, the converter and the doctor add classes of their own in an errors.py.

A class that is an OSError as well may pass by itself, so an import of files tries it again at the next start.
"""

from __future__ import annotations

from nampedal.firmware.base.one_line import one_line


class NampedalError(Exception):
    """An error that nampedal expects: one line that says where, what was found, what is allowed, what to do.

    The text may quote a file, so control characters are escaped: nothing in it acts on a terminal, log or page.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


# ---- in every room ----


class ArgumentError(NampedalError, ValueError):
    """An argument is outside of what the function or the command accepts."""


class FileAccessError(NampedalError, OSError):
    """A file or a folder can't be read or written."""


class AlreadyExistsError(NampedalError, FileExistsError):
    """There is something with this name already, and it is not replaced."""


class MissingPackageError(NampedalError, ImportError):
    """A package or a library is not installed, or is a version that nampedal does not know."""


class ProgramError(NampedalError, RuntimeError):
    """A program that was called is not installed, failed, or took too long."""


class TooMuchMemoryError(NampedalError, RuntimeError):
    """Trying a file needs more memory than is allowed for it."""


# ---- settings: TOML files that a person may write ----


class SettingsError(NampedalError):
    """Base class: a settings file can't be used, or can't be written."""


class SettingsUnreadableError(SettingsError, OSError):
    """A file, or the folder that should hold it, can't be read."""


class SettingsUnwritableError(SettingsError, OSError):
    """A file can't be written, or there is nothing that could be written to it."""


class SettingsSyntaxError(SettingsError, ValueError):
    """The file is not TOML."""


class TornFileError(SettingsSyntaxError):
    """The file is incomplete or holds zero bytes, as an interrupted copy or a failing card leaves it."""


class SettingValueError(SettingsError, ValueError):
    """A key is missing or not known, or its value has the wrong type or is outside its limits."""


class NewerFormatError(SettingsError, ValueError):
    """The file has a format that only a newer nampedal reads."""


class ControlMapError(NampedalError, ValueError):
    """A trigger, an action or a mapped control is not a valid one."""


# ---- signatures ----


class SignatureError(NampedalError):
    """A file can't be signed, or is not signed by a trusted key."""


class UnsignedError(SignatureError, FileNotFoundError):
    """There is no signature beside the file."""


# ---- sound ----


class ArtifactError(NampedalError, ValueError):
    """The artifact (.stomp or .tflite) is damaged, of an unknown version, too large, or has no usable sound."""


class NotAnArtifactError(ArtifactError):
    """The bytes are not an artifact at all."""


class NoGoldenVectorsError(NampedalError, LookupError):
    """The artifact has no golden vectors, so it can't be verified."""


class AudioError(NampedalError, ValueError):
    """A recording or an impulse response is not what the task needs: its format, channels, length or level."""


class MeasurementError(NampedalError, RuntimeError):
    """The state of the machine or of the cables would make a measurement wrong."""


class NoJackServerError(NampedalError, ConnectionError):
    """No JACK server answers."""


class JackRefusedError(NampedalError, RuntimeError):
    """The JACK server refused something: a port is missing or can't be connected, or the client can't be activated."""


# ---- banks, presets and the control side ----


class BankError(NampedalError, ValueError):
    """A bank can't be changed, packed or unpacked."""


class EmptyBankError(NampedalError, LookupError):
    """The folder of a bank holds no preset."""


class NoSuchPresetError(NampedalError, LookupError):
    """The bank has no such preset."""


class ControlRequestError(NampedalError, ValueError):
    """A request on the control socket is invalid, or was refused."""


class ControlSocketError(NampedalError, OSError):
    """The control socket can't be created, or nothing answers at it."""


# ---- the system ----


class CardError(NampedalError):
    """Something that the card asks for can't be done."""


class ImportStoppedError(CardError, RuntimeError):
    """An import failed in an unforeseen way: its worker stopped, or ran out of memory."""


class ImportEndedError(CardError, RuntimeError):
    """The process that imports one file crashed or was ended."""


class ImportNotStartedError(CardError, OSError):
    """An import was not started, because its time was over or no process could be started."""


class DeployError(NampedalError):
    """A system for a pedal can't be built, written to a card, installed or updated."""


class FlashImageError(DeployError, ValueError):
    """The image, or its block map, can't be written to a card."""
