"""Error classes of profiles, controls and drivers."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError, SettingsError


class UnknownBoardError(SettingsError, LookupError):
    """No board profile has that name."""


class UnknownPedalError(SettingsError, LookupError):
    """No pedal profile has that name."""


class UnknownHatError(SettingsError, LookupError):
    """No HAT profile has that name."""


class UnknownDriverError(SettingsError, LookupError):
    """No sound driver table has that name."""


class PedalNameError(SettingsError, ValueError):
    """The name is not allowed for a pedal."""


class ControlNameError(SettingsError, ValueError):
    """A control's name is used twice, is not allowed, or belongs to no wired control."""


class PinConflictError(SettingsError, ValueError):
    """Two parts use the same pin."""


class SpiSharedError(SettingsError, ValueError):
    """An LED strip shares its SPI bus with another device."""


class ControlsError(NampedalError):
    """Base class: footswitches, knobs or lights can't be used."""


class GpioMissingError(ControlsError, ImportError):
    """The machine has no GPIO pins, or the GPIO library is missing."""


class GpioBusyError(ControlsError, RuntimeError):
    """A GPIO pin can't be used, for example because another program uses it."""


class NoTerminalError(ControlsError, OSError):
    """The mock driver has no terminal for its keys and lights."""


class SerialError(ControlsError):
    """Base class: the serial line to a microcontroller fails, or the microcontroller sends something wrong."""


class SerialMessageError(SerialError, ValueError):
    """A field of a serial message is out of range."""


class SerialLibraryError(SerialError, ImportError):
    """The Python package pyserial is not installed."""


class SerialPortMissingError(SerialError, FileNotFoundError):
    """The serial port does not exist at the moment."""


class SerialPortBusyError(SerialError, BlockingIOError):
    """Another program uses the serial port."""


class SerialPortError(SerialError, OSError):
    """The serial port can't be opened, can't send, or was unplugged."""


class SerialSilenceError(SerialError, TimeoutError):
    """The microcontroller does not answer in time, or its answer is not complete."""


class SerialVersionError(SerialError, ValueError):
    """The microcontroller uses another version of the protocol."""


class SerialControlError(SerialError, LookupError):
    """The microcontroller does not have a control that the profile names."""


class SerialRestartError(SerialError, ConnectionResetError):
    """The microcontroller has restarted and lost its state."""


class TriggerError(SettingsError, ValueError):
    """A trigger is not a valid footswitch gesture."""


class FootswitchTimesError(SettingsError, ValueError):
    """A timing setting of the footswitches is out of range."""


class KnobSettingError(ControlsError, ValueError):
    """A setting of a knob is out of range."""


class KnobTravelError(ControlsError, ValueError):
    """The two ends of a knob are too close to each other."""


class KnobCurveError(ControlsError, ValueError):
    """No knob curve has that name."""


class LearnError(ControlsError, ValueError):
    """Base class: the ends of a knob can't be learned from its movement."""


class LearnTravelError(LearnError):
    """The knob was not moved far enough."""


class LearnStrokesError(LearnError):
    """The knob was not moved often enough."""


class LearnSpeedError(LearnError):
    """The readings change faster than a foot can move."""


class LearnEndsError(LearnError):
    """The ends differ too much from one stroke to the next."""


class LearnHeelError(LearnError):
    """The movement did not start at an end."""


class SpidevMissingError(ControlsError, ImportError):
    """The Python package spidev is not installed."""


class SpiOffError(ControlsError, FileNotFoundError):
    """The SPI device does not exist; SPI may be off."""


class SpiAccessError(ControlsError, PermissionError):
    """The user has no permission to use the SPI device."""


class SpiFailedError(ControlsError, OSError):
    """The SPI device can't be opened, set up, read or written."""


class SpiClockError(ControlsError, ValueError):
    """The SPI clock is outside the range of the converter."""


class Mcp3008ChannelError(ControlsError, ValueError):
    """A knob is on a channel that an MCP3008 does not have, or no knob is given."""


class Mcp3008MissingError(ControlsError, OSError):
    """No MCP3008 answers."""


class StripPlaceError(ControlsError, ValueError):
    """A light's position is out of the range of the LED strip, or no light is given."""


class StripLevelError(ControlsError, ValueError):
    """The maximum brightness of an LED strip is out of range."""
