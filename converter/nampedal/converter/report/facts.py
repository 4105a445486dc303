"""What a report tells, as values: gathered once, written as a page or as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from nampedal.converter import material, metrics, probes
from nampedal.converter.metrics import Comparison
from nampedal.converter.probes import HarmonicBalance, Play, Transfer
from nampedal.firmware.capture import Capture, Source
from nampedal.firmware.engine import MAX_FRAMES, Audio, Engine
from nampedal.firmware.network import describe_channels, macs_per_frame

# Evenly spaced, for curves: -48 to 0 dBFS.
LEVELS_DBFS = tuple(float(level) for level in range(-48, 1, 6))


@dataclass(frozen=True, slots=True)
class BoardFit:
    """One tier on one board at one period.

    percent: of one core; status: how it is known, 'measured' or 'estimated'.  budget_percent: what models may take.
    latency_ms: one period in and one period out; the model adds none.
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


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the conversion was made.

    options: those of the command that mattered, by name.  seed: None where nothing was drawn at random.
    material: what was played, by its name, with its SHA-256; None for what the converter makes itself.
    """

    tool_version: str
    options: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    material: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What one network plays: audio (frames,), made of material.held_back; tones at LEVELS_DBFS and at LOUD_DBFS."""

    audio: Audio
    harmonics: tuple[HarmonicBalance, ...]
    transfer: Transfer


@dataclass(frozen=True, slots=True, eq=False)
class TierReport:
    """One tier against the original's full network.

    work: multiply-adds per sample as a part of the original's.  esr_by_level: at LEVELS_DBFS.
    """

    index: int
    channels: str
    parameters: int
    work: float
    comparison: Comparison
    sound: Sound
    esr_by_level: tuple[float, ...]

    @property
    def label(self) -> str:
        return f"tier {self.index}"

    @property
    def size(self) -> str:
        return "full size" if self.work == 1.0 else f"{100 * self.work:.0f} % of the work"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """tiers: of the conversion, full first.  calibrated: what the weights were rounded with, None for no rounding."""

    source: Source
    sample_rate: float
    precision: str
    calibrated: str | None
    judged_on: str
    original: Sound
    tiers: tuple[TierReport, ...]
    fits: tuple[BoardFit, ...]
    provenance: Provenance

    @property
    def name(self) -> str:
        return self.source.text("name") or self.source.file_name


def gather(original: Capture, converted: Capture, fits: Sequence[BoardFit], provenance: Provenance) -> Report:
    """Play the original's full tier and every converted tier, and compare; of several output channels, the first.

    The audio is played exactly; tones and levels, as on the pedal, with fast activations: a tenth of the time, and the
    same curves. Raises what Engine.prepare raises.
    """
    rate = original.sample_rate
    plucks, whole = material.plucks(rate), material.held_back(rate)
    full = original.tiers[0]
    play = _player(original, 0, exact=False)
    reference = Sound(_player(original, 0, exact=True)(whole), _tones(play, rate), probes.transfer(play, rate))
    tiers = []
    for i, tier in enumerate(converted.tiers):
        test = _player(converted, i, exact=False)
        curve = probes.transfer(test, rate, shift=reference.transfer.shift)
        sound = Sound(_player(converted, i, exact=True)(whole), _tones(test, rate), curve)
        tiers.append(
            TierReport(
                index=i,
                channels=describe_channels(tier.network),
                parameters=tier.parameters,
                work=macs_per_frame(tier.network) / macs_per_frame(full.network),
                comparison=metrics.compare(reference.audio, sound.audio, rate),
                sound=sound,
                esr_by_level=tuple(probes.esr_by_level(play, test, plucks, LEVELS_DBFS)),
            )
        )
    return Report(
        source=original.source,
        sample_rate=rate,
        precision=converted.precision,
        calibrated=None if converted.calibration is None else converted.calibration.material,
        judged_on=material.HELD_BACK,
        original=reference,
        tiers=tuple(tiers),
        fits=tuple(fits),
        provenance=provenance,
    )


def _player(capture: Capture, tier: int, exact: bool) -> Play:
    alone = replace(capture, tiers=(replace(capture.tiers[tier], golden=None),), golden_input=None)
    engine = Engine.prepare(alone, exact=exact, max_frames=MAX_FRAMES)

    def play(audio: Audio) -> Audio:
        engine.reset()
        return engine.render(np.repeat(audio[:, None], engine.in_channels, axis=1))[:, 0]

    return play


def _tones(play: Play, rate: float) -> tuple[HarmonicBalance, ...]:
    return tuple(probes.harmonic_balance(play, rate, LEVELS_DBFS))
