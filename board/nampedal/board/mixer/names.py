"""How amixer calls a control of the kernel.

The rule is alsa-lib's (alsa-project/alsa-lib, src/mixer/simple_none.c at a7babcb, suffixes[] and base_len()): the last
of these words are cut off, and controls with the same rest are one simple control, such as Digital of Digital Playback
Volume and Digital Playback Switch.
"""

from __future__ import annotations

_SUFFIXES = tuple(
    f" {direction}{kind}"
    for direction in ("Playback ", "Capture ", "")
    for kind in ("Enum", "Switch", "Route", "Volume")
)
# Without a rest they would have no name.
_CAPTURE = ("Capture Volume", "Capture Switch")


def simple_name(kernel: str) -> str:
    """Return amixer's name of a control that the kernel calls so."""
    if kernel in _CAPTURE:
        return "Capture"
    for suffix in _SUFFIXES:
        if kernel.endswith(suffix) and len(kernel) > len(suffix):
            return kernel.removesuffix(suffix)
    return kernel


def is_capture_switch(kernel: str) -> bool:
    """Return whether amixer switches it with cap and nocap. All other switches are switched with on and off."""
    return kernel == "Capture Switch" or kernel.endswith(" Capture Switch")
