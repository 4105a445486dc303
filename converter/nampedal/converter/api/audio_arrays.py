"""Checks arrays of audio that users of the Python API pass."""

from __future__ import annotations

import numpy as np
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine.inference import Audio

MIN_RATE_HZ, MAX_RATE_HZ = 1000.0, 768_000.0
MAX_CHANNELS = 64


def rows_of(audio: np.typing.ArrayLike, sample_rate: float, name: str) -> Audio:
    """Return audio as (frames, channels) float32, contiguous.

    audio: (frames,) or (frames, channels), of a float type, finite in float32.
    sample_rate: Hz.  name: of the argument, for messages.
    Raises ArgumentError.
    """
    try:
        rows = np.asarray(audio)
    except ValueError as error:
        raise ArgumentError(f"{name}: is no array; (frames,) or (frames, channels) is needed") from error
    if rows.ndim not in (1, 2):
        raise ArgumentError(f"{name}: has shape {rows.shape}; (frames,) or (frames, channels) is needed")
    if rows.dtype.kind != "f":
        raise ArgumentError(f"{name}: holds {rows.dtype}; floats are needed, with 1.0 for full scale")
    if rows.ndim == 2 and not 1 <= rows.shape[1] <= MAX_CHANNELS:
        hint = ": transpose it" if 1 <= rows.shape[0] <= MAX_CHANNELS else ""
        raise ArgumentError(f"{name}: has shape {rows.shape}; (frames, channels) is needed{hint}")
    # A float64 beyond float32's range becomes infinite.
    with np.errstate(over="ignore"):
        rows = rows.astype(np.float32, copy=False)
    if not np.all(np.isfinite(rows)):
        raise ArgumentError(f"{name}: holds infinite values or NaN; finite ones are needed")
    if not MIN_RATE_HZ <= sample_rate <= MAX_RATE_HZ:
        raise ArgumentError(f"sample_rate: is {sample_rate:g} Hz; {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz are allowed")
    return np.ascontiguousarray(rows[:, None] if rows.ndim == 1 else rows)
