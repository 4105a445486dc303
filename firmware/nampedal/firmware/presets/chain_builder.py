"""Builds the blocks of a preset, and every file that it names, into an engine chain, front to back."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nampedal.firmware.audio import impulse_response
from nampedal.firmware.audio.gains import GainSum, calibration, db_to_gain
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.engine import _engine, artifact, litert_engine, tflite_artifact
from nampedal.firmware.engine.capture import CaptureSource
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets import captures
from nampedal.firmware.presets.captures import ReadNam
from nampedal.firmware.presets.preset import Block, Cabinet, Gain, Gate, Nam, Preset, Tone, limits_of

if TYPE_CHECKING:
    from nampedal.firmware.presets.chain import Chain


@dataclass(frozen=True, slots=True)
class Setting:
    """A number of a preset that can be changed while it plays.

    link, parameter: address of the number in the engine's chain.
    preset: the value in the preset.
    limits: lowest and highest allowed value, both included.
    value: converts a preset value to the engine's value.
    """

    link: int
    parameter: int
    preset: float
    limits: tuple[float, float]
    value: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class ChainCapture:
    """A capture in a chain.

    path: of its file.
    amp, dc_blocker: link numbers of its two engine blocks.
    tiers: how many tiers it has.
    """

    path: Path
    amp: int
    dc_blocker: int
    tiers: int


class ChainBuilder:
    """Adds the blocks of a preset to a chain, front to back."""

    def __init__(
        self,
        chain: Chain,
        folder: Path,
        sample_rate: float,
        full_scale_dbu: float | None,
        read_nam: ReadNam | None,
    ) -> None:
        """Prepare to fill an empty chain.

        folder: where the preset's files are.
        sample_rate: Hz.
        full_scale_dbu: level of the input in dBu at 0 dBFS; None: unknown.
        read_nam: reads .nam captures; None: .nam captures can't be played.
        """
        self._chain = chain
        self._native = chain.native
        self._folder = folder
        self._rate = sample_rate
        self._read_nam = read_nam
        # dBu at 0 dBFS of the signal at the point that is built now.
        self._dbu = full_scale_dbu
        self._unknown = "the input's level in dBu at 0 dBFS is not known: calibrate the pedal, or name its HAT"

    def build(self) -> None:
        """Add input gain, all blocks, output level and the soft limiter."""
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
        # The make-up gain is read through a function because it is known only later: it is measured with the whole
        # chain. The weak reference avoids a reference cycle, which would keep the chain's megabytes until the garbage
        # collector runs.
        chain = weakref.proxy(self._chain)
        self._gain("", preset, "level_db", GainSum(lambda: chain.make_up_db, "normalisation"))

    def _gain(self, prefix: str, of: Block | Preset, name: str, added: GainSum | None = None) -> None:
        link = self._native.add_gain(1.0)
        added = added or GainSum(lambda: 0.0)
        self._chain.sums[prefix + name] = added
        self._setting(prefix, of, name, link, _engine.GAIN_FACTOR, lambda value: db_to_gain(added.applied_db(value)))

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
                    db_to_gain(block.threshold_db),
                    db_to_gain(-block.hysteresis_db),
                    1e-3 * block.attack_ms,
                    1e-3 * block.hold_ms,
                    1e-3 * block.release_ms,
                )
                self._setting(prefix, block, "threshold_db", link, _engine.GATE_THRESHOLD, db_to_gain)
            case Nam():
                self._nam(prefix, block)
            case Tone():
                self._tone(prefix, block)
            case Cabinet():
                self._chain.cabinets.append(self._native.add_cabinet(self._response(block)))
                self._gain(prefix, block, "level_db")

    def _nam(self, prefix: str, block: Nam) -> None:
        path = file_names.find_path(self._folder, block.artifact)
        source, tiers, add = self._opened(path)
        level = calibration(source, self._dbu, self._unknown)
        self._chain.levels.append(level)
        self._gain(prefix, block, "gain_db", GainSum(lambda: level.gain_db or 0.0, "calibration"))
        amp = add()
        self._chain.amps.append(amp)
        self._chain.captures.append(ChainCapture(path, amp, self._native.add_dc_blocker(), tiers))
        self._chain.tiers = max(self._chain.tiers, tiers)
        self._gain(prefix, block, "level_db")
        out = source.level("output_level_dbu")
        self._dbu, self._unknown = out.value, f"{block.artifact}: its output level is not known: {out.reason}"

    def _opened(self, path: Path) -> tuple[CaptureSource, int, Callable[[], int]]:
        """Return a capture's source, its number of tiers, and a function that adds it to the chain."""
        if suffix_of(path) == tflite_artifact.SUFFIX:
            file = tflite_artifact.read(path)
            return tflite_artifact.capture_source(file), 1, lambda: litert_engine.add_to(self._native, file)
        loaded = captures.load(path, self._read_nam)
        capture = artifact.unpack(loaded)
        return capture.source, len(capture.tiers), lambda: self._native.add_amp(loaded, False)

    def _tone(self, prefix: str, block: Tone) -> None:
        link = self._native.add_tone()
        for name, (parameter, value) in _tone_settings(self._rate).items():
            self._setting(prefix, block, name, link, parameter, value)

    def _response(self, block: Cabinet) -> Audio:
        def read(name: str, channel: int) -> impulse_response.ImpulseResponse:
            return impulse_response.read(
                file_names.find_path(self._folder, name),
                self._rate,
                channel=channel or None,
                length_s=1e-3 * block.length_ms,
            )

        response = read(block.impulse_response, block.channel)
        if block.second_impulse_response:
            second = read(block.second_impulse_response, block.second_channel)
            response = impulse_response.mix(response, second, block.second_share)
        return response.taps


def _tone_settings(sample_rate: float) -> Mapping[str, tuple[int, Callable[[float], float]]]:
    """Return engine parameter and conversion function for each field of Tone.

    One step from the middle is 4 dB (bass), 3 dB (mid) and 2 dB (treble), the same as in the NAM plugin (its
    ToneStack.cpp).
    """

    def warped(hertz: float) -> float:
        return math.tan(math.pi * min(hertz / sample_rate, 0.49))

    return {
        "bass": (_engine.TONE_BASS, lambda value: 4.0 * (value - 5.0)),
        "mid": (_engine.TONE_MID, lambda value: 3.0 * (value - 5.0)),
        "treble": (_engine.TONE_TREBLE, lambda value: 2.0 * (value - 5.0)),
        "low_cut_hz": (_engine.TONE_LOW_CUT, warped),
        "high_cut_hz": (_engine.TONE_HIGH_CUT, warped),
    }
