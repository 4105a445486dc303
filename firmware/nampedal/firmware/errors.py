"""Error classes of the engine, artifacts, audio files, JACK, banks, presets and the control side.

The native code raises most of the engine and artifact errors, and writes their text.
"""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class ArtifactError(NampedalError):
    """Base class: something is wrong with an artifact."""


class ArtifactUnreadableError(ArtifactError, OSError):
    """The artifact file cannot be opened or mapped into memory."""


class NotAnArtifactError(ArtifactError, ValueError):
    """The bytes are not an artifact."""


class ArtifactFormatError(ArtifactError, ValueError):
    """The artifact has a format version that this nampedal does not read."""


class ArtifactChecksumError(ArtifactError, ValueError):
    """The checksum of the artifact is wrong: the bytes changed after they were written."""


class ArtifactStructureError(ArtifactError, ValueError):
    """The offsets, shapes or parts of the artifact do not match each other."""


class ArtifactValueError(ArtifactError, ValueError):
    """A number in the artifact is not finite, or is outside the allowed range."""


class ArtifactLimitError(ArtifactError, ValueError):
    """Something in the artifact is larger than the limits of the engine."""


class NoSoundError(ArtifactError, ValueError):
    """The output of a capture is not finite, or is silent, when a guitar is the input."""


class NoGoldenVectorsError(NampedalError, LookupError):
    """The artifact has no golden vectors, so it cannot be verified."""


class NoSuchTierError(NampedalError, IndexError):
    """The artifact has no tier with this index."""


class SampleRateError(NampedalError, ValueError):
    """The sample rate of the audio is not the sample rate of the network."""


class BlockShapeError(NampedalError, ValueError):
    """A block has a number of frames or channels that the engine was not prepared for."""


class IsaError(NampedalError, ValueError):
    """The requested kernels (ISA) do not run on this CPU."""


class TfliteError(NampedalError):
    """Base class: something is wrong with a .tflite file."""


class TfliteUnreadableError(TfliteError, OSError):
    """The .tflite file is missing or cannot be read."""


class NotATfliteError(TfliteError, ValueError):
    """The bytes are not a TensorFlow Lite model."""


class TfliteDamagedError(TfliteError, ValueError):
    """The bytes of the .tflite file changed after they were written."""


class ForeignTfliteError(TfliteError, ValueError):
    """The file is a TensorFlow Lite model that nampedal did not write."""


class TfliteFormatError(TfliteError, ValueError):
    """The metadata that nampedal wrote into the .tflite file has a version or values that cannot be read here."""


class TfliteGraphError(TfliteError, ValueError):
    """The tables of the .tflite file are not as nampedal writes them.

    The file is not passed to LiteRT, because LiteRT would trust the tables.
    """


class FixedBlockError(NampedalError, ValueError):
    """The file plays blocks of one fixed length, and another length was requested."""


class LiteRtMissingError(NampedalError, ImportError):
    """The LiteRT library is not installed, or cannot be loaded."""


class LiteRtVersionError(NampedalError, ImportError):
    """The installed LiteRT is a version whose functions are not known here."""


class LiteRtRefusedError(ArtifactError, ValueError):
    """LiteRT cannot read, compile or run the model."""


class CostKernelsError(NampedalError, ValueError):
    """The cost model does not know these kernels."""


class CostTermsError(NampedalError, ValueError):
    """The cost terms of a board are not the terms of this cost model."""


class AudioFileError(NampedalError, OSError):
    """An audio file cannot be read or written."""


class ImpulseResponseError(NampedalError):
    """Base class: a cabinet impulse response, or a setting for its use, is wrong."""


class ImpulseResponseTooLongError(ImpulseResponseError, ValueError):
    """The file is too long to be a cabinet impulse response."""


class ImpulseResponseTooShortError(ImpulseResponseError, ValueError):
    """The file is empty, or holds only a click."""


class ImpulseResponseRateError(ImpulseResponseError, ValueError):
    """The sample rate of the file is too low for a guitar."""


class ImpulseResponseSilentError(ImpulseResponseError, ValueError):
    """A guitar would not be heard through this impulse response."""


class ImpulseResponseChannelError(ImpulseResponseError, IndexError):
    """The file does not have this channel."""


class ImpulseResponseLengthError(ImpulseResponseError, ValueError):
    """The requested length of the impulse response cannot be played."""


class MixShareError(ImpulseResponseError, ValueError):
    """The share of the second impulse response in the mix is not between 0 and 1."""


class MixRateError(ImpulseResponseError, ValueError):
    """The two impulse responses of a mix have different sample rates."""


class MixCancelsError(ImpulseResponseError, ValueError):
    """The two impulse responses of a mix cancel each other."""


class UnfitMachineError(NampedalError):
    """Base class: the state of the machine would make a measurement wrong."""


class BusyMachineError(UnfitMachineError, RuntimeError):
    """Other programs use too much CPU time."""


class ThrottledError(UnfitMachineError, RuntimeError):
    """The Raspberry Pi firmware limits the clock because of temperature or supply voltage."""


class ClockGovernorError(UnfitMachineError, RuntimeError):
    """The CPU clock follows the load (the governor is not "performance")."""


class SlowClockError(UnfitMachineError, RuntimeError):
    """The CPU clock is much lower than its maximum."""


class JackError(NampedalError):
    """Base class: JACK did not do what it was asked for."""


class NoJackServerError(JackError, ConnectionError):
    """No JACK server answers."""


class JackMissingError(JackError, ImportError):
    """The JACK library is not installed."""


class JackRefusedError(JackError, RuntimeError):
    """The JACK server refused a process callback, or the activation of the client."""


class JackPortError(JackError, LookupError):
    """A JACK port is missing, or cannot be connected."""


class JackXrunError(JackError, RuntimeError):
    """An xrun happened in every attempt."""


class LoopError(NampedalError):
    """Base class: the signal of a loopback measurement does not return as through a cable."""


class NoCableError(LoopError, LookupError):
    """No signal returns to the input."""


class LoopClipsError(LoopError, ValueError):
    """The returned signal clips at the input."""


class LoopTooQuietError(LoopError, ValueError):
    """The returned signal is so quiet that it may be crosstalk."""


class EmptyBankError(NampedalError, LookupError):
    """The folder of a bank holds no preset."""


class BankError(NampedalError):
    """Base class: a bank cannot be changed, packed or unpacked."""


class NoSuchBankError(BankError, LookupError):
    """The bank folder does not exist."""


class BankExistsError(BankError, FileExistsError):
    """A bank or file with this name exists already."""


class BankNameError(BankError, ValueError):
    """The name is not allowed for a bank or a preset."""


class FileTakenError(BankError, FileExistsError):
    """The bank has a different file with this name already."""


class NotForBanksError(BankError, ValueError):
    """The file is of a kind that a bank cannot hold."""


class BankIncompleteError(BankError, ValueError):
    """A preset of the bank cannot be played."""


class BankFileUnreadableError(BankError, OSError):
    """The bank file cannot be read."""


class NotABankFileError(BankError, ValueError):
    """The file is not a bank file, or its list of contents is damaged."""


class BankFileDamagedError(BankError, ValueError):
    """The contents of the bank file do not match its manifest."""


class BankFileUnsafeError(BankError, ValueError):
    """The bank file would write outside of the bank's folder, or would create something other than files."""


class BankTooLargeError(BankError, ValueError):
    """The bank is larger than a bank file is allowed to be."""


class BankUnwritableError(BankError, OSError):
    """The folder of a bank cannot be written."""


class NoSuchPresetError(NampedalError, LookupError):
    """The bank has no such preset."""


class NoSuchSettingError(NampedalError, LookupError):
    """The current preset has no such setting."""


class SettingLimitError(NampedalError, ValueError):
    """The value is outside the limits of the setting."""


class NotSavedError(NampedalError, ValueError):
    """There is no preset to save, or the preset cannot be saved to a file."""


class NothingToPlayError(NampedalError, ValueError):
    """The path is not a preset, an artifact or a bank."""


class TunerRateError(NampedalError, ValueError):
    """The tuner does not support this sample rate."""


class ReferencePitchError(NampedalError, ValueError):
    """The reference pitch (A4) is outside the allowed range."""


class ControlSocketError(NampedalError, OSError):
    """The control socket cannot be created, or nothing answers there."""


class ControlRequestError(NampedalError, ValueError):
    """A request on the control socket is invalid, or was refused."""


class GuitarTooQuietError(NampedalError, ValueError):
    """The guitar signal for levelling presets is missing or too quiet."""


class RecordingError(NampedalError, OSError):
    """A recording cannot be started."""


class ActionError(NampedalError, ValueError):
    """The text is not a valid action."""


class NothingMovedError(NampedalError, TimeoutError):
    """No control was moved before the timeout of the learn procedure."""


class ControlMapError(NampedalError, ValueError):
    """A control cannot be mapped like this."""


class NothingWiredError(NampedalError, ValueError):
    """The pedal has no controls, so it cannot be set up."""


class ControlsSilentError(NampedalError, OSError):
    """No driver of the pedal's controls can be opened."""
