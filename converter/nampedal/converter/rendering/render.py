"""Renders whole audio files through the engine in blocks. Any format, sample rate and length."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from nampedal.converter.output import atomic_output
from nampedal.converter.rendering.backends import Backend, open_player
from nampedal.firmware.audio.audio_file import QUALITY, blocks, open_audio, reason
from nampedal.firmware.audio.audio_writer import AudioWriter
from nampedal.firmware.base.errors import AudioError, FileAccessError
from nampedal.firmware.engine.inference import MAX_FRAMES, Audio

# Suffixes that error messages list first, before the others that libsndfile writes.
COMMON_FORMATS = ("wav", "flac", "ogg", "mp3", "aiff", "w64", "caf")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Options of a rendering.

    tier: number or name of a tier.
    subtype: a name of libsndfile's, such as 'PCM_24'; empty: 32-bit float if the format has it, else its best PCM.
    """

    tier: int | str = 0
    exact: bool = False
    subtype: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class RenderResult:
    """The result of a rendering.

    seconds, sample_rate: same for input and output.
    channels: of the output.
    resampled: the model runs at another sample rate.
    peak: largest absolute sample of the output.
    clips: the output was clipped at full scale.
    warnings: problems of the input, one line each.
    """

    seconds: float
    channels: int
    sample_rate: int
    resampled: bool
    peak: float
    clips: bool
    warnings: tuple[str, ...] = ()


def render_file(
    model: Path,
    source: Path,
    target: Path,
    options: RenderOptions,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> RenderResult:
    """Play the audio file `source` through a model into `target`.

    The output has the input's length and sample rate. Each channel is played separately, but a model with several input
    channels gets all channels of the file together.
    advance(done, total): progress callback, in frames.
    Raises FileAccessError, AudioError, AlreadyExistsError, and the errors of `open_player`.
    """
    with open_audio(source) as audio:
        rate = audio.samplerate
        chain = _Chain(lambda: open_player(model, options.tier, options.exact), audio.channels, rate, str(source))
        file_format, subtype = _target_format(target, options.subtype)
        given = _Given(source)
        peak = 0.0
        read = written = 0
        if target.exists() and target.samefile(source):
            raise AudioError(f"{target}: is the input itself; name another output")
        with atomic_output(target, options.force) as partial:
            try:
                with AudioWriter(partial, rate, chain.out_channels, subtype, file_format) as out:
                    for block in map(given.without_non_finite, blocks(audio, source, MAX_FRAMES)):
                        last = len(block) == 0
                        read += len(block)
                        # Trim to the input's length, because two resamplers may round it up.
                        played = chain.play(block, last)[: max(0, read - written)]
                        out.write(played)
                        written += len(played)
                        peak = max(peak, float(np.max(np.abs(played), initial=0.0)))
                        advance(read, audio.frames)
                    out.write(np.zeros((read - written, chain.out_channels), np.float32))
            except soundfile.LibsndfileError as error:
                raise FileAccessError(f"{target}: can't be written: {reason(error)}") from error
    floats = subtype in ("FLOAT", "DOUBLE")
    clips = peak > 1.0 and not floats
    return RenderResult(read / rate, chain.out_channels, rate, chain.resampled, peak, clips, given.warnings())


def render_audio(prepare: Callable[[], Backend], audio: Audio, sample_rate: float, source: str) -> Audio:
    """Return audio in memory played through a model, as `render_file` plays a file.

    prepare: returns a new player of the model.
    audio: (frames, channels), finite.  source: its name, for messages.
    Returns (frames, channels). Raises AudioError, and the errors of `prepare`.
    """
    chain = _Chain(prepare, audio.shape[1], sample_rate, source)
    starts = range(0, len(audio), MAX_FRAMES)
    parts = [chain.play(audio[start : start + MAX_FRAMES], last=False) for start in starts]
    played = np.concatenate([*parts, chain.play(audio[:0], last=True)])[: len(audio)]
    return np.pad(played, ((0, len(audio) - len(played)), (0, 0)))


class _Given:
    """The input that was played so far, and the problems found in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._peak = 0.0
        self._no_numbers = 0

    def without_non_finite(self, block: Audio) -> Audio:
        """Return the block, (frames, channels), with 0 in place of inf and nan."""
        finite = np.isfinite(block)
        self._no_numbers += int(finite.size - np.count_nonzero(finite))
        sound = np.where(finite, block, np.float32(0.0))
        self._peak = max(self._peak, float(np.max(np.abs(sound), initial=0.0)))
        return sound

    def warnings(self) -> tuple[str, ...]:
        found = []
        if self._no_numbers:
            samples = f"{self._no_numbers:,} sample{'s' * (self._no_numbers > 1)}"
            found.append(f"{self._path}: {samples} of it are no finite numbers, and were played as silence")
        if self._peak > 1.0:
            over_db = 20.0 * math.log10(self._peak)
            found.append(
                f"{self._path}: goes {over_db:.1f} dB above full scale, where no interface goes: is it too loud?"
            )
        return tuple(found)


class _Chain:
    """Resamples to the model's rate, plays (one player per channel, or one for all), and resamples back."""

    def __init__(self, prepare: Callable[[], Backend], channels: int, rate: float, source: str) -> None:
        """prepare: returns a new player of the model.  source: the input's name, for messages."""
        first = prepare()
        self.apart = first.in_channels == 1 and first.out_channels == 1
        if not self.apart and channels != first.in_channels:
            raise AudioError(f"{source}: has {channels} channels; this model takes {first.in_channels} together")
        self.out_channels = channels if self.apart else first.out_channels
        more = channels - 1 if self.apart else 0
        self._players = [first, *(prepare() for _ in range(more))]
        self._waiting = np.zeros((0, channels), np.float32)
        self.resampled = rate != first.sample_rate
        if self.resampled:
            self._to_model = soxr.ResampleStream(rate, first.sample_rate, channels, "float32", QUALITY)
            self._from_model = soxr.ResampleStream(first.sample_rate, rate, self.out_channels, "float32", QUALITY)

    def play(self, block: Audio, last: bool) -> Audio:
        """Play a block (frames, channels). Return (other frames, out_channels).

        last: also return the frames that are still buffered.
        """
        rows = self._whole(self._to_model.resample_chunk(block, last) if self.resampled else block, last)
        if self.apart:
            played = np.stack([player.render(rows[:, c]) for c, player in enumerate(self._players)], axis=1)
        else:
            played = self._players[0].render(rows)
        return np.asarray(self._from_model.resample_chunk(played, last) if self.resampled else played, np.float32)

    def _whole(self, rows: Audio, last: bool) -> Audio:
        """Return as many of the waiting and new rows as the players accept; the rest waits for the next call."""
        rows = np.concatenate([self._waiting, rows])
        count = len(rows) if last else len(rows) - len(rows) % self._players[0].min_frames
        self._waiting = rows[count:]
        return rows[:count]


def _target_format(path: Path, subtype: str) -> tuple[str, str]:
    """Return libsndfile's names for a file name's format and for the subtype to write. Raises AudioError."""
    file_format = path.suffix.lstrip(".").upper()
    if file_format == "AIF":
        file_format = "AIFF"
    if file_format not in soundfile.available_formats():
        others = sorted(set(map(str.lower, soundfile.available_formats())) - set(COMMON_FORMATS))
        known = ", ".join((*(one for one in COMMON_FORMATS if one.upper() in soundfile.available_formats()), *others))
        raise AudioError(f"{path}: is no audio file name that can be written; write one of {known}")
    allowed = soundfile.available_subtypes(file_format)
    if not subtype:
        best = ("FLOAT", "PCM_24", soundfile.default_subtype(file_format))
        return file_format, next(name for name in best if name in allowed)
    if subtype.upper() not in allowed:
        raise AudioError(f"{path}: --subtype is {subtype}; {file_format} takes {', '.join(sorted(allowed))}")
    return file_format, subtype.upper()
