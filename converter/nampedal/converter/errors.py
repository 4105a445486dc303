"""What the converter refuses."""

from __future__ import annotations

from nampedal.board.errors import NampedalError


class CaptureError(NampedalError):
    """Something is wrong with a .nam file."""


class CaptureUnreadableError(CaptureError, OSError):
    """The file is not there or can't be read."""


class CaptureTruncatedError(CaptureError, ValueError):
    """The file ends in the middle."""


class NotJsonError(CaptureError, ValueError):
    """The file is not JSON."""


class NotACaptureError(CaptureError, ValueError):
    """The file is JSON, but not a .nam."""


class UnknownVersionError(CaptureError, ValueError):
    """The file's format version is not one that is read here."""


class UnknownArchitectureError(CaptureError, ValueError):
    """The file's architecture is not one that is read here."""


class UnknownActivationError(CaptureError, ValueError):
    """An activation is not one that is known here."""


class CaptureFieldError(CaptureError, ValueError):
    """A field is missing, of the wrong type, or has a value that is not allowed."""


class CaptureShapeError(CaptureError, ValueError):
    """Layers do not fit together."""


class CaptureLimitError(CaptureError, ValueError):
    """Something is larger than is taken here."""


class WeightCountError(CaptureError, ValueError):
    """The file has more or fewer weights than its configuration needs."""


class NonFiniteWeightError(CaptureError, ValueError):
    """A weight is no finite float32."""


class AudioFormatError(NampedalError, ValueError):
    """An audio file's format or channels are not what the task needs."""


class SilentAudioError(NampedalError, ValueError):
    """A recording to calibrate with holds no playing."""


class OutputExistsError(NampedalError, FileExistsError):
    """The output is there already."""


class OutputUnwritableError(NampedalError, OSError):
    """The output can't be written."""


class TfliteMissingError(NampedalError, ImportError):
    """A package that writes or plays .tflite files is not installed."""


class TfliteUnsupportedError(NampedalError, NotImplementedError):
    """A network or a mode that a .tflite of ours can't express."""


class TfliteBlockError(NampedalError, ValueError):
    """A block's length is not one that the graph can be written for or takes."""


class TfliteCalibrationError(NampedalError, ValueError):
    """int8 activations were asked for without audio to measure their ranges with."""


class TfliteUnplayableError(NampedalError, ValueError):
    """The interpreter refuses a .tflite."""


class BoardCostsMissingError(NampedalError, LookupError):
    """A board's profile does not say what networks cost."""


class NothingFitsError(NampedalError, ValueError):
    """No size of a capture that sounds as asked for is cheap enough for the board."""


class SlimExtraMissingError(NampedalError, ImportError):
    """PyTorch, which trains, is not installed."""


class TrainingProcessError(NampedalError, RuntimeError):
    """A process that trains has ended before its work was done."""


class NoGpuError(NampedalError, RuntimeError):
    """PyTorch finds no GPU."""


class ReportSuffixError(NampedalError, ValueError):
    """A report can't be written in the format that its name asks for."""


class ReportOfTfliteError(NampedalError, NotImplementedError):
    """A report was asked for beside a .tflite."""


class ReportMissingError(NampedalError, ImportError):
    """A package that reports are made with is not installed."""
