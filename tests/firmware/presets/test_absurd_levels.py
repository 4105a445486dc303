"""Whatever files say of levels: no output above the ceiling, none that is not finite, no silence without its reason."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.audio.gains import MAX_GAIN_DB, MIN_GAIN_DB
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import LEVELS, Capture, CaptureSource, Proof
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.presets.preset import Nam, Preset
from support.makers import nam_maker
from support.players.jack_player import Player
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status

RATE = 48_000.0
# Of a guitar of -22 LUFS; what is below is silence to whoever plays.
SILENT = 1e-4

ABSURD: tuple[Any, ...] = (
    *(-9999, -999, 999, 9999, -60, 60, -20, 40, -20.5, 40.5, 0, 12.5, -7000, 1e300, -1e300, 10**400, -(10**5000)),
    *(math.nan, math.inf, -math.inf, "12.5", "unknown", "", True, False, None, [], [12], {}, {"dBu": 12}),
)


def absurd_capture(folder: Path, rng: np.random.Generator) -> Capture:
    """Any network, at any loudness, with any offset; its levels are anything."""
    makers = (
        lambda seed: nam_maker.linear(taps=3, bias=True, seed=seed),
        lambda seed: nam_maker.lstm(hidden=2, seed=seed),
        lambda seed: nam_maker.convnet(batch_norm=False, activation="ReLU", seed=seed),
        lambda seed: nam_maker.a1(channels=(2, 2), dilations=(1,), seed=seed),
    )
    nam = makers[rng.integers(len(makers))](int(rng.integers(1000)))
    size = float(rng.choice([0.0, 1e-9, 1e-4, 1e-2, 1.0, 1.0, 1.0, 1e2, 1e6, 1e12, 1e30]))
    weights = [float(np.float32(min(max(size * weight, -3e38), 3e38))) for weight in nam["weights"]]
    rate = int(rng.choice([44_100, 48_000, 48_000, 96_000]))
    capture = nam_file.read(nam_maker.write(folder / "x.nam", {**nam, "weights": weights, "sample_rate": rate}))
    metadata = {key: ABSURD[rng.integers(len(ABSURD))] for key in LEVELS}
    return replace(capture, source=replace(capture.source, metadata=metadata))


def absurd_preset(rng: np.random.Generator) -> Preset:
    def between(low: float, high: float) -> float:
        return float(rng.choice([0.0, low, high, rng.uniform(low, high)]))

    blocks = tuple(
        Nam(f"{number}.stomp", gain_db=between(-20, 40), level_db=between(-20, 40))
        for number in range(int(rng.integers(1, 3)))
    )
    return Preset(
        "x", blocks, between(-20, 40), between(-20, 20), normalise=bool(rng.random() < 0.7), loudness_lufs=None
    )


def written(folder: Path, capture: Capture, name: str = "0.stomp") -> None:
    (folder / name).write_bytes(artifact.pack(capture))


def without_huge(metadata: dict[str, Any]) -> dict[str, Any]:
    """An integer that Python does not write: as it is refused where JSON is read, it never comes so far."""
    return {key: None if isinstance(value, int) and abs(value) > 10**1000 else value for key, value in metadata.items()}


@pytest.mark.parametrize("seed", range(200))
def test_200_presets_at_random_from_the_absurd(tmp_path: Path, guitar: Audio, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = absurd_preset(rng)
    for number in range(len(one.blocks)):
        capture = absurd_capture(tmp_path, rng)
        source = replace(capture.source, metadata=without_huge(dict(capture.source.metadata)))
        written(tmp_path, replace(capture, source=source), f"{number}.stomp")
    full_scale = float(rng.uniform(-40, 40)) if rng.random() < 0.8 else None
    try:
        chain = Chain.prepare(one, tmp_path, sample_rate=RATE, max_frames=128, full_scale_dbu=full_scale)
    except NampedalError as error:
        assert "\n" not in str(error)
        assert "is silent" in str(error) or "plays numbers that are no sound" in str(error)
        return
    heard = chain.render(guitar[:24_000])
    assert np.all(np.isfinite(heard))
    assert np.max(np.abs(heard)) <= 1.0
    for name, added in chain.sums.items():
        assert MIN_GAIN_DB <= added.applied_db(chain.numbers[name]) <= MAX_GAIN_DB
    # What a person has turned down by hand, and what calibration takes away, is told as such.
    down_db = sum(min(0.0, number) for number in chain.numbers.values())
    down_db += sum(min(0.0, level.gain_db or 0.0) for level in chain.levels)
    if np.max(np.abs(heard[4800:])) < SILENT and down_db > -40.0:
        assert chain.notes() or chain.faults()


@pytest.mark.parametrize("key", LEVELS)
@pytest.mark.parametrize("value", ABSURD, ids=map(str, range(len(ABSURD))))
def test_a_level_is_known_or_there_is_a_reason(key: str, value: Any) -> None:
    source = CaptureSource("x.nam", "", "", "", {key: value})
    level = source.level(key)
    sane = isinstance(value, (int, float)) and not isinstance(value, bool)
    sane = sane and LEVELS[key].low <= value <= LEVELS[key].high
    assert (level.value is not None) == sane
    assert bool(level.reason) != sane
    assert "\n" not in level.reason
    assert len(level.reason) < 120
    assert source.doubtful_levels() == ({} if sane or value is None else {key: level.reason})


def test_what_is_said_of_a_level_that_can_not_be() -> None:
    source = CaptureSource(
        "x.nam", "", "", "", {"input_level_dbu": -9999, "output_level_dbu": "12.5", "loudness": 10**30}
    )
    assert source.doubtful_levels() == {
        "input_level_dbu": "input_level_dbu is -9999; -20 to +40 dBu can be",
        "output_level_dbu": "output_level_dbu is '12.5'; a number is needed",
        "loudness": "loudness is a number of more than 15 digits; -100 to +40 dB can be",
    }
    assert source.level("input_level_dbu").value is None
    assert CaptureSource("x.nam", "", "", "").level("loudness").reason == "loudness is not stated"


def test_a_chain_is_uncalibrated_by_a_level_that_can_not_be(tmp_path: Path, root: Path) -> None:
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")

    def reason(wanted: Any, full_scale: float = 8.7) -> tuple[float | None, str]:
        written(tmp_path, replace(demo, source=replace(demo.source, metadata={"input_level_dbu": wanted})))
        block = Preset("x", (Nam("0.stomp"),), normalise=False)
        chain = Chain.prepare(block, tmp_path, sample_rate=RATE, max_frames=64, full_scale_dbu=full_scale)
        return chain.levels[0].gain_db, chain.levels[0].reason

    assert reason(-9999) == (None, "overdriven-amp.nam: input_level_dbu is -9999; -20 to +40 dBu can be")
    assert reason(math.nan) == (None, "overdriven-amp.nam: input_level_dbu is nan; -20 to +40 dBu can be")
    assert reason(12.7)[0] == pytest.approx(-4.0)
    apart = "-20.0 dBu at 0 dBFS into a capture made at +40.0 dBu: more than 40 dB apart, so one of them is wrong"
    assert reason(40, -20.0) == (None, apart)


def test_a_gain_that_is_not_given_is_told(tmp_path: Path, root: Path) -> None:
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    written(tmp_path, replace(demo, source=replace(demo.source, metadata={"input_level_dbu": 0.0})))
    loud = Preset("x", (Nam("0.stomp", gain_db=25.0),), level_db=15.0, loudness_lufs=-50.0)
    chain = Chain.prepare(loud, tmp_path, sample_rate=RATE, max_frames=64, full_scale_dbu=20.0)
    assert chain.notes() == [
        "1.gain_db: +45.0 dB asked for (+25.0 and +20.0 by calibration), +40.0 dB given",
        "level_db: +47.0 dB asked for (+15.0 and +32.0 by normalisation), +40.0 dB given",
    ]
    assert chain.settings["level_db"].value(15.0) == pytest.approx(100.0)
    assert chain.settings["level_db"].value(-2.0) == pytest.approx(10.0**1.5)
    chain.set("level_db", 0.0, chain.native)
    assert len(chain.notes()) == 1


def linear(folder: Path, db: float) -> None:
    nam = {**nam_maker.linear(taps=1), "weights": [10.0 ** (db / 20.0)]}
    written(folder, nam_file.read(nam_maker.write(folder / "x.nam", nam)))


@pytest.mark.parametrize(
    ("db", "make_up_db", "note"),
    [
        (-20.0, LOUDNESS_LUFS + 22.3 + 20.0, ""),
        (-44.0, 40.0, "not at -18 LUFS: +48.4 dB would bring it there, 40 dB are the most that normalisation"),
        (-60.0, 0.0, "not raised to -18 LUFS: a guitar comes out below -70 LUFS, which is too quiet to be measured"),
        (-100.0, 0.0, "not raised to -18 LUFS: a guitar comes out below -70 LUFS"),
    ],
)
def test_a_quiet_capture_is_played_and_what_is_not_raised_is_told(
    tmp_path: Path, db: float, make_up_db: float, note: str
) -> None:
    linear(tmp_path, db)
    chain = Chain.prepare(Preset("x", (Nam("0.stomp"),)), tmp_path, sample_rate=RATE, max_frames=64)
    assert chain.make_up_db == pytest.approx(make_up_db, abs=0.3)
    quiet = [f"0.stomp is quiet: of a guitar {db - 3:.0f} dBFS come out of it"] if db < -59.0 else []
    assert chain.notes()[: len(quiet)] == quiet
    assert len(chain.notes()) == len(quiet) + bool(note)
    assert note in "".join(chain.notes())


def test_figures_of_a_proof_that_nobody_can_have_measured_are_not_known(tmp_path: Path, root: Path) -> None:
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    figures = (1e300, -1e300, math.inf, math.nan, 0.0, 1e8, -math.inf, -80.0, 1e10, -12.0)
    proof = Proof("nothing", "hum", *figures)
    written(tmp_path, replace(demo, tiers=(replace(demo.tiers[0], proof=proof),)))
    found = artifact.read(tmp_path / "0.stomp").tiers[0].proof
    assert found is not None
    got = [getattr(found, name) for name in Proof.__dataclass_fields__ if name not in ("material", "worst_kind")]
    wanted = [math.nan] * 4 + [0.0, 1e8, -math.inf, -80.0, math.nan, -12.0]
    assert np.array_equal(got, wanted, equal_nan=True)


def plays(at: Path, name: str) -> bool:
    return bool(status(at).get("preset") == name)


@pytest.mark.parametrize("jack_server", [128], indirect=True)
def test_a_pedal_plays_a_bank_of_absurd_levels(jack_server: JackServer, tmp_path: Path, root: Path) -> None:
    """-9999 has ended the thread that prepares, -999 given noise at full scale, and 999 silence."""
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    values = {"a": -9999, "b": -999, "c": 999, "d": math.nan, "e": "12.5", "f": 12.0}
    for name, value in values.items():
        source = replace(demo.source, metadata={"input_level_dbu": value, "loudness": value})
        written(tmp_path, replace(demo, source=source), f"{name}.stomp")
        preset.write(Preset(name, (Nam(f"{name}.stomp"),), level_db=-20.0), tmp_path / f"{name}.toml")
    audio = np.random.default_rng(0).normal(0.0, 0.05, 24_000).astype(np.float32)
    heard: dict[str, Audio] = {}
    told: dict[str, Any] = {}
    with playing(jack_server, tmp_path, tmp_path / "socket", "--full-scale-dbu", "8.7") as at:
        player = wait_for(lambda: Player.open(jack_server.name))
        wait_for(lambda: status(at).get("playing"))
        player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
        for name in values:
            ask(at, {"do": "load", "preset": name})
            wait_for(partial(plays, at, name))
            heard[name] = player.play(audio)[0][12_000:]
            told[name] = status(at)["calibrated"][0]
        player.close()
    for name in values:
        assert np.max(np.abs(heard[name])) < 1.0
        assert np.std(heard[name]) > 0.001
        assert (told[name]["gain_db"] is None) == (name != "f")
    assert told["a"]["reason"] == "overdriven-amp.nam: input_level_dbu is -9999; -20 to +40 dBu can be"
