"""The error class of the tools that make a release."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class ReleaseError(NampedalError):
    """A release can't be made of what is there; the text is one line: where, what was found, what to do."""
