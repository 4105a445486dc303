"""What the engines and the artifacts refuse. Most are raised by the native code, which writes the text."""

from __future__ import annotations

from nampedal.board.errors import NampedalError, SettingsError


class ArtifactError(NampedalError):
    """Something is wrong with an artifact."""


class ArtifactUnreadableError(ArtifactError, OSError):
    """The file can't be opened or mapped."""


class NotAnArtifactError(ArtifactError, ValueError):
    """The bytes are not an artifact at all."""


class ArtifactFormatError(ArtifactError, ValueError):
    """The artifact has a format version that this nampedal does not read."""


class ArtifactChecksumError(ArtifactError, ValueError):
    """The bytes changed since they were written."""


class ArtifactStructureError(ArtifactError, ValueError):
    """Offsets, shapes or parts do not fit together."""


class ArtifactValueError(ArtifactError, ValueError):
    """A number is not finite or not allowed."""


class ArtifactLimitError(ArtifactError, ValueError):
    """Something is larger than the engine takes."""


class NoGoldenVectorsError(NampedalError, LookupError):
    """The artifact has nothing to be verified with."""


class NoSuchTierError(NampedalError, IndexError):
    """The artifact has no such tier."""


class SampleRateError(NampedalError, ValueError):
    """The audio's sample rate is not the one the network runs at."""


class BlockShapeError(NampedalError, ValueError):
    """A block has other frames or channels than the engine was prepared for."""


class IsaError(NampedalError, ValueError):
    """The kernels asked for do not run on this CPU."""


class TfliteError(NampedalError):
    """Something is wrong with a .tflite."""


class TfliteUnreadableError(TfliteError, OSError):
    """The file is not there or can't be read."""


class NotATfliteError(TfliteError, ValueError):
    """The bytes are no TensorFlow Lite model."""


class TfliteDamagedError(TfliteError, ValueError):
    """The bytes changed since they were written."""


class ForeignTfliteError(TfliteError, ValueError):
    """A TensorFlow Lite model that nampedal did not write."""


class TfliteFormatError(TfliteError, ValueError):
    """What nampedal wrote into the .tflite has a version or values that are not read here."""


class FixedBlockError(NampedalError, ValueError):
    """The file plays blocks of one length, and another was asked for."""


class LiteRtMissingError(NampedalError, ImportError):
    """LiteRT's library is not installed, or can't be loaded."""


class LiteRtVersionError(NampedalError, ImportError):
    """LiteRT is installed in a version whose functions are not known here."""


class LiteRtRefusedError(ArtifactError, ValueError):
    """LiteRT does not read, compile or run the model."""


class CostKernelsError(NampedalError, ValueError):
    """The cost model does not know the kernels."""


class CostTermsError(NampedalError, ValueError):
    """A board's costs are not those of this cost model's terms."""


class AudioFileError(NampedalError, OSError):
    """An audio file can't be read or written."""


class ImpulseResponseError(NampedalError):
    """Something is wrong with a cabinet's impulse response, or with how it is to be used."""


class ImpulseResponseTooLongError(ImpulseResponseError, ValueError):
    """The file is too long to be a cabinet."""


class ImpulseResponseTooShortError(ImpulseResponseError, ValueError):
    """The file holds nothing, or no more than a click."""


class ImpulseResponseRateError(ImpulseResponseError, ValueError):
    """The file's sample rate is too low for a guitar."""


class ImpulseResponseSilentError(ImpulseResponseError, ValueError):
    """Nothing of a guitar would be heard through it."""


class ImpulseResponseChannelError(ImpulseResponseError, IndexError):
    """The file has no such channel."""


class ImpulseResponseLengthError(ImpulseResponseError, ValueError):
    """The length to keep is not one that can be played."""


class MixShareError(ImpulseResponseError, ValueError):
    """The share of the second impulse response is not between none and all."""


class MixRateError(ImpulseResponseError, ValueError):
    """Two impulse responses have different sample rates."""


class MixCancelsError(ImpulseResponseError, ValueError):
    """Two impulse responses leave nothing of each other."""


class UnfitMachineError(NampedalError):
    """What is measured now would not be what this machine can do."""


class BusyMachineError(UnfitMachineError, RuntimeError):
    """Other programs run beside."""


class ThrottledError(UnfitMachineError, RuntimeError):
    """The Raspberry Pi's firmware has lowered clock or voltage."""


class ClockGovernorError(UnfitMachineError, RuntimeError):
    """The clock follows the load."""


class SlowClockError(UnfitMachineError, RuntimeError):
    """The clock is well below the highest."""


class JackError(NampedalError):
    """JACK does not do what is asked of it."""


class NoJackServerError(JackError, ConnectionError):
    """No JACK server answers."""


class JackMissingError(JackError, ImportError):
    """JACK's library is not installed."""


class JackRefusedError(JackError, RuntimeError):
    """The JACK server takes no callback."""


class JackPortError(JackError, LookupError):
    """A port that is to be connected is not there."""


class JackXrunError(JackError, RuntimeError):
    """The sound broke up, whenever it was tried."""


class LoopError(NampedalError):
    """What is sent does not come back as it would through a cable."""


class NoCableError(LoopError, LookupError):
    """Nothing comes back."""


class LoopClipsError(LoopError, ValueError):
    """It comes back too loud for the input."""


class LoopTooQuietError(LoopError, ValueError):
    """It comes back so quietly that it may be crosstalk."""


class TornFileError(SettingsError, ValueError):
    """A file of settings is not whole."""


class EmptyBankError(NampedalError, LookupError):
    """A folder that is to be a bank holds no preset."""


class BankError(NampedalError):
    """A bank can't be changed, packed or unpacked."""


class NoSuchBankError(BankError, LookupError):
    """The folder of a bank is not there."""


class BankExistsError(BankError, FileExistsError):
    """What is to be made is there already."""


class BankNameError(BankError, ValueError):
    """No bank, or no preset of a bank, can have this name."""


class FileTakenError(BankError, FileExistsError):
    """The bank has another file of that name."""


class NotForBanksError(BankError, ValueError):
    """The file is nothing that a bank holds."""


class BankIncompleteError(BankError, ValueError):
    """A preset of the bank can't be played."""


class BankFileUnreadableError(BankError, OSError):
    """The file of a bank can't be read."""


class NotABankFileError(BankError, ValueError):
    """The file is no bank, or is damaged where it says what it holds."""


class BankFileDamagedError(BankError, ValueError):
    """What the file of a bank holds is not what its manifest says."""


class BankFileUnsafeError(BankError, ValueError):
    """The file of a bank would write outside of the bank's folder, or something else than files."""


class BankTooLargeError(BankError, ValueError):
    """The bank holds more than the file of one may."""


class TooMuchMemoryError(BankError, RuntimeError):
    """What is to be put into a bank needs more memory than there is for trying it."""


class BankUnwritableError(BankError, OSError):
    """A bank's folder can't be written."""


class NoSuchPresetError(NampedalError, LookupError):
    """The bank has no such preset."""


class NoSuchSettingError(NampedalError, LookupError):
    """What plays has no such number."""


class SettingLimitError(NampedalError, ValueError):
    """A number is beyond what the setting takes."""


class NotSavedError(NampedalError, ValueError):
    """There is nothing that could be saved, or no place for it."""


class NothingToPlayError(NampedalError, ValueError):
    """A path is no preset, artifact or bank."""


class TunerRateError(NampedalError, ValueError):
    """The tuner does not hear at this sample rate."""


class ReferencePitchError(NampedalError, ValueError):
    """No instrument is tuned to this A4."""


class ControlSocketError(NampedalError, OSError):
    """The control socket can't be made, or nobody answers there."""


class ControlRequestError(NampedalError, ValueError):
    """What is asked through the control socket makes no sense, or was refused."""


class GuitarTooQuietError(NampedalError, ValueError):
    """Nothing, or too little, is heard of a guitar that presets are to be levelled for."""


class RecordingError(NampedalError, OSError):
    """A recording can't be begun."""


class ActionError(NampedalError, ValueError):
    """A text is no action."""


class NothingMovedError(NampedalError, TimeoutError):
    """Nobody moved what was to be learnt."""


class ControlMapError(NampedalError, ValueError):
    """A control can't be mapped like that."""


class NothingWiredError(NampedalError, ValueError):
    """A pedal without controls can't be set up."""


class ControlsSilentError(NampedalError, OSError):
    """None of a pedal's controls can be reached."""
