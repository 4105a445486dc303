"""Levels the presets of a pedal that plays: listens to the guitar, measures, and writes when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nampedal.board.errors import NampedalError
from nampedal.firmware.bank import which
from nampedal.firmware.errors import ControlRequestError
from nampedal.firmware.guitar_take import HEARD_DBFS, MOST_S, PLAYED_DBFS, Take
from nampedal.firmware.levelling import Measured, Measuring, common_lufs, levels_db, write
from nampedal.firmware.listener import Listener
from nampedal.firmware.loudness import loudness_lufs

SECONDS = (2.0, 60.0)


class LevelSession:
    """For the thread that runs the pedal; it waits for nothing."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._take: Take | None = None
        self._paths: list[Path] = []
        self._full_scale_dbu: float | None = None
        self._measuring: Measuring | None = None
        self._writing: _Writing | None = None

    def start(
        self,
        listener: Listener,
        presets: Sequence[Path],
        names: Sequence[str],
        seconds: float,
        full_scale_dbu: float | None,
    ) -> None:
        """names: of those presets, which are measured; none: all. Raises ControlRequestError, NoSuchPresetError."""
        low, high = SECONDS
        if not low <= seconds <= high:
            raise ControlRequestError(f"request level: 'seconds' is {seconds:g}; {low:g} to {high:g} are allowed")
        known = [path.stem for path in presets]
        chosen = [presets[which(name, known)] for name in names] or list(presets)
        self.stop()
        self._paths, self._full_scale_dbu = list(dict.fromkeys(chosen)), full_scale_dbu
        self._listener, self._take = listener, Take(listener.sample_rate, seconds)
        listener.take(self._take)

    def stop(self) -> None:
        """Nothing is kept; a preset that is being measured is not waited for."""
        if self._listener is not None:
            self._listener.take(None)
        if self._measuring is not None:
            self._measuring.end()
        self._listener = self._take = self._measuring = None

    def status(self, listener: Listener | None) -> Mapping[str, Any]:
        """How far it is, and what was measured. listener: of the pedal now."""
        take = self._take
        if take is None:
            return {"state": "idle"}
        if self._measuring is None and take.enough:
            audio = take.audio()
            self._measuring = Measuring(self._paths, audio, take.sample_rate, self._full_scale_dbu)
        state, problem = "listening", _problem(take)
        if self._measuring is not None:
            state, problem = "done" if self._measuring.done else "measuring", ""
        elif listener is not self._listener:
            state, problem = "failed", "level: the JACK server was restarted meanwhile; begin again"
        elif take.over:
            state = "failed"
            problem = (
                f"level: less than {take.wanted_s:g} s were played in {MOST_S:g} s; play louder, or turn the input up"
            )
        return {
            "state": state,
            "problem": problem or None,
            "played_s": round(take.played_s, 1),
            "wanted_s": take.wanted_s,
            "input_dbfs": round(take.level_dbfs, 1) if np.isfinite(take.level_dbfs) else None,
            "presets": len(self._paths),
            **self._results(take),
        }

    def _results(self, take: Take) -> Mapping[str, Any]:
        if self._measuring is None:
            return {"measured": [], "lufs": None, "guitar_lufs": None}
        measured = list(self._measuring.measured)
        rows = as_rows(measured)
        if not self._measuring.done:
            return {"measured": rows, "lufs": None, "guitar_lufs": None}
        common = common_lufs([one.heard for one in measured if one.heard is not None])
        guitar = loudness_lufs(take.audio(), take.sample_rate)
        return {"measured": rows, "lufs": round(common, 1), "guitar_lufs": round(guitar, 1)}

    def write(self) -> None:
        """Begins to write the levels that were found. Raises ControlRequestError."""
        if self._measuring is None or not self._measuring.done:
            raise ControlRequestError("request level_write: nothing is measured yet; ask for level, and play")
        self._writing = _Writing(self._measuring.measured)

    def written(self) -> list[str] | None:
        """Presets that were; None: it is not done yet. Raises SettingsError."""
        return self._writing.result() if self._writing is not None else None


class _Writing:
    """In a thread of its own: a disk is slow."""

    def __init__(self, measured: Sequence[Measured]) -> None:
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


def as_rows(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """As JSON: for each preset how loud it is now, its level, the one that is proposed, and the peak with that.

    null: silent, or it can't be played, for the problem that stands beside.
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


def _problem(take: Take) -> str:
    """What keeps the player's time from counting; empty: nothing."""
    if HEARD_DBFS <= take.level_dbfs < PLAYED_DBFS:
        needed = f"{PLAYED_DBFS:g} dBFS are needed; play louder, or turn the input up"
        return f"too quiet: {take.level_dbfs:.0f} dBFS come in, {needed}"
    return ""
