"""The root of every error of nampedal's own, and what the readers of TOML files refuse: profiles, presets."""


class NampedalError(Exception):
    """A mistake that nampedal can name: one line that says where, what was found, what is allowed, what to do."""


class SettingsError(NampedalError):
    """Something is wrong with a TOML file that a person may write."""


class UnknownBoardError(SettingsError, LookupError):
    """There is no profile of a board of that name."""


class UnknownPedalError(SettingsError, LookupError):
    """There is no pedal of that name."""


class UnknownHatError(SettingsError, LookupError):
    """There is no profile of a HAT of that name."""


class UnknownDriverError(SettingsError, LookupError):
    """There is no table of a sound driver of that name."""


class PedalNameError(SettingsError, ValueError):
    """No pedal can have that name."""


class SettingsUnreadableError(SettingsError, OSError):
    """A file, or the folder that it is looked for in, can't be read."""


class SettingsUnwritableError(SettingsError, OSError):
    """A file can't be written."""


class SettingsSyntaxError(SettingsError, ValueError):
    """The file is not TOML."""


class UnknownKeyError(SettingsError, ValueError):
    """A key that is not known there."""


class MissingKeyError(SettingsError, ValueError):
    """A key is not there that is needed."""


class MissingUnitError(SettingsError, ValueError):
    """A number's key does not say its unit."""


class SettingValueError(SettingsError, ValueError):
    """A value has the wrong type, or is beyond what can be."""


class ControlNameError(SettingsError, ValueError):
    """A control's name is there twice, or can't be."""


class PinConflictError(SettingsError, ValueError):
    """Two want the same pin."""


class SpiSharedError(SettingsError, ValueError):
    """Something else is on the SPI bus of a strip of LEDs."""


class NewerFormatError(SettingsError, ValueError):
    """The file has a format that only a newer nampedal reads."""


class ControlsError(NampedalError):
    """Footswitches, knobs or lights can't be used."""


class GpioMissingError(ControlsError, ImportError):
    """There are no pins, or no library for them."""


class GpioBusyError(ControlsError, RuntimeError):
    """A pin can't be used."""


class NoTerminalError(ControlsError, OSError):
    """There is no terminal whose keys could be footswitches."""


class SerialError(ControlsError):
    """Something is wrong with a serial line to a microcontroller, or with what it says."""


class SerialMessageError(SerialError, ValueError):
    """A message holds a number that can't be sent."""


class SerialLibraryError(SerialError, ImportError):
    """Pyserial is not installed."""


class SerialPortMissingError(SerialError, FileNotFoundError):
    """There is no such port, for now."""


class SerialPortBusyError(SerialError, BlockingIOError):
    """Another program has the port."""


class SerialPortError(SerialError, OSError):
    """The port can't be opened, or nothing can be sent over it."""


class SerialSilenceError(SerialError, TimeoutError):
    """Nobody says hello over the port, or not everything that belongs to it."""


class SerialVersionError(SerialError, ValueError):
    """The microcontroller speaks another version of the protocol."""


class SerialControlError(SerialError, LookupError):
    """The microcontroller does not have a control that the profile wants."""


class SerialRestartError(SerialError, ConnectionResetError):
    """The microcontroller has forgotten what it was told."""


class TriggerError(SettingsError, ValueError):
    """What an action is bound to is nothing that a foot does to footswitches."""


class FootswitchTimesError(SettingsError, ValueError):
    """One of the times that footswitches are told by is beyond what a foot can use."""


class KnobSettingError(ControlsError, ValueError):
    """A setting of a knob is beyond what can be."""


class KnobTravelError(ControlsError, ValueError):
    """The ends of a knob lie too near to each other."""


class KnobCurveError(ControlsError, ValueError):
    """There is no curve of that name."""


class LearnError(ControlsError, ValueError):
    """What a knob's ends are to be learnt from does not tell them."""


class LearnTravelError(LearnError):
    """It was not moved far enough."""


class LearnStrokesError(LearnError):
    """It was not moved often enough."""


class LearnSpeedError(LearnError):
    """No foot moves that fast."""


class LearnEndsError(LearnError):
    """It was at other ends every time."""


class LearnHeelError(LearnError):
    """It did not begin at an end."""


class SpidevMissingError(ControlsError, ImportError):
    """The Python package spidev is not there."""


class SpiOffError(ControlsError, FileNotFoundError):
    """There is no such SPI device."""


class SpiAccessError(ControlsError, PermissionError):
    """The SPI device belongs to others."""


class SpiFailedError(ControlsError, OSError):
    """The SPI device can't be opened, set up, read or written."""


class SpiClockError(ControlsError, ValueError):
    """A clock that the converter does not take."""


class Mcp3008ChannelError(ControlsError, ValueError):
    """An MCP3008 has no such channel, or nothing is asked of it."""


class Mcp3008MissingError(ControlsError, OSError):
    """No MCP3008 answers."""


class StripPlaceError(ControlsError, ValueError):
    """A strip of LEDs is not that long, or nothing is shown on it."""


class StripLevelError(ControlsError, ValueError):
    """No LED can be that bright."""


class SignatureError(NampedalError):
    """A file can't be signed, or is not signed by somebody who is trusted."""


class UnsignedError(SignatureError, FileNotFoundError):
    """There is no signature beside the file."""


class WrongSignatureError(SignatureError, ValueError):
    """The signature does not belong to the file: it, or the file, was changed."""


class UntrustedKeyError(SignatureError, PermissionError):
    """The signature is right, but its key is not trusted for this kind of file."""


class NoTrustedKeyError(SignatureError, LookupError):
    """No key is trusted, so no signature can be checked."""


class KeyFileError(SignatureError, ValueError):
    """A file holds no key that can be used."""


class SignatureFileError(SignatureError, OSError):
    """A signature, or a list of trusted keys, can't be read."""


class SignatureExistsError(SignatureError, FileExistsError):
    """There is a signature beside the file already."""


class NotToSignError(SignatureError, ValueError):
    """The file is of no kind that is signed."""


class SignatureToolError(SignatureError, RuntimeError):
    """The program that signs and checks is not installed, or failed."""
