"""Chains: a preset with everything that it names, prepared for one sample rate and one largest block."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from nampedal.firmware import _engine, artifact, impulse_response, loudness, playing
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Audio
from nampedal.firmware.preset import Block, Cabinet, Gain, Gate, Nam, Preset, Tone, limits_of
from nampedal.firmware.quality import Step

# What presets are brought to. The NAM plugin's target for captures, too.
LOUDNESS_LUFS = -18.0
# Make-up gain stays within this: what is nearly silent is not made loud.
MOST_MAKE_UP_DB = 40.0
# While the loudness is measured the chain plays so quietly that its ceiling does nothing.
_MEASURED_AT_DB = -60.0
# The cheapest of so many is what a period costs.
MEASURED_PERIODS = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """A number of a preset that can be set while it plays: where in the chain, and what the engine wants for it.

    preset: what the preset says.  limits: ends included.
    """

    link: int
    parameter: int
    preset: float
    limits: tuple[float, float]
    value: Callable[[float], float]


class Outlet(Protocol):
    """Who takes changes of a chain: the chain itself, or the stage that it is on."""

    def set(self, link: int, parameter: int, value: float) -> object: ...
    def set_heard(self, link: int, heard: bool) -> object: ...


class OnStage:
    """Changes of a chain that is on a stage."""

    def __init__(self, stage: _engine.Stage, native: _engine.Chain) -> None:
        self._stage, self._native = stage, native

    def set(self, link: int, parameter: int, value: float) -> object:
        return self._stage.set(self._native, link, parameter, value)

    def set_heard(self, link: int, heard: bool) -> object:
        return self._stage.set_heard(self._native, link, heard)


@dataclass(frozen=True, slots=True)
class Level:
    """How the level into the captures came about. gain: what calibration added; None: uncalibrated, for that reason."""

    gain_db: float | None
    reason: str


def factor(db: float) -> float:
    """Of an amplitude."""
    return float(10.0 ** (db / 20.0))


class Chain:
    """Prepared, in its steady state; its numbers can be set while it plays.

    native: what a stage takes.  settings: by name, 'level_db' or '2.gain_db' of the second block.
    numbers: what they are now.  levels: of each NAM block.  tiers: the most that one of its captures has.
    loads: CPU seconds a second of audio with each tier, once measured.
    loudness_lufs: of all blocks together, with the preset's own numbers; None: the preset is not normalised.
    measured_lufs: the same where it was measured when it was prepared; None: it was known, or is not needed.
    """

    def __init__(self, preset: Preset, native: _engine.Chain, sample_rate: float) -> None:
        self.preset = preset
        self.native = native
        self.sample_rate = sample_rate
        self.settings: dict[str, Setting] = {}
        self.numbers: dict[str, float] = {}
        self.levels: list[Level] = []
        self.links: list[tuple[Block, tuple[int, ...]]] = []
        self.amps: list[int] = []
        self.cabinets: list[int] = []
        self.tiers = 1
        self.loudness_lufs: float | None = None
        self.measured_lufs: float | None = None
        # The dry guitar is heard, not the blocks.
        self._dry = False
        self.loads: tuple[float, ...] = ()

    @classmethod
    def prepare(
        cls,
        preset: Preset,
        folder: Path,
        *,
        sample_rate: float,
        max_frames: int,
        full_scale_dbu: float | None = None,
        channels: int = 1,
        isa: str = "",
        loudness_lufs: float | None = None,
    ) -> Chain:
        """folder: where the preset's files are.  sample_rate: Hz.

        full_scale: of the input, dBu at 0 dBFS; None: unknown.
        channels: each with the same blocks, and a past of its own.
        loudness: as it was measured before; None: it is measured now, if the preset is normalised and does not say it.
        Raises an ArtifactError, SampleRateError or ImpulseResponseError that names the file.
        """
        chain = cls(preset, _engine.Chain(sample_rate, max_frames, isa, channels), sample_rate)
        builder = _Builder(chain, folder, sample_rate, full_scale_dbu)
        builder.build()
        if chain.is_normalised:
            known = preset.loudness_lufs if preset.loudness_lufs is not None else loudness_lufs
            if known is None:
                known = chain.measured_lufs = chain.measure_loudness()
            chain.loudness_lufs = known
        chain.rewind(Step(0))
        return chain

    @property
    def is_normalised(self) -> bool:
        """A preset without a capture is not: its level is what its numbers say."""
        return self.preset.normalise and bool(self.amps)

    @property
    def make_up_db(self) -> float:
        """What brings the preset to LOUDNESS_LUFS. 0 while the dry guitar is heard in its place."""
        if self.loudness_lufs is None or self._dry:
            return 0.0
        return min(max(LOUDNESS_LUFS - self.loudness_lufs, -MOST_MAKE_UP_DB), MOST_MAKE_UP_DB)

    def measure_loudness(self, guitar: Audio | None = None) -> float:
        """Of all blocks together while a guitar plays, LUFS in steps of 0.1, so that it is the same on any machine.

        guitar: (frames,); None: `playing.guitar`. LOUDNESS_LUFS where nothing is heard. Not while it is on a stage.
        """
        audio = playing.guitar(self.sample_rate) if guitar is None else guitar
        found = loudness.loudness_lufs(self.render_blocks(audio), self.sample_rate)
        return round(found, 1) if math.isfinite(found) else LOUDNESS_LUFS

    def render_blocks(self, audio: Audio) -> Audio:
        """What all blocks make of audio (frames,), from the steady state, without level and ceiling. Not on a stage."""
        self.rewind(Step(0))
        self.native.set(self._level_link, _engine.GAIN_FACTOR, factor(_MEASURED_AT_DB))
        self.native.reset()
        rows = np.tile(audio, (self.native.channels, 1))
        played = np.asarray(self.render(rows)[0] / factor(_MEASURED_AT_DB), np.float32)
        self.rewind(Step(0))
        return played

    @property
    def _level_link(self) -> int:
        return self.settings["level_db"].link

    def measure(self, period_frames: int) -> None:
        """What it costs on this machine, and everything of it touched once. Not while it is on a stage."""
        shape = (self.native.channels, period_frames)
        audio = np.asarray(np.random.default_rng(0).normal(0.0, 0.05, shape), np.float32)
        loads = []
        for tier in range(self.tiers):
            self.rewind(Step(tier))
            cpu_s = min(self._play_s(audio) for _ in range(MEASURED_PERIODS))
            loads.append(cpu_s * self.sample_rate / period_frames)
        self.loads = tuple(loads)
        self.rewind(Step(0))

    def load(self, step: Step) -> float:
        """CPU seconds a second of audio; 0 before it was measured."""
        return self.loads[min(step.tier, len(self.loads) - 1)] if self.loads else 0.0

    def _play_s(self, audio: Audio) -> float:
        begin_s = time.thread_time()
        self.render(audio)
        return time.thread_time() - begin_s

    @property
    def latency_s(self) -> float:
        """What captures at another sample rate than the chain's delay the sound by."""
        return self.native.latency_frames / self.sample_rate

    def rewind(self, step: Step, *, bypass: bool = False, edits: Mapping[str, float] = MappingProxyType({})) -> None:
        """As prepared, in the steady state: every number the preset's, unless it was edited. Not while on a stage."""
        for name, setting in self.settings.items():
            low, high = setting.limits
            edited = edits.get(name, setting.preset)
            # What was edited may be another preset's by now.
            self.set(name, edited if low <= edited <= high else setting.preset, self.native)
        self.play_at(step, bypass, self.native)
        self.native.reset()

    def edited(self) -> Preset:
        """The preset with its numbers as they are now."""
        blocks = [
            replace(block, **self._numbers_of(f"{number}.")) for number, block in enumerate(self.preset.blocks, 1)
        ]
        # The make-up gain stays what it is: what is saved sounds as it did.
        return replace(self.preset, blocks=tuple(blocks), loudness_lufs=self._kept_loudness(), **self._numbers_of(""))

    def _kept_loudness(self) -> float | None:
        return self.preset.loudness_lufs if self.loudness_lufs is None else self.loudness_lufs

    def keep(self) -> None:
        """The numbers as they are now are the preset's from now on."""
        self.preset = self.edited()
        self.settings = {name: replace(setting, preset=self.numbers[name]) for name, setting in self.settings.items()}

    def _numbers_of(self, prefix: str) -> dict[str, Any]:
        """By field: of the block with that number, or of the preset itself."""
        own = {name.removeprefix(prefix): value for name, value in self.numbers.items() if name.startswith(prefix)}
        return {name: value for name, value in own.items() if "." not in name}

    def full_name(self, name: str) -> str | None:
        """Of a setting by its full name, or by what stands behind the number, with or without its unit; None: no such.

        Of several the preset's own, then the first block's: 'level' is level_db, 'bass' the first tone's.
        """
        own_first = sorted(self.settings, key=lambda known: "." in known)
        return next((known for known in own_first if name in _names_of(known)), None)

    def set(self, name: str, value: float, to: Outlet) -> None:
        """name: of a setting.  value: as in a preset, within its limits."""
        setting = self.settings[name]
        self.numbers[name] = value
        to.set(setting.link, setting.parameter, setting.value(value))

    def play_at(self, step: Step, bypass: bool, to: Outlet) -> None:
        """How well, and whether the blocks are heard at all."""
        if self._dry != (bypass or step.dry):
            self._dry = not self._dry
            self.set("level_db", self.numbers["level_db"], to)
        for amp in self.amps:
            to.set(amp, _engine.AMP_TIER, step.tier)
        for cabinet in self.cabinets:
            to.set(cabinet, _engine.CABINET_TAIL, float(step.tail))
        for block, links in self.links:
            # Without time for anything else even the cabinet is too dear.
            heard = block.on and not step.dry and not (bypass and self._bypassed(block))
            for link in links:
                to.set_heard(link, heard)

    def render(self, audio: Audio) -> Audio:
        """Any length of audio (frames,), or (channels, frames), from where the last left off."""
        given = np.ascontiguousarray(audio, np.float32)
        out = np.empty_like(given)
        self.native.process(given, out)
        return out

    def _bypassed(self, block: Block) -> bool:
        return not (isinstance(block, Cabinet) and self.preset.bypass_keeps_cabinet)


def _names_of(setting: str) -> tuple[str, ...]:
    behind = setting.rpartition(".")[2]
    return setting, behind, behind.removesuffix("_db").removesuffix("_hz")


class _Builder:
    """Adds the blocks of a preset to a chain, front to back."""

    def __init__(self, chain: Chain, folder: Path, sample_rate: float, full_scale_dbu: float | None) -> None:
        self._chain = chain
        self._native = chain.native
        self._folder = folder
        self._rate = sample_rate
        # Of the signal where the chain has come to.
        self._dbu = full_scale_dbu
        self._unknown = "the input's level in dBu at 0 dBFS is not known: calibrate the pedal, or name its HAT"

    def build(self) -> None:
        preset = self._chain.preset
        self._gain("", preset, "input_gain_db")
        for number, block in enumerate(preset.blocks, 1):
            first = self._count
            self._add(f"{number}.", block)
            self._chain.links.append((block, tuple(range(first, self._count))))
        self._level(preset)
        self._native.add_ceiling()

    @property
    def _count(self) -> int:
        return self._native.links

    def _level(self, preset: Preset) -> None:
        link = self._native.add_gain(1.0)
        chain = self._chain
        # The make-up gain is known later: it is measured with the whole chain.
        self._setting("", preset, "level_db", link, _engine.GAIN_FACTOR, lambda db: factor(db + chain.make_up_db))

    def _gain(self, prefix: str, of: Block | Preset, name: str, more_db: float = 0.0) -> None:
        link = self._native.add_gain(1.0)
        self._setting(prefix, of, name, link, _engine.GAIN_FACTOR, lambda value: factor(value + more_db))

    def _setting(
        self, prefix: str, of: Block | Preset, name: str, link: int, parameter: int, value: Callable[[float], float]
    ) -> None:
        setting = Setting(link, parameter, getattr(of, name), limits_of(type(of), name), value)
        self._chain.settings[prefix + name] = setting

    def _add(self, prefix: str, block: Block) -> None:
        match block:
            case Gain():
                self._gain(prefix, block, "gain_db")
            case Gate():
                link = self._native.add_gate(
                    factor(block.threshold_db),
                    factor(-block.hysteresis_db),
                    1e-3 * block.attack_ms,
                    1e-3 * block.hold_ms,
                    1e-3 * block.release_ms,
                )
                self._setting(prefix, block, "threshold_db", link, _engine.GATE_THRESHOLD, factor)
            case Nam():
                self._nam(prefix, block)
            case Tone():
                self._tone(prefix, block)
            case Cabinet():
                self._chain.cabinets.append(self._native.add_cabinet(self._response(block)))
                self._gain(prefix, block, "level_db")

    def _nam(self, prefix: str, block: Nam) -> None:
        path = self._folder / block.artifact
        loaded = _engine.Artifact.open(str(path))
        capture = artifact.unpack(loaded)
        level = self._calibration(capture)
        self._chain.levels.append(level)
        self._gain(prefix, block, "gain_db", level.gain_db or 0.0)
        self._chain.amps.append(self._native.add_amp(loaded, False))
        self._chain.tiers = max(self._chain.tiers, len(capture.tiers))
        self._gain(prefix, block, "level_db")
        self._dbu = capture.source.number("output_level_dbu")
        self._unknown = f"{block.artifact}: its output level in dBu is not known"

    def _calibration(self, capture: Capture) -> Level:
        wanted = capture.source.number("input_level_dbu")
        if wanted is None:
            return Level(None, f"{capture.source.file_name}: does not say its input level in dBu")
        if self._dbu is None:
            return Level(None, self._unknown)
        return Level(self._dbu - wanted, f"{self._dbu:+.1f} dBu at 0 dBFS into a capture made at {wanted:+.1f} dBu")

    def _tone(self, prefix: str, block: Tone) -> None:
        link = self._native.add_tone()
        for name, (parameter, value) in _tone_settings(self._rate).items():
            self._setting(prefix, block, name, link, parameter, value)

    def _response(self, block: Cabinet) -> Audio:
        def read(name: str, channel: int) -> impulse_response.ImpulseResponse:
            return impulse_response.read(
                self._folder / name, self._rate, channel=channel or None, length_s=1e-3 * block.length_ms
            )

        response = read(block.impulse_response, block.channel)
        if block.second_impulse_response:
            second = read(block.second_impulse_response, block.second_channel)
            response = impulse_response.mix(response, second, block.second_share)
        return response.taps


def _tone_settings(sample_rate: float) -> Mapping[str, tuple[int, Callable[[float], float]]]:
    """By the field of Tone. A step from the middle is 4, 3 and 2 dB, as in the NAM plugin (its ToneStack.cpp)."""

    def warped(hertz: float) -> float:
        return math.tan(math.pi * min(hertz / sample_rate, 0.49))

    return {
        "bass": (_engine.TONE_BASS, lambda value: 4.0 * (value - 5.0)),
        "mid": (_engine.TONE_MID, lambda value: 3.0 * (value - 5.0)),
        "treble": (_engine.TONE_TREBLE, lambda value: 2.0 * (value - 5.0)),
        "low_cut_hz": (_engine.TONE_LOW_CUT, warped),
        "high_cut_hz": (_engine.TONE_HIGH_CUT, warped),
    }
