"""A preset with every file that it names, prepared for one sample rate and one maximum block size."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from nampedal.firmware.audio import dry_guitar, loudness
from nampedal.firmware.audio.gains import CalibrationLevel, GainSum, db_to_gain
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets.captures import ReadNam
from nampedal.firmware.presets.chain_builder import ChainBuilder, ChainCapture, Setting
from nampedal.firmware.presets.preset import Block, Cabinet, Preset
from nampedal.firmware.presets.quality import QualityLevel
from nampedal.firmware.presets.sound_check import check_captures

# Target loudness of all presets. It is also the NAM plugin's target for captures.
LOUDNESS_LUFS = -18.0
# Limit of the make-up gain in both directions: a nearly silent preset is not made loud.
MAX_MAKE_UP_DB = 40.0
# Loudness value of a preset that is below the gate of the measurement.
UNMEASURED_LUFS = -100.0
# The level is this low while the loudness is measured, so that the soft limiter changes nothing.
_MEASURED_AT_DB = -60.0
# The cost of a period is the minimum over this many periods.
MEASURED_PERIODS = 20


class ParameterSink(Protocol):
    """Accepts parameter changes of a chain: the chain itself, or the stage that plays it."""

    def set(self, link: int, parameter: int, value: float) -> object: ...
    def set_heard(self, link: int, heard: bool) -> object: ...


class StageSink:
    """Sends parameter changes of a chain to the stage that plays it."""

    def __init__(self, stage: _engine.Stage, native: _engine.Chain) -> None:
        self._stage, self._native = stage, native

    def set(self, link: int, parameter: int, value: float) -> object:
        return self._stage.set(self._native, link, parameter, value)

    def set_heard(self, link: int, heard: bool) -> object:
        return self._stage.set_heard(self._native, link, heard)


class Chain:
    """A prepared preset in its steady state; its numbers can be changed while it plays.

    native: the engine's chain, which a stage plays.
    settings: by name, such as 'level_db', or '2.gain_db' for the second block.
    numbers: current value of each setting.
    sums: by name of a gain, what is added to it.
    levels, captures: one for each NAM block.
    quiet: notes for the player about captures that are quiet.
    tiers: the largest number of tiers that one of its captures has.
    loads: CPU seconds for one second of audio at each tier; empty until it is measured.
    loudness_lufs: of all blocks together, with the preset's own numbers; None: the preset is not normalised.
    measured_lufs: the same value if it was measured during preparation; None: it was known before, or is not needed.
    """

    def __init__(self, preset: Preset, native: _engine.Chain, sample_rate: float) -> None:
        self.preset = preset
        self.native = native
        self.sample_rate = sample_rate
        self.settings: dict[str, Setting] = {}
        self.numbers: dict[str, float] = {}
        self.sums: dict[str, GainSum] = {}
        self.levels: list[CalibrationLevel] = []
        self.captures: list[ChainCapture] = []
        self.quiet: list[str] = []
        self.links: list[tuple[Block, tuple[int, ...]]] = []
        self.amps: list[int] = []
        self.cabinets: list[int] = []
        self.tiers = 1
        self.loudness_lufs: float | None = None
        self.measured_lufs: float | None = None
        # True while the dry guitar is heard instead of the blocks.
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
        read_nam: ReadNam | None = None,
    ) -> Chain:
        """Prepare a preset to be played.

        folder: where the preset's files are.
        sample_rate: Hz.
        full_scale_dbu: level of the input in dBu at 0 dBFS; None: unknown.
        channels: number of channels; each has the same blocks and its own state.
        loudness_lufs: from an earlier measurement; None: it is measured now if the preset is normalised and does not
        state it.
        read_nam: reads captures that are .nam files; None: .nam files are refused.

        Raises an ArtifactError, ArgumentError or AudioError that names the file, or any error of read_nam.
        """
        chain = cls(preset, _engine.Chain(sample_rate, max_frames, isa, channels), sample_rate)
        ChainBuilder(chain, folder, sample_rate, full_scale_dbu, read_nam).build()
        check_captures(chain)
        if chain.is_normalised:
            known = preset.loudness_lufs if preset.loudness_lufs is not None else loudness_lufs
            if known is None:
                known = chain.measured_lufs = chain.measure_loudness()
            chain.loudness_lufs = known
        chain.reset_to(QualityLevel(0))
        return chain

    @property
    def is_normalised(self) -> bool:
        """Return True if the loudness is normalised. A preset without a capture keeps the level of its numbers."""
        return self.preset.normalise and bool(self.amps)

    @property
    def make_up_db(self) -> float:
        """Return the gain that brings the preset to LOUDNESS_LUFS; 0 while the dry guitar is heard instead."""
        if self.loudness_lufs is None or self._dry or self._is_too_quiet:
            return 0.0
        return min(max(LOUDNESS_LUFS - self.loudness_lufs, -MAX_MAKE_UP_DB), MAX_MAKE_UP_DB)

    @property
    def _is_too_quiet(self) -> bool:
        """Return True if the loudness could not be measured."""
        return self.loudness_lufs is not None and self.loudness_lufs <= loudness.GATE_LUFS

    def notes(self) -> list[str]:
        """Return notes for the player: gains that were limited, and presets that can't be brought to the target."""
        told = [*self.quiet, *(added.note(name, self.numbers[name]) for name, added in self.sums.items())]
        if self.loudness_lufs is not None and self._is_too_quiet:
            told.append(
                f"not raised to {LOUDNESS_LUFS:g} LUFS: a guitar comes out below {loudness.GATE_LUFS:g} LUFS, which is "
                f"too quiet to be measured"
            )
        elif self.loudness_lufs is not None and abs(missing := LOUDNESS_LUFS - self.loudness_lufs) > MAX_MAKE_UP_DB:
            told.append(
                f"not at {LOUDNESS_LUFS:g} LUFS: {missing:+.1f} dB would bring it there, {MAX_MAKE_UP_DB:g} dB are "
                f"the most that normalisation adds or takes"
            )
        return [text for text in told if text]

    def faults(self) -> dict[str, int]:
        """Return, for each block, how many audio buffers had invalid output since the last rewind.

        Invalid output is not finite, or far too loud. The block is then silent until its output was valid for 20 ms.
        """
        names = {link: f"block {number}" for number, (_, links) in enumerate(self.links, 1) for link in links}
        names |= {one.amp: f"{names[one.amp]}, {one.path.name}" for one in self.captures}
        found = {"input": self.native.input_faults}
        for link, count in enumerate(self.native.faults):
            name = names.get(link, "level")
            found[name] = found.get(name, 0) + count
        return {name: count for name, count in found.items() if count}

    def measure_loudness(self, guitar: Audio | None = None) -> float:
        """Return the loudness of all blocks together for a guitar, in LUFS.

        It is rounded to 0.1, so that it is the same on every machine. UNMEASURED_LUFS if it is too quiet.
        Do not call it while the chain is on a stage.
        guitar: (frames,); None: `dry_guitar.guitar`.
        """
        audio = dry_guitar.guitar(self.sample_rate) if guitar is None else guitar
        found = loudness.loudness_lufs(self.render_blocks(audio), self.sample_rate)
        return round(found, 1) if math.isfinite(found) else UNMEASURED_LUFS

    def render_blocks(self, audio: Audio) -> Audio:
        """Play audio (frames,) through all blocks, without level and soft limiter, from the steady state.

        Do not call it while the chain is on a stage.
        """
        self.reset_to(QualityLevel(0))
        self.native.set(self._level_link, _engine.GAIN_FACTOR, db_to_gain(_MEASURED_AT_DB))
        self.native.reset()
        rows = np.tile(audio, (self.native.channels, 1))
        played = np.asarray(self.render(rows)[0] / db_to_gain(_MEASURED_AT_DB), np.float32)
        self.reset_to(QualityLevel(0))
        return played

    @property
    def _level_link(self) -> int:
        return self.settings["level_db"].link

    def measure(self, period_frames: int) -> None:
        """Measure the CPU load of each tier on this machine. It also touches all memory of the chain once.

        Do not call it while the chain is on a stage.
        """
        shape = (self.native.channels, period_frames)
        audio = np.asarray(np.random.default_rng(0).normal(0.0, 0.05, shape), np.float32)
        loads = []
        for tier in range(self.tiers):
            self.reset_to(QualityLevel(tier))
            cpu_s = min(self._play_s(audio) for _ in range(MEASURED_PERIODS))
            loads.append(cpu_s * self.sample_rate / period_frames)
        self.loads = tuple(loads)
        self.reset_to(QualityLevel(0))

    def load(self, step: QualityLevel) -> float:
        """Return the CPU seconds for one second of audio; 0 before it is measured."""
        return self.loads[min(step.tier, len(self.loads) - 1)] if self.loads else 0.0

    def _play_s(self, audio: Audio) -> float:
        begin_s = time.thread_time()
        self.render(audio)
        return time.thread_time() - begin_s

    @property
    def latency_s(self) -> float:
        """Return the delay in seconds that captures with another sample rate than the chain's add."""
        return self.native.latency_frames / self.sample_rate

    def reset_to(
        self, step: QualityLevel, *, bypass: bool = False, edits: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """Reset the chain to its steady state; every number is the preset's, unless it is in `edits`.

        Do not call it while the chain is on a stage.
        """
        for name, setting in self.settings.items():
            low, high = setting.limits
            edited = edits.get(name, setting.preset)
            # The edit may be of an older version of the preset.
            self.set(name, edited if low <= edited <= high else setting.preset, self.native)
        self.set_quality(step, bypass, self.native)
        self.native.reset()

    def edited(self) -> Preset:
        """Return the preset with its current numbers."""
        blocks = [
            replace(block, **self._numbers_of(f"{number}.")) for number, block in enumerate(self.preset.blocks, 1)
        ]
        # The make-up gain does not change, so that the saved preset sounds the same.
        return replace(self.preset, blocks=tuple(blocks), loudness_lufs=self._kept_loudness(), **self._numbers_of(""))

    def _kept_loudness(self) -> float | None:
        return self.preset.loudness_lufs if self.loudness_lufs is None else self.loudness_lufs

    def keep(self) -> None:
        """Make the current numbers the preset's numbers."""
        self.preset = self.edited()
        self.settings = {name: replace(setting, preset=self.numbers[name]) for name, setting in self.settings.items()}

    def _numbers_of(self, prefix: str) -> dict[str, Any]:
        """Return the current numbers by field: of the block with that number, or of the preset itself."""
        own = {name.removeprefix(prefix): value for name, value in self.numbers.items() if name.startswith(prefix)}
        return {name: value for name, value in own.items() if "." not in name}

    def full_name(self, name: str) -> str | None:
        """Return the full name of a setting; None: there is no such setting.

        name: the full name, or the part after the block number, with or without its unit. If several settings match,
        the preset's own comes first, then the first block's: 'level' is level_db, 'bass' is the first tone block's.
        """
        own_first = sorted(self.settings, key=lambda known: "." in known)
        return next((known for known in own_first if name in _names_of(known)), None)

    def set(self, name: str, value: float, to: ParameterSink) -> None:
        """Change one setting.

        name: of a setting.
        value: in the preset's unit, within its limits.
        to: the chain itself, or the stage that plays it.
        """
        setting = self.settings[name]
        self.numbers[name] = value
        to.set(setting.link, setting.parameter, setting.value(value))

    def set_quality(self, step: QualityLevel, bypass: bool, to: ParameterSink) -> None:
        """Apply a quality level and bypass to every block."""
        if self._dry != (bypass or step.dry):
            self._dry = not self._dry
            self.set("level_db", self.numbers["level_db"], to)
        for amp in self.amps:
            to.set(amp, _engine.AMP_TIER, step.tier)
        for cabinet in self.cabinets:
            to.set(cabinet, _engine.CABINET_TAIL, float(step.tail))
        for block, links in self.links:
            # At the dry quality level there is no time even for the cabinet.
            heard = block.on and not step.dry and not (bypass and self._bypassed(block))
            for link in links:
                to.set_heard(link, heard)

    def render(self, audio: Audio) -> Audio:
        """Play audio of any length, (frames,) or (channels, frames), and continue from the last call."""
        given = np.ascontiguousarray(audio, np.float32)
        out = np.empty_like(given)
        self.native.process(given, out)
        return out

    def _bypassed(self, block: Block) -> bool:
        return not (isinstance(block, Cabinet) and self.preset.bypass_keeps_cabinet)


def _names_of(setting: str) -> tuple[str, ...]:
    behind = setting.rpartition(".")[2]
    return setting, behind, behind.removesuffix("_db").removesuffix("_hz")
