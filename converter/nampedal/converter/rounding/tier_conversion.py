"""Converts a capture as read into the capture as stored in an artifact, with measured proofs of its quality."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from nampedal.converter.listening import calibration_audio, metrics, test_signals
from nampedal.converter.listening.judging import Judged, judge, without_silence
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding.mixed_precision import MAX_ESR, quantize_within_esr
from nampedal.converter.rounding.quantize import int8_paths, quantize
from nampedal.firmware.engine.capture import Calibration, Capture, Golden, Proof, Tier
from nampedal.firmware.engine.inference import Audio, isas
from nampedal.firmware.engine.network import Network, convolutions

PRECISIONS = ("w8", "f32")

# Progress callback: (done, total), in steps.
ProgressCallback = Callable[[int, int], None]

# The tolerance of a golden vector is this factor times the largest difference between the kernels of this machine and
# between exact and fast activations, and at least MIN_TOLERANCE times the peak.
TOLERANCE_FACTOR = 8.0
MIN_TOLERANCE = 2e-6
# Share of the calibration audio that is used to round a tier after an early stop.
HURRIED = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class ValidationAudio:
    """Audio that tiers are judged on instead of the built-in audio.

    audio: (frames,).
    described: its description.
    doubts: kinds of playing that the underlying recordings lack, in words.
    """

    audio: Audio
    described: str
    doubts: tuple[str, ...] = ()


def convert(
    capture: Capture,
    precision: str,
    calibrate: tuple[Audio, Calibration] | None = None,
    golden: bool = True,
    advance: ProgressCallback = lambda done, total: None,
) -> Capture:
    """Return the capture in one of PRECISIONS. Each tier gets a Proof against its float32 original, and a Golden.

    Smaller tiers also get their likeness to the original of the full tier.

    calibrate: audio (frames,) to round with, and its description; None: `calibration_audio.built_in`.
    golden: also make golden vectors.
    advance(done, total): progress callback.
    """
    conversion = Conversion(capture, precision, calibrate, golden)
    steps = [conversion.steps(tier) for tier in capture.tiers]
    tiers = []
    for i, tier in enumerate(capture.tiers):
        before = sum(steps[:i])
        tiers.append(conversion.tier(tier, _shifted(advance, before, sum(steps))))
        advance(before + steps[i], sum(steps))
    return conversion.assemble(tiers)


class Conversion:
    """Converts a capture's tiers one at a time, the full one first; the others need not be known at the start.

    precision, calibrate, golden: same as in `convert`.
    judge: None: the built-in audio.
    """

    def __init__(
        self,
        capture: Capture,
        precision: str,
        calibrate: tuple[Audio, Calibration] | None = None,
        golden: bool = True,
        judge: ValidationAudio | None = None,
    ) -> None:
        self._capture, self._precision, self._calibrate, self._judge = capture, precision, calibrate, judge
        self._full = replace(capture, tiers=capture.tiers[:1])
        self._golden_input = test_signals.golden_input(capture.sample_rate) if golden else None
        self._described: Calibration | None = None
        # ESR of each converted tier against the original of the full one, on the built-in audio.
        self.built_in_esrs: list[float] = []
        self._full_answers: list[Audio] | None = None
        # CPU seconds of the last proof.
        self.proof_cpu_s = 0.0

    def steps(self, tier: Tier) -> int:
        """Return the number of progress steps of `tier`."""
        return len(convolutions(tier.network)) + 1

    def tier(
        self,
        tier: Tier,
        advance: ProgressCallback = lambda done, total: None,
        max_esr: float = MAX_ESR,
        hurried: bool = False,
    ) -> Tier:
        """Return one tier, rounded, with its proof and golden vectors, and its likeness if it is not the full one.

        max_esr: the ESR that rounding may cause.
        hurried: round with less audio, and skip a smaller tier's proof.
        """
        original = replace(self._capture, tiers=(tier,))
        network = tier.network
        if self._precision == "w8" and int8_paths(network):
            if self._calibrate is None:
                self._calibrate = calibration_audio.built_in(self._capture.sample_rate)
            audio, self._described = self._calibrate
            network = (
                quantize(network, audio[: round(HURRIED * len(audio))], advance)
                if hurried
                else _rounded(original, audio, max_esr, advance)
            )
        stored = replace(original, tiers=(replace(tier, network=network),))
        vectors = None if self._golden_input is None else make_golden(stored, self._golden_input)
        proof = likeness = None
        built_in_esr = float("nan")
        smaller = tier is not self._full.tiers[0]
        if not (smaller and hurried):
            proof, built_in_esr = self._proof(original, stored)
        if smaller:
            likeness, built_in_esr = self._proof(self._full, stored)
        self.built_in_esrs.append(built_in_esr)
        return replace(stored.tiers[0], proof=proof, golden=vectors, likeness=likeness)

    def assemble(self, tiers: Sequence[Tier]) -> Capture:
        """Return the capture with these converted tiers, full first."""
        return replace(
            self._capture,
            precision=self._precision,
            tiers=tuple(tiers),
            calibration=self._described,
            golden_input=self._golden_input,
        )

    def _proof(self, original: Capture, stored: Capture) -> tuple[Proof, float]:
        """Return the proof on the judge's audio, and the ESR on the built-in audio."""
        began_s = time.process_time()
        found = self._proved(original, stored)
        self.proof_cpu_s = time.process_time() - began_s
        return found

    def _proved(self, original: Capture, stored: Capture) -> tuple[Proof, float]:
        wanted, got = self._original_answers(original), self._answers(stored)
        built_in = judge(wanted[0], got[0], original.sample_rate)
        if self._judge is None:
            return _proof(built_in, test_signals.VALIDATION_LABEL), built_in.comparison.esr
        recorded = metrics.compare(wanted[1], got[1], original.sample_rate)
        judged = Judged("", without_silence(recorded, built_in.comparison))
        return _proof(judged, self._judge.described), built_in.comparison.esr

    def _original_answers(self, original: Capture) -> list[Audio]:
        """Return the answers of an original. The full one's are kept: every smaller tier is compared with them."""
        if original.tiers[0] is not self._full.tiers[0]:
            return self._answers(original)
        if self._full_answers is None:
            self._full_answers = self._answers(original)
        return self._full_answers

    def _answers(self, capture: Capture) -> list[Audio]:
        """Return what a capture plays, (frames,): of the built-in validation audio, then of the judge's, if any."""
        audio = [test_signals.validation_signal(capture.sample_rate)]
        if self._judge is not None:
            audio.append(self._judge.audio)
        return [play(capture, one, exact=True)[:, 0] for one in audio]


def _rounded(original: Capture, audio: Audio, max_esr: float, advance: ProgressCallback) -> Network:
    """Return the full tier's network with int8 weights. If max_esr is above MAX_ESR, one plain pass often suffices."""
    if max_esr > MAX_ESR:
        network = original.tiers[0].network
        rounded = quantize(network, audio, advance)
        wanted, got = (
            play(replace(original, tiers=(replace(original.tiers[0], network=one),)), audio, exact=True)
            for one in (network, rounded)
        )
        if metrics.esr(wanted[:, 0], got[:, 0]) <= max_esr:
            return rounded
    return quantize_within_esr(original, audio, advance)


def _shifted(advance: ProgressCallback, before: int, total: int) -> ProgressCallback:
    return lambda done, _: advance(before + done, total)


def prove(original: Capture, stored: Capture) -> Proof:
    """Return the difference of `stored` from `original`, full tiers, first output channel."""
    return _proof(_judged(original, stored), test_signals.VALIDATION_LABEL)


def proof_of(wanted: Audio, got: Audio, sample_rate: float) -> Proof:
    """Return the proof for an original's and its stored form's output, (frames,) each, for the validation signal."""
    return _proof(judge(wanted, got, sample_rate), test_signals.VALIDATION_LABEL)


def _judged(original: Capture, stored: Capture) -> Judged:
    audio = test_signals.validation_signal(original.sample_rate)
    wanted, got = (play(capture, audio, exact=True)[:, 0] for capture in (original, stored))
    return judge(wanted, got, original.sample_rate)


def _proof(judged: Judged, described: str) -> Proof:
    found = judged.comparison
    return Proof(
        material=described,
        worst_kind=judged.worst_kind,
        esr=found.esr,
        pre_emphasised_esr=found.pre_emphasised_esr,
        a_weighted_esr=found.a_weighted_esr,
        max_error=found.max_error,
        mr_stft_distance=found.mr_stft_distance,
        decay_error_dba=found.decay_error_dba,
        noise_floor_dbfs=found.test_noise_floor_dbfs,
        source_noise_floor_dbfs=found.reference_noise_floor_dbfs,
        loudness_lufs=found.test_lufs,
        peak_dbfs=found.test_peak_dbfs,
    )


def make_golden(capture: Capture, audio: Audio) -> Golden | None:
    """Return the full tier's exact output for audio (frames,), and its tolerance for other kernels and activations.

    None if the output is not finite.
    """
    output = play(capture, audio, exact=True)
    peak = float(np.max(np.abs(output)))
    if not np.isfinite(peak):
        return None
    spread = max(float(np.max(np.abs(play(capture, audio, isa=isa) - output))) for isa in isas())
    return Golden(output, max(TOLERANCE_FACTOR * spread, MIN_TOLERANCE * peak), capture.sample_rate)
