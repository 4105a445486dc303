"""Error classes of the converter."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class CaptureError(NampedalError):
    """Base class: something is wrong with a .nam file."""


class CaptureUnreadableError(CaptureError, OSError):
    """The file does not exist or can't be read."""


class CaptureTruncatedError(CaptureError, ValueError):
    """The file ends in the middle of its JSON, or is empty."""


class NotJsonError(CaptureError, ValueError):
    """The file is not JSON."""


class NotACaptureError(CaptureError, ValueError):
    """The file is something other than a .nam."""


class UnknownVersionError(CaptureError, ValueError):
    """The file's format version is not supported."""


class UnknownArchitectureError(CaptureError, ValueError):
    """The file's architecture is not supported."""


class UnknownActivationError(CaptureError, ValueError):
    """The file uses an activation that is not supported."""


class CaptureFieldError(CaptureError, ValueError):
    """A field is missing, of the wrong type, or has a value that is not allowed."""


class CaptureShapeError(CaptureError, ValueError):
    """The shapes of layers or models do not fit together."""


class CaptureLimitError(CaptureError, ValueError):
    """A size or count is larger than the reader allows."""


class WeightCountError(CaptureError, ValueError):
    """The file has more or fewer weights than its configuration needs."""


class NonFiniteWeightError(CaptureError, ValueError):
    """A weight is not a finite float32."""


class CaptureSoundError(CaptureError, ValueError):
    """The capture's output for a guitar signal is not finite, or is silent."""


class AudioFormatError(NampedalError, ValueError):
    """An audio file's format or channels are not what the task needs."""


class SilentAudioError(NampedalError, ValueError):
    """A recording to calibrate with is silent."""


class OutputExistsError(NampedalError, FileExistsError):
    """The output file exists already."""


class OutputUnwritableError(NampedalError, OSError):
    """The output file can't be written."""


class TfliteMissingError(NampedalError, ImportError):
    """A package that writes or plays .tflite files is not installed."""


class TfliteUnsupportedError(NampedalError, NotImplementedError):
    """A .tflite can't express this network or this mode."""


class TfliteBlockError(NampedalError, ValueError):
    """The graph can't be written for, or does not accept, this block length."""


class TfliteCalibrationError(NampedalError, ValueError):
    """int8 activations were requested without audio to measure their ranges."""


class TfliteUnplayableError(NampedalError, ValueError):
    """The interpreter rejects a .tflite."""


class BoardCostsMissingError(NampedalError, LookupError):
    """A board's profile does not state the cost of networks."""


class NothingFitsError(NampedalError, ValueError):
    """No size of a capture fits the board's budget within the requested ESR."""


class SlimExtraMissingError(NampedalError, ImportError):
    """PyTorch, which is needed for training, is not installed."""


class TrainingProcessError(NampedalError, RuntimeError):
    """A training process ended before its work was done."""


class NoGpuError(NampedalError, RuntimeError):
    """PyTorch finds no GPU."""


class ReportSuffixError(NampedalError, ValueError):
    """A report can't be written in the format that its file name asks for."""


class TfliteReportError(NampedalError, NotImplementedError):
    """A report was requested for a .tflite conversion."""


class ReportMissingError(NampedalError, ImportError):
    """A package that is needed for reports is not installed."""
