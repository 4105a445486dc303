"""Measures levels for presets while the pedal plays: records the guitar, measures, and writes the levels on request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nampedal.firmware.audio.guitar_take import HEARD_DBFS, MAX_S, PLAYED_DBFS, GuitarTake
from nampedal.firmware.base.errors import ControlRequestError, NampedalError, SettingsUnwritableError
from nampedal.firmware.base.faults import describe_error
from nampedal.firmware.jack.audio_tap import AudioTap
from nampedal.firmware.presets.banks.bank import index_of_preset
from nampedal.firmware.presets.levelling import LevelMeasurement, MeasuredLevel, common_lufs, levels_db, write

SECONDS = (2.0, 60.0)


class LevelSession:
    """One levelling session. For the thread that runs the pedal; no method blocks."""

    def __init__(self) -> None:
        self._tap: AudioTap | None = None
        self._take: GuitarTake | None = None
        self._paths: list[Path] = []
        self._full_scale_dbu: float | None = None
        self._measuring: LevelMeasurement | None = None
        self._writing: _Writing | None = None

    def start(
        self,
        tap: AudioTap,
        presets: Sequence[Path],
        names: Sequence[str],
        seconds: float,
        full_scale_dbu: float | None,
    ) -> None:
        """Start to record the guitar.

        names: the presets to measure, as `index_of_preset` accepts them; empty: all.
        seconds: the playing time to record, within `SECONDS`.
        full_scale_dbu: the input level at 0 dBFS, in dBu; None: unknown.
        Raises ControlRequestError, NoSuchPresetError.
        """
        low, high = SECONDS
        if not low <= seconds <= high:
            raise ControlRequestError(f"request level: 'seconds' is {seconds:g}; {low:g} to {high:g} are allowed")
        known = [path.stem for path in presets]
        chosen = [presets[index_of_preset(name, known)] for name in names] or list(presets)
        self.stop()
        self._paths, self._full_scale_dbu = list(dict.fromkeys(chosen)), full_scale_dbu
        self._tap, self._take = tap, GuitarTake(tap.sample_rate, seconds)
        tap.set_guitar_take(self._take)

    def stop(self) -> None:
        """Discard the session. It does not wait for a preset that is being measured."""
        if self._tap is not None:
            self._tap.set_guitar_take(None)
        if self._measuring is not None:
            self._measuring.end()
        self._tap = self._take = self._measuring = None

    def status(self, tap: AudioTap | None) -> Mapping[str, Any]:
        """Return the progress and the results, as JSON. Start to measure when the recording is long enough.

        tap: the current audio tap of the pedal.
        """
        take = self._take
        if take is None:
            return {"state": "idle"}
        if self._measuring is None and take.enough:
            audio = take.audio()
            self._measuring = LevelMeasurement(self._paths, audio, take.sample_rate, self._full_scale_dbu)
        state, problem = "listening", _problem(take)
        if self._measuring is not None:
            state, problem = "done" if self._measuring.done else "measuring", ""
        elif tap is not self._tap:
            state, problem = "failed", "level: the JACK server was restarted meanwhile; begin again"
        elif take.over:
            state = "failed"
            problem = (
                f"level: less than {take.wanted_s:g} s were played in {MAX_S:g} s; play louder, or turn the input up"
            )
        return {
            "state": state,
            "problem": problem or None,
            "played_s": round(take.played_s, 1),
            "wanted_s": take.wanted_s,
            "input_dbfs": round(take.level_dbfs, 1) if np.isfinite(take.level_dbfs) else None,
            "presets": len(self._paths),
            **self._results(),
        }

    def _results(self) -> Mapping[str, Any]:
        if self._measuring is None:
            return {"measured": [], "lufs": None, "guitar_lufs": None}
        measured = list(self._measuring.measured)
        rows = as_rows(measured)
        if not self._measuring.done:
            return {"measured": rows, "lufs": None, "guitar_lufs": None}
        common = common_lufs([one.heard for one in measured if one.heard is not None])
        return {"measured": rows, "lufs": round(common, 1), "guitar_lufs": round(self._measuring.guitar_lufs, 1)}

    def write(self) -> None:
        """Start to write the new levels to the presets. Raises ControlRequestError."""
        if self._measuring is None or not self._measuring.done:
            raise ControlRequestError("request level_write: nothing is measured yet; ask for level, and play")
        self._writing = _Writing(self._measuring.measured)

    def written(self) -> list[str] | None:
        """Return the names of the presets that were written; None: not finished. Raises SettingsError."""
        return self._writing.result() if self._writing is not None else None


class _Writing:
    """Writes the levels in its own thread, because a disk is slow."""

    def __init__(self, measured: Sequence[MeasuredLevel]) -> None:
        self._result: list[str] | NampedalError | None = None
        self._measured = list(measured)
        threading.Thread(target=self._run, name="level", daemon=True).start()

    def result(self) -> list[str] | None:
        if isinstance(self._result, NampedalError):
            raise self._result
        return self._result

    def _run(self) -> None:
        try:
            self._result = write(self._measured)
        except NampedalError as error:
            self._result = error
        except Exception as error:
            self._result = SettingsUnwritableError(f"level_write: failed: {describe_error(error)}")


def as_rows(measured: Sequence[MeasuredLevel]) -> list[dict[str, Any]]:
    """Return the measurements as JSON: loudness, level, proposed level and resulting peak of each preset.

    A value is null if the preset is silent or cannot be played; "problem" says why.
    """
    rows = []
    for one, level_db in zip(measured, levels_db(measured), strict=True):
        now = one.lufs
        known = one.heard is not None and level_db is not None
        rows.append(
            {
                "name": one.path.stem,
                "lufs": round(now, 1) if now is not None else None,
                "level_db": one.preset.level_db if one.preset is not None else None,
                "new_level_db": level_db,
                "peak_dbfs": round(one.heard.peak_dbfs + one.make_up_db + level_db, 1)
                if known and one.heard is not None and level_db is not None
                else None,
                "problem": one.problem or None,
            }
        )
    return rows


def _problem(take: GuitarTake) -> str:
    """Return the reason why the playing time does not count; empty: none."""
    if HEARD_DBFS <= take.level_dbfs < PLAYED_DBFS:
        needed = f"{PLAYED_DBFS:g} dBFS are needed; play louder, or turn the input up"
        return f"too quiet: {take.level_dbfs:.0f} dBFS come in, {needed}"
    return ""
