"""Whole audio files through the engine: any format, rate and length, in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from nampedal.converter.errors import AudioFormatError
from nampedal.converter.output import replacing
from nampedal.converter.players import open_player
from nampedal.firmware.audio_file import QUALITY, blocks, open_audio, reason
from nampedal.firmware.engine import MAX_FRAMES, Audio
from nampedal.firmware.errors import AudioFileError


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """subtype: as libsndfile names it ('PCM_24'); '': 32-bit float where the format has it, else its best PCM."""

    tier: int = 0
    exact: bool = False
    subtype: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """seconds, channels, sample_rate: of input and output alike. resampled: the model's rate is another."""

    seconds: float
    channels: int
    sample_rate: int
    resampled: bool
    peak: float
    clips: bool


def render_file(
    model: Path,
    source: Path,
    target: Path,
    options: RenderOptions,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Rendered:
    """Play `source` through a model's file into `target`: as long as the input, at its rate, each channel apart.

    A model of several input channels takes the file's channels together. advance(done, total) is told the frames.
    Raises AudioFileError, AudioFormatError, OutputExistsError, OutputUnwritableError, and what `open_player` raises.
    """
    with open_audio(source) as audio:
        rate = audio.samplerate
        chain = _Chain(model, audio.channels, rate, options, source)
        file_format, subtype = _target_format(target, options.subtype)
        peak = 0.0
        read = written = 0
        if target.exists() and target.samefile(source):
            raise AudioFormatError(f"{target}: is the input itself; name another output")
        with replacing(target, options.force) as partial:
            try:
                with soundfile.SoundFile(partial, "w", rate, chain.out_channels, subtype, None, file_format) as out:
                    for block in blocks(audio, source, MAX_FRAMES):
                        last = len(block) == 0
                        read += len(block)
                        # Trimmed to the input's length: two resamplers may round it up.
                        played = chain.play(block, last)[: max(0, read - written)]
                        out.write(played)
                        written += len(played)
                        peak = max(peak, float(np.max(np.abs(played), initial=0.0)))
                        advance(read, audio.frames)
                    out.write(np.zeros((read - written, chain.out_channels), np.float32))
            except soundfile.LibsndfileError as error:
                raise AudioFileError(f"{target}: can't be written: {reason(error)}") from error
    floats = subtype in ("FLOAT", "DOUBLE")
    return Rendered(read / rate, chain.out_channels, rate, chain.resampled, peak, peak > 1.0 and not floats)


class _Chain:
    """To the model's rate, through one player a channel (or one for all), and back."""

    def __init__(self, model: Path, channels: int, rate: int, options: RenderOptions, source: Path) -> None:
        first = open_player(model, options.tier, options.exact)
        self.apart = first.in_channels == 1 and first.out_channels == 1
        if not self.apart and channels != first.in_channels:
            raise AudioFormatError(f"{source}: has {channels} channels; this model takes {first.in_channels} together")
        self.out_channels = channels if self.apart else first.out_channels
        more = channels - 1 if self.apart else 0
        self._players = [first, *(open_player(model, options.tier, options.exact) for _ in range(more))]
        self._waiting = np.zeros((0, channels), np.float32)
        self.resampled = rate != first.sample_rate
        if self.resampled:
            self._to_model = soxr.ResampleStream(rate, first.sample_rate, channels, "float32", QUALITY)
            self._from_model = soxr.ResampleStream(first.sample_rate, rate, self.out_channels, "float32", QUALITY)

    def play(self, block: Audio, last: bool) -> Audio:
        """block: (frames, channels) -> (other frames, out_channels). `last` brings out what is still held."""
        rows = self._whole(self._to_model.resample_chunk(block, last) if self.resampled else block, last)
        if self.apart:
            played = np.stack([player.render(rows[:, c]) for c, player in enumerate(self._players)], axis=1)
        else:
            played = self._players[0].render(rows)
        return np.asarray(self._from_model.resample_chunk(played, last) if self.resampled else played, np.float32)

    def _whole(self, rows: Audio, last: bool) -> Audio:
        """Rows from before and now, as many as the players take; the rest waits."""
        rows = np.concatenate([self._waiting, rows])
        count = len(rows) if last else len(rows) - len(rows) % self._players[0].min_frames
        self._waiting = rows[count:]
        return rows[:count]


def _target_format(path: Path, subtype: str) -> tuple[str, str]:
    """Libsndfile's names for a file name's format and for the subtype to write."""
    file_format = path.suffix.lstrip(".").upper()
    if file_format == "AIF":
        file_format = "AIFF"
    if file_format not in soundfile.available_formats():
        known = "wav, flac, aiff, ogg, w64, caf"
        raise AudioFormatError(f"{path}: is no audio file name that can be written; write one of {known}")
    allowed = soundfile.available_subtypes(file_format)
    if not subtype:
        best = ("FLOAT", "PCM_24", soundfile.default_subtype(file_format))
        return file_format, next(name for name in best if name in allowed)
    if subtype.upper() not in allowed:
        raise AudioFormatError(f"{path}: --subtype is {subtype}; {file_format} takes {', '.join(sorted(allowed))}")
    return file_format, subtype.upper()
