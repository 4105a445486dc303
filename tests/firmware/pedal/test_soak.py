"""The soak of bench/soak.py, a small part of it, and that it finds what it looks for."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import soak_events
from soak import Soak, run
from soak_rig import Vitals
from soak_verdict import Rest, reason_for_silence, unsteady

pytestmark = pytest.mark.long

PLAYS = {"playing": True, "muted": False, "tuning": False, "wanted": None, "refused": "", "error": None}
STATUS: dict[str, Any] = {**PLAYS, "calibrated": [], "numbers": {"level_db": 0.0}}


def test_a_pedal_survives_all_that_comes_and_goes(tmp_path: Path) -> None:
    soak = Soak(1, tmp_path, plugs=40, more=("--tier", "0"))
    assert run(soak, events=125, parts=3) == []
    assert soak.done["MIDI ports unplugged"] >= 40
    assert soak.done["restarts of jackd"] == 3
    assert {"banks copied in", "files edited, deleted, replaced", "socket requests", "looks"} <= soak.done.keys()


def test_the_soak_finds_a_pedal_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soak = Soak(1, tmp_path, plugs=0)

    def kill(reach: soak_events.Reach, rng: random.Random) -> str:
        os.kill(soak.pedal.process.pid, signal.SIGKILL)
        soak.pedal.process.wait()
        return "killed"

    monkeypatch.setattr("soak.EVENTS", {"kill": (1, kill)})
    assert run(soak, events=20) == ["seed 1, event 1: the pedal ended with -9"]


def test_silence_needs_a_reason_in_the_status() -> None:
    assert reason_for_silence(STATUS) == ""
    assert reason_for_silence({**STATUS, "muted": True}) == "muted: True"
    assert reason_for_silence({**STATUS, "playing": False}) == "there is no server"
    assert reason_for_silence({**STATUS, "numbers": {"level_db": -20.0, "2.gain_db": -20.0}}) == "levels"
    ordinary = {"gain_db": None, "reason": "amp.nam: does not say its input level in dBu"}
    assert reason_for_silence({**STATUS, "calibrated": [ordinary]}) == ""
    assert reason_for_silence({**STATUS, "calibrated": [{**ordinary, "reason": "too quiet"}]}) == "too quiet"


@pytest.mark.parametrize(
    ("grown", "told"),
    [
        (Vitals(120.0, 10, 30), []),
        (Vitals(125.0, 10, 30), ["memory_mib grew from 100 to 125; up to 24 more are steady"]),
        (Vitals(100.0, 13, 30), ["threads grew from 10 to 13; up to 2 more are steady"]),
        (Vitals(100.0, 10, 37), ["files grew from 30 to 37; up to 6 more are steady"]),
    ],
)
def test_what_grows_is_found(grown: Vitals, told: list[str]) -> None:
    steady = Rest(-20.0, Vitals(100.0, 10, 30))
    assert list(unsteady([*7 * [steady], *2 * [Rest(-20.0, grown)]])) == told
