"""Error classes of the converter."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class CaptureError(NampedalError, ValueError):
    """The .nam file is not one, is damaged, or uses something that is not supported."""


class ConversionError(NampedalError):
    """The capture can't be converted, or the result can't be played, as it was requested."""


class NothingFitsError(NampedalError):
    """No size of a capture fits the board's budget within the requested ESR."""
