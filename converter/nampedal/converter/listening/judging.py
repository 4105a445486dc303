"""Measures the difference of a network from its original per kind of playing, and finds the worst kind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.listening.metrics import Comparison
from nampedal.firmware.audio.loudness import Signal


@dataclass(frozen=True, slots=True)
class Judged:
    """The difference of a network from its original.

    worst_kind: the kind of playing with the largest ESR.
    comparison: each error and distance is the largest of all kinds; loudness and peak are of the whole signal; the tail
      figures are of the decay; the noise floors are of the silence at the end.
    """

    worst_kind: str
    comparison: Comparison


def judge(wanted: Signal, got: Signal, rate: float) -> Judged:
    """Compare an original's output and another network's, (frames,) each, for the validation signal. rate: Hz."""
    kinds, silence = test_signals.validation_sections(rate), test_signals.silence_section(rate)
    found = {name: metrics.compare(wanted[part], got[part], rate) for name, part in kinds.items()}
    lufs = metrics.loudness_lufs(wanted, rate), metrics.loudness_lufs(got, rate)
    peaks = metrics.peak_dbfs(wanted), metrics.peak_dbfs(got)
    comparison = Comparison(
        esr=largest(one.esr for one in found.values()),
        pre_emphasised_esr=largest(one.pre_emphasised_esr for one in found.values()),
        a_weighted_esr=largest(one.a_weighted_esr for one in found.values()),
        max_error=largest(one.max_error for one in found.values()),
        mr_stft_distance=largest(one.mr_stft_distance for one in found.values()),
        reference_lufs=lufs[0],
        test_lufs=lufs[1],
        loudness_difference_lu=lufs[1] - lufs[0],
        reference_peak_dbfs=peaks[0],
        test_peak_dbfs=peaks[1],
        peak_difference_db=peaks[1] - peaks[0],
        reference_tail_dba=found[test_signals.DECAY].reference_tail_dba,
        test_tail_dba=found[test_signals.DECAY].test_tail_dba,
        decay_error_dba=found[test_signals.DECAY].decay_error_dba,
        reference_noise_floor_dbfs=metrics.noise_floor_dbfs(wanted[silence], rate),
        test_noise_floor_dbfs=metrics.noise_floor_dbfs(got[silence], rate),
    )
    return Judged(max(found, key=lambda name: _order(found[name].esr)), comparison)


def without_silence(recorded: Comparison, built_in: Comparison) -> Comparison:
    """Return a comparison on recordings with the tail and noise floor figures of `built_in`.

    Recordings do not end in a decay and silence, so these figures can't be measured on them.
    """
    return replace(
        recorded,
        reference_tail_dba=built_in.reference_tail_dba,
        test_tail_dba=built_in.test_tail_dba,
        decay_error_dba=built_in.decay_error_dba,
        reference_noise_floor_dbfs=built_in.reference_noise_floor_dbfs,
        test_noise_floor_dbfs=built_in.test_noise_floor_dbfs,
    )


def largest(values: Iterable[float]) -> float:
    """Return the largest value; nan if any is nan."""
    return max(values, key=_order)


def _order(value: float) -> float:
    return math.inf if math.isnan(value) else value
