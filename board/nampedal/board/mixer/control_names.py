"""Converts control names of the kernel to amixer's names.

The rule is alsa-lib's (alsa-project/alsa-lib, src/mixer/simple_none.c at a7babcb, suffixes[] and base_len()): a known
suffix is cut off, and all controls with the same remaining name are one simple control. Example: Digital Playback
Volume and Digital Playback Switch are both "Digital".
"""

from __future__ import annotations

_SUFFIXES = tuple(
    f" {direction}{kind}"
    for direction in ("Playback ", "Capture ", "")
    for kind in ("Enum", "Switch", "Route", "Volume")
)
# Special cases: without the suffix, no name would remain.
_CAPTURE = ("Capture Volume", "Capture Switch")


def simple_name(kernel: str) -> str:
    """Return amixer's name of a control. kernel: the kernel's name of it."""
    if kernel in _CAPTURE:
        return "Capture"
    for suffix in _SUFFIXES:
        if kernel.endswith(suffix) and len(kernel) > len(suffix):
            return kernel.removesuffix(suffix)
    return kernel


def is_capture_switch(kernel: str) -> bool:
    """Return True if amixer sets this switch with cap and nocap. All other switches are set with on and off."""
    return kernel == "Capture Switch" or kernel.endswith(" Capture Switch")
