"""Error classes of the controls and their drivers."""

from __future__ import annotations

from nampedal.firmware.base.errors import NampedalError


class ControlsError(NampedalError):
    """Footswitches, knobs or lights can't be used: the wiring, the bus, the other end, or a setting of them."""


class LearnError(ControlsError):
    """The ends of a knob can't be learned from its movement."""
