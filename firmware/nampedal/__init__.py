"""Neural Amp Modeler captures on a Raspberry Pi pedal: the Python API of the converter.

    import nampedal

    amp = nampedal.load("amp.nam")
    wet = amp.render(dry, sample_rate=48000)
    small = nampedal.convert(amp, board="zero-2-w", budget=30, minutes=3, progress=print)
    small.save("amp.stomp")
    small.report("amp.html")
    nampedal.compare(amp, small, on=dry).esr

Audio is float32, (frames,) or (frames, channels), 1.0 is full scale. Every error that nampedal expects is a
NampedalError with one line of text. What is not listed in `__all__` may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nampedal.converter.api.comparisons import compare
    from nampedal.converter.api.conversions import Conversion, convert
    from nampedal.converter.api.models import BoardCost, Model, ModelTier, boards, load
    from nampedal.converter.errors import CaptureError, ConversionError, NothingFitsError
    from nampedal.converter.rendering.comparison import ComparisonResult
    from nampedal.firmware.base.errors import (
        AlreadyExistsError,
        ArgumentError,
        ArtifactError,
        AudioError,
        FileAccessError,
        MissingPackageError,
        NampedalError,
        NoGoldenVectorsError,
    )
    from nampedal.firmware.engine.golden_check import GoldenCheck, verify

    __version__: str

__all__ = [
    "AlreadyExistsError",
    "ArgumentError",
    "ArtifactError",
    "AudioError",
    "BoardCost",
    "CaptureError",
    "ComparisonResult",
    "Conversion",
    "ConversionError",
    "FileAccessError",
    "GoldenCheck",
    "MissingPackageError",
    "Model",
    "ModelTier",
    "NampedalError",
    "NoGoldenVectorsError",
    "NothingFitsError",
    "__version__",
    "boards",
    "compare",
    "convert",
    "load",
    "verify",
]

_BASE_ERRORS = "firmware.base.errors"
# Where each name stands. It is imported when it is first used: a pedal carries no converter, and the commands of a
# pedal need not wait for it.
_HOMES = {
    **dict.fromkeys(("AlreadyExistsError", "ArgumentError", "ArtifactError", "AudioError"), _BASE_ERRORS),
    **dict.fromkeys(("FileAccessError", "MissingPackageError", "NampedalError"), _BASE_ERRORS),
    "NoGoldenVectorsError": _BASE_ERRORS,
    **dict.fromkeys(("CaptureError", "ConversionError", "NothingFitsError"), "converter.errors"),
    **dict.fromkeys(("BoardCost", "Model", "ModelTier", "boards", "load"), "converter.api.models"),
    **dict.fromkeys(("Conversion", "convert"), "converter.api.conversions"),
    "ComparisonResult": "converter.rendering.comparison",
    "compare": "converter.api.comparisons",
    **dict.fromkeys(("GoldenCheck", "verify"), "firmware.engine.golden_check"),
}


# A type checker reads the imports above, and would take every other name for known if it saw this.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":
            # Reading the package's metadata takes longer than a command's start.
            return import_module("importlib.metadata").version("nampedal")
        if name not in _HOMES:
            raise AttributeError(f"module 'nampedal' has no attribute {name!r}")
        try:
            found: object = getattr(import_module(f"nampedal.{_HOMES[name]}"), name)
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("nampedal.converter"):
                raise
            missing = import_module(f"nampedal.{_BASE_ERRORS}").MissingPackageError
            raise missing(f"nampedal.{name}: the converter is not on a pedal: use it on a computer") from error
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
