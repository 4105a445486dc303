"""Finds the sample rate that a .nam states: its own, or that of a nested model."""

from __future__ import annotations

from collections.abc import Iterator

from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import Field
from nampedal.converter.nam.nam_sequential import is_sequential, listed_models
from nampedal.firmware.engine._engine import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

# The rate in Hz at which NeuralAmpModelerPlugin plays a capture without a stated rate (feb4f8c, NeuralAmpModeler.h,
# GetNAMSampleRate).
ASSUMED_SAMPLE_RATE = 48_000.0


def own_rate(model: Field) -> float | None:
    """Return the rate in Hz from a model's own `sample_rate`; None if it is unknown.

    -1 means unknown to NeuralAmpModelerCore (dsp.h); every number that is not above 0 means unknown to its plugin.
    Raises CaptureError if the rate is outside the allowed range.
    """
    field = model["sample_rate"]
    if not field.present:
        return None
    rate = field.number()
    if rate <= 0.0:
        return None
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        field.fail(
            CaptureError,
            f"is {rate:g}; allowed are {MIN_SAMPLE_RATE:.0f} to {MAX_SAMPLE_RATE:.0f} Hz, 0 and -1 for unknown",
        )
    return rate


def stated_rate(model: Field) -> float | None:
    """Return the rate in Hz that a model states, else the first one of a nested model; None if there is none."""
    rate = own_rate(model)
    if rate is not None:
        return rate
    return next((rate for inner in _within(model) if (rate := stated_rate(inner)) is not None), None)


def check_rate(model: Field, around: float) -> None:
    """Raise CaptureError if the model states another rate than `around`, the outer model's rate in Hz."""
    rate = own_rate(model)
    if rate is not None and rate != around:
        model["sample_rate"].fail(CaptureError, f"is {rate:g}; the model around it runs at {around:g}")


def _within(model: Field) -> Iterator[Field]:
    """Yield the models directly inside a model, the one that is used first at the front."""
    config = model["config"]
    submodels = config["submodels"]
    if model["architecture"].value == "SlimmableContainer" and isinstance(submodels.value, list):
        # The last submodel is the full one.
        yield from (entry["model"] for entry in reversed(submodels.entries()))
    elif is_sequential(model):
        yield from listed_models(config)
    elif model["architecture"].value == "WaveNet" and config["condition_dsp"].present:
        yield config["condition_dsp"]
