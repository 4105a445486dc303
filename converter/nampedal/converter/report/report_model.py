"""Defines the values of a report, and collects them. They are then written as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from nampedal.converter.follower import ConversionProgress
from nampedal.converter.listening import harmonics, judging, metrics, test_signals
from nampedal.converter.listening.harmonics import HarmonicBalance, Play, TransferCurve
from nampedal.converter.listening.metrics import Comparison
from nampedal.converter.listening.own_playing import OwnPlaying
from nampedal.converter.rounding.tier_conversion import ValidationAudio
from nampedal.firmware.engine.capture import Capture, CaptureSource
from nampedal.firmware.engine.inference import MAX_FRAMES, Audio, Engine
from nampedal.firmware.engine.network import describe_channels, macs_per_frame
from nampedal.firmware.engine.tier_names import tier_label, tier_names

# Levels of the curves: -48 to 0 dBFS, evenly spaced.
LEVELS_DBFS = tuple(float(level) for level in range(-48, 1, 6))


@dataclass(frozen=True, slots=True)
class BoardFit:
    """One tier on one board at one period.

    percent: load of one core.
    status: 'measured' or 'estimated'.
    budget_percent: maximum load for models.
    latency_ms: one period in and one period out; the model adds none.
    at_most_percent: the load plus the cost model's error, which must be within the budget; None: unknown.
    """

    board_key: str
    board_name: str
    tier: int
    period_frames: int
    percent: float
    status: str
    budget_percent: float
    fits: bool
    latency_ms: float
    at_most_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """The record of how a conversion was made.

    options: the command's options that affected the result, by name.
    seed: None if nothing was random.
    material: name of each recording or built-in audio -> its SHA-256; None for built-in audio.
    """

    tool_version: str
    options: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    material: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """The output of one network.

    audio: (frames,), for test_signals.validation_signal.
    judged: (frames,), for the audio that tiers are judged on: the same, or recordings that were not used for training.
    heard: (frames,), for the audio to listen to: the user's own playing, or the beginning of `judged`.
    harmonics: of tones at LEVELS_DBFS.
    transfer: at LOUD_DBFS.
    """

    audio: Audio
    judged: Audio
    heard: Audio
    harmonics: tuple[HarmonicBalance, ...]
    transfer: TransferCurve


@dataclass(frozen=True, slots=True, eq=False)
class TierReport:
    """One tier, compared with the original's full network.

    label: what the tier is called in texts.
    work: multiply-adds per sample as a part of the original's.
    comparison: on the audio that tiers are judged on; its figures in dBA are on the validation signal, which fades
      into silence.
    esr_by_level: at LEVELS_DBFS.
    built_in_esr: on test_signals.validation_signal.
    heard_esr: on the audio to listen to.
    """

    index: int
    label: str
    channels: str
    parameters: int
    work: float
    comparison: Comparison
    sound: Sound
    esr_by_level: tuple[float, ...]
    built_in_esr: float
    heard_esr: float

    @property
    def size(self) -> str:
        return "full size" if self.work == 1.0 else f"{100 * self.work:.0f} % of the work"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All values of a report.

    calibrated: the audio that the weights were rounded with; None: not rounded.
    judged_on: description of the audio that tiers are judged on.
    own_playing: description of the user's own playing; None: `judged_on` is what is listened to.
    tiers: of the conversion, full first.
    doubts: kinds of playing that the recordings for training and judging lack, in words.
    """

    source: CaptureSource
    sample_rate: float
    precision: str
    calibrated: str | None
    judged_on: str
    original: Sound
    tiers: tuple[TierReport, ...]
    fits: tuple[BoardFit, ...]
    provenance: Provenance
    doubts: tuple[str, ...] = ()
    own_playing: str | None = None

    @property
    def name(self) -> str:
        return self.source.text("name") or self.source.file_name


def collect(
    original: Capture,
    converted: Capture,
    fits: Sequence[BoardFit],
    provenance: Provenance,
    judge: ValidationAudio | None = None,
    follower: ConversionProgress | None = None,
    own: OwnPlaying | None = None,
) -> Report:
    """Play the original's full tier and every converted tier, and compare their first output channels.

    judge: same as for the conversion.
    follower: asked between tiers for an early stop.
    own: the user's own playing, to listen to.

    The audio is played with exact activations. Tones and levels are played with fast ones, same as on the pedal: they
    take a tenth of the time and give the same curves. Raises the errors of Engine.prepare.
    """
    rate = original.sample_rate
    plucks = test_signals.plucks(rate)
    full = original.tiers[0]
    play = _player(original, 0, exact=False)
    reference = _sound(original, 0, judge, own, play, harmonics.transfer_curve(play, rate))
    names = tier_names(converted.tiers)
    tiers = []
    for i, tier in enumerate(converted.tiers):
        if follower is not None:
            follower.check()
        test = _player(converted, i, exact=False)
        curve = harmonics.transfer_curve(test, rate, shift=reference.transfer.shift)
        sound = _sound(converted, i, judge, own, test, curve)
        comparison = built_in = judging.judge(reference.audio, sound.audio, rate).comparison
        if judge is not None:
            comparison = judging.without_silence(metrics.compare(reference.judged, sound.judged, rate), built_in)
        tiers.append(
            TierReport(
                index=i,
                label=tier_label(i, names),
                channels=describe_channels(tier.network),
                parameters=tier.parameters,
                work=macs_per_frame(tier.network) / macs_per_frame(full.network),
                comparison=comparison,
                sound=sound,
                esr_by_level=tuple(harmonics.esr_by_level(play, test, plucks, LEVELS_DBFS)),
                built_in_esr=built_in.esr,
                heard_esr=metrics.esr(reference.heard, sound.heard),
            )
        )
    return Report(
        source=original.source,
        sample_rate=rate,
        precision=converted.precision,
        calibrated=None if converted.calibration is None else converted.calibration.material,
        judged_on=test_signals.VALIDATION_LABEL if judge is None else judge.described,
        original=reference,
        tiers=tuple(tiers),
        fits=tuple(fits),
        provenance=provenance,
        doubts=() if judge is None else judge.doubts,
        own_playing=None if own is None else own.described,
    )


def _sound(
    capture: Capture,
    tier: int,
    judge: ValidationAudio | None,
    own: OwnPlaying | None,
    play: Play,
    transfer: TransferCurve,
) -> Sound:
    rate = capture.sample_rate
    exact = _player(capture, tier, exact=True)
    audio = exact(test_signals.validation_signal(rate))
    judged = audio if judge is None else exact(judge.audio)
    # Recordings are cut to the length of the built-in audio, so that the page is small enough to mail.
    heard = judged[: len(audio)] if own is None else exact(own.audio)
    return Sound(audio, judged, heard, tuple(harmonics.harmonic_balance(play, rate, LEVELS_DBFS)), transfer)


def _player(capture: Capture, tier: int, exact: bool) -> Play:
    alone = replace(capture, tiers=(replace(capture.tiers[tier], golden=None),), golden_input=None)
    engine = Engine.prepare(alone, exact=exact, max_frames=MAX_FRAMES)

    def play(audio: Audio) -> Audio:
        engine.reset()
        return engine.render(np.repeat(audio[:, None], engine.in_channels, axis=1))[:, 0]

    return play
