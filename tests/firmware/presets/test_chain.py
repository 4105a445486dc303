"""Presets that are made ready to play."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.firmware.audio import dry_guitar, impulse_response
from nampedal.firmware.audio.gains import db_to_gain
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture, Proof
from nampedal.firmware.engine.inference import Audio, Engine
from nampedal.firmware.presets.chain import LOUDNESS_LUFS, MAX_MAKE_UP_DB, Chain
from nampedal.firmware.presets.preset import Block, Cabinet, Gain, Gate, Nam, Preset, Tone
from nampedal.firmware.presets.quality import QualityLevel
from numpy.typing import NDArray

RATE = 48_000.0


@pytest.fixture(scope="module")
def demo(root: Path) -> Capture:
    return nam_file.read(root / "demo" / "overdriven-amp.nam")


def proved(capture: Capture, loudness_lufs: float) -> Capture:
    proof = Proof("nothing", "", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, loudness_lufs, -6.0)
    return replace(capture, tiers=(replace(capture.tiers[0], proof=proof),))


def with_levels(capture: Capture, **levels: float) -> Capture:
    return replace(capture, source=replace(capture.source, metadata={**capture.source.metadata, **levels}))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, demo: Capture) -> Path:
    """amp.stomp of -12 LUFS, drive.stomp, cab.wav and dark.wav."""
    folder = tmp_path_factory.mktemp("bank")
    amp = with_levels(proved(demo, -12.0), input_level_dbu=18.0)
    (folder / "amp.stomp").write_bytes(artifact.pack(amp))
    drive = with_levels(proved(demo, -30.0), input_level_dbu=10.0, output_level_dbu=4.0)
    (folder / "drive.stomp").write_bytes(artifact.pack(drive))
    (folder / "unsaid.stomp").write_bytes(artifact.pack(replace(demo, source=replace(demo.source, metadata={}))))
    rng = np.random.default_rng(0)
    for name, decay in (("cab.wav", 100.0), ("dark.wav", 300.0)):
        taps = rng.normal(0.0, 0.2, 4000) * np.exp(-np.arange(4000) / decay)
        taps[0] = 1.0
        soundfile.write(folder / name, taps, 48_000, subtype="FLOAT")
    return folder


def prepare(bank: Path, *blocks: Block, full_scale_dbu: float | None = None, frames: int = 64, **more: object) -> Chain:
    preset = replace(Preset("x", blocks, normalise=False), **more)  # type: ignore[arg-type]
    return Chain.prepare(preset, bank, sample_rate=RATE, max_frames=frames, full_scale_dbu=full_scale_dbu)


def test_each_channel_plays_as_it_would_alone(bank: Path, guitar: Audio) -> None:
    preset = Preset("x", (Gate(), Nam("amp.stomp"), Tone(bass=8.0), Cabinet("cab.wav")))
    audio = np.stack([guitar[:20_000], guitar[20_000:40_000]])
    both, left, right = (
        Chain.prepare(preset, bank, sample_rate=RATE, max_frames=64, channels=channels) for channels in (2, 1, 1)
    )
    assert np.array_equal(both.render(audio), [left.render(audio[0]), right.render(audio[1])])
    assert both.native.memory_bytes > 1.9 * left.native.memory_bytes


def test_what_a_chain_costs_is_measured_for_each_tier_and_leaves_it_as_prepared(
    bank: Path, demo: Capture, guitar: Audio
) -> None:
    sizes = tuple(replace(demo.tiers[0], size_below=size) for size in (float("inf"), 0.5))
    (bank / "sized.stomp").write_bytes(artifact.pack(replace(demo, tiers=sizes)))
    chain, fresh = (prepare(bank, Nam("sized.stomp"), Tone(), Cabinet("cab.wav")) for _ in range(2))
    assert chain.load(QualityLevel(0)) == 0.0
    chain.measure(64)
    assert len(chain.loads) == 2
    assert min(chain.loads) > 0.0
    assert [chain.load(QualityLevel(tier)) for tier in range(3)] == [*chain.loads, chain.loads[1]]
    assert np.array_equal(chain.render(guitar[:10_000]), fresh.render(guitar[:10_000]))


def test_numbers_that_were_set_become_the_presets(bank: Path, guitar: Audio) -> None:
    chain = prepare(bank, Gate(), Nam("amp.stomp"), Tone(bass=8.0), level_db=-6.0)
    chain.set("2.gain_db", 3.0, chain.native)
    chain.set("3.treble", 2.0, chain.native)
    chain.set("level_db", -3.0, chain.native)
    edited = chain.edited()
    assert edited.blocks == (Gate(), Nam("amp.stomp", gain_db=3.0), Tone(bass=8.0, treble=2.0))
    assert edited.level_db == -3.0
    assert chain.preset.level_db == -6.0
    chain.reset_to(QualityLevel(0), edits={"level_db": -9.0})
    assert (chain.numbers["2.gain_db"], chain.numbers["level_db"]) == (0.0, -9.0)
    chain.keep()
    chain.reset_to(QualityLevel(0))
    assert chain.numbers["level_db"] == -9.0
    fresh = Chain.prepare(chain.preset, bank, sample_rate=RATE, max_frames=64)
    assert np.array_equal(chain.render(guitar[:5000]), fresh.render(guitar[:5000]))


def without_dc(audio: Audio) -> NDArray[np.float64]:
    """Behind a high-pass of the first order at 5 Hz that has heard the first sample for ever."""
    g = np.tan(np.pi * 5.0 / RATE)
    low, share, out = float(audio[0]), g / (1.0 + g), np.empty(len(audio))
    for at, sample in enumerate(audio.tolist()):
        out[at] = (1.0 - share) * (sample - low)
        low += 2.0 * share * (sample - low)
    return out


def db(x: Audio, y: Audio) -> float:
    """Of y against x, which it is a multiple of."""
    return float(10.0 * np.log10(np.sum(np.square(y, dtype=np.float64)) / np.sum(np.square(x, dtype=np.float64))))


QUIET = 0.01


def test_a_preset_plays_its_blocks_in_their_order(bank: Path, guitar: Audio) -> None:
    chain = prepare(bank, Gain(6.0), Nam("amp.stomp"), Cabinet("cab.wav"), input_gain_db=-3.0, level_db=-40.0)
    amp = Engine.prepare(bank / "amp.stomp", max_frames=64).render(
        guitar * np.float32(db_to_gain(-3.0)) * db_to_gain(6.0)
    )
    taps = impulse_response.read(bank / "cab.wav", RATE).taps
    expected = db_to_gain(-40.0) * np.convolve(without_dc(amp), taps.astype(np.float64))[: len(guitar)]
    got = chain.render(guitar)
    assert np.max(np.abs(got - expected)) < 1e-4 * np.max(np.abs(expected))


@pytest.mark.parametrize("frames", [64, 128, 256])
def test_the_sound_is_the_same_for_any_period(bank: Path, guitar: Audio, frames: int) -> None:
    blocks = (Gate(-50.0), Nam("amp.stomp"), Tone(bass=7.0, high_cut_hz=8000.0), Cabinet("cab.wav"))
    whole = prepare(bank, *blocks, frames=1024).render(guitar)
    assert np.array_equal(prepare(bank, *blocks, frames=frames).render(guitar), whole)


LOUD_AND_QUIET = (
    (Nam("amp.stomp"), Cabinet("cab.wav")),
    (Gate(-55.0), Nam("amp.stomp", gain_db=12.0), Tone(bass=9.0, treble=8.0), Cabinet("dark.wav", level_db=-6.0)),
    (Nam("drive.stomp", level_db=-20.0), Nam("unsaid.stomp"), Tone(low_cut_hz=300.0)),
)


@pytest.mark.parametrize("rate", [44_100.0, 48_000.0])
@pytest.mark.parametrize("blocks", LOUD_AND_QUIET)
def test_presets_are_equally_loud_through_all_of_their_blocks(
    bank: Path, blocks: tuple[Block, ...], rate: float
) -> None:
    chain = Chain.prepare(Preset("x", blocks, level_db=-20.0), bank, sample_rate=rate, max_frames=256)
    heard = chain.render(dry_guitar.guitar(rate))
    assert metrics.loudness_lufs(heard, rate) == pytest.approx(LOUDNESS_LUFS - 20.0, abs=0.1)


def test_the_loudness_that_a_preset_says_or_that_was_measured_before_is_taken(bank: Path) -> None:
    said = replace(Preset("x", (Nam("amp.stomp"),)), loudness_lufs=-30.0)
    chain = Chain.prepare(said, bank, sample_rate=RATE, max_frames=64, loudness_lufs=-25.0)
    assert chain.make_up_db == pytest.approx(12.0)
    chain = Chain.prepare(replace(said, loudness_lufs=None), bank, sample_rate=RATE, max_frames=64, loudness_lufs=-25.0)
    assert chain.make_up_db == pytest.approx(7.0)


def test_measuring_leaves_the_chain_as_prepared_and_gives_the_same_again(bank: Path, guitar: Audio) -> None:
    blocks = (Gate(-55.0), Nam("amp.stomp"), Tone(bass=8.0), Cabinet("cab.wav"))
    chain, fresh = (Chain.prepare(Preset("x", blocks), bank, sample_rate=RATE, max_frames=64) for _ in range(2))
    chain.render(guitar[:3000])
    assert chain.measure_loudness() == chain.loudness_lufs == fresh.loudness_lufs
    assert np.array_equal(chain.render(guitar[:10_000]), fresh.render(guitar[:10_000]))


def test_the_level_in_front_of_the_ceiling_does_not_change_what_is_measured(bank: Path) -> None:
    quiet, loud = (
        Chain.prepare(Preset("x", (Nam("amp.stomp"),), level_db=db), bank, sample_rate=RATE, max_frames=64)
        for db in (-60.0, 20.0)
    )
    assert quiet.loudness_lufs == loud.loudness_lufs


def test_make_up_gain_is_limited_and_silence_is_not_made_loud(bank: Path) -> None:
    for gate, make_up_db in ((Gate(0.0), 0.0), (Gate(on=False), MAX_MAKE_UP_DB)):
        blocks = (gate, Nam("amp.stomp"), Gain(-45.0))
        assert Chain.prepare(Preset("x", blocks), bank, sample_rate=RATE, max_frames=64).make_up_db == make_up_db
    said = replace(Preset("x", (Nam("amp.stomp"),)), loudness_lufs=40.0)
    assert Chain.prepare(said, bank, sample_rate=RATE, max_frames=64).make_up_db == -MAX_MAKE_UP_DB


@pytest.mark.parametrize("more", [{"normalise": False}, {"blocks": (Gain(12.0),)}])
def test_a_preset_that_says_so_and_one_without_a_capture_keep_their_level(bank: Path, more: dict[str, Any]) -> None:
    preset = replace(Preset("x", (Nam("amp.stomp"),)), **more)
    chain = Chain.prepare(preset, bank, sample_rate=RATE, max_frames=64)
    assert (chain.loudness_lufs, chain.make_up_db) == (None, 0.0)


def test_numbers_that_are_saved_keep_the_make_up_gain_that_they_were_heard_with(bank: Path, guitar: Audio) -> None:
    chain = Chain.prepare(Preset("x", (Nam("amp.stomp"),), level_db=-20.0), bank, sample_rate=RATE, max_frames=64)
    chain.set("1.gain_db", 12.0, chain.native)
    chain.native.reset()
    heard = chain.render(guitar[:10_000])
    again = Chain.prepare(chain.edited(), bank, sample_rate=RATE, max_frames=64)
    assert np.array_equal(again.render(guitar[:10_000]), heard)


def test_in_bypass_the_guitar_is_as_loud_as_it_comes_in_and_the_level_counts(bank: Path, guitar: Audio) -> None:
    chain = Chain.prepare(Preset("x", (Nam("amp.stomp"),)), bank, sample_rate=RATE, max_frames=64, loudness_lufs=-30.0)
    quiet = guitar[:10_000] * np.float32(QUIET)
    wet = chain.render(quiet)
    chain.reset_to(QualityLevel(0), bypass=True)
    assert db(quiet, chain.render(quiet)) == pytest.approx(0.0, abs=0.01)
    chain.set("level_db", -6.0, chain.native)
    chain.native.reset()
    assert db(quiet, chain.render(quiet)) == pytest.approx(-6.0, abs=0.01)
    chain.reset_to(QualityLevel(0))
    assert np.array_equal(chain.render(quiet), wet)


def test_a_calibrated_input_comes_in_at_the_level_that_the_capture_was_made_at(bank: Path, guitar: Audio) -> None:
    chain = prepare(bank, Nam("amp.stomp"), full_scale_dbu=12.0, level_db=-20.0)
    (level,) = chain.levels
    assert level.gain_db == pytest.approx(-6.0)
    assert level.reason == "+12.0 dBu at 0 dBFS into a capture made at +18.0 dBu"
    by_hand = prepare(bank, Nam("amp.stomp", gain_db=-6.0), level_db=-20.0)
    assert np.allclose(chain.render(guitar), by_hand.render(guitar), atol=1e-6)


def test_a_drive_comes_into_the_amplifier_at_its_own_level(bank: Path) -> None:
    chain = prepare(bank, Nam("drive.stomp"), Nam("amp.stomp"), full_scale_dbu=12.0)
    assert [level.gain_db for level in chain.levels] == [pytest.approx(2.0), pytest.approx(-14.0)]


def test_what_is_not_known_of_levels_is_said(bank: Path) -> None:
    (level,) = prepare(bank, Nam("amp.stomp")).levels
    assert level.gain_db is None
    assert level.reason == "the input's level in dBu at 0 dBFS is not known: calibrate the pedal, or name its HAT"
    (level,) = prepare(bank, Nam("unsaid.stomp"), full_scale_dbu=12.0).levels
    assert level.gain_db is None
    assert level.reason == "overdriven-amp.nam: input_level_dbu is not stated"
    _, second = prepare(bank, Nam("amp.stomp"), Nam("amp.stomp"), full_scale_dbu=12.0).levels
    assert second.reason == "amp.stomp: its output level is not known: output_level_dbu is not stated"


@pytest.mark.parametrize(
    ("name", "block", "value", "other"),
    [
        ("1.gain_db", Gain(0.0), -12.0, Gain(-12.0)),
        ("1.bass", Tone(), 9.0, Tone(bass=9.0)),
        ("1.mid", Tone(), 1.0, Tone(mid=1.0)),
        ("1.treble", Tone(), 0.0, Tone(treble=0.0)),
        ("1.low_cut_hz", Tone(), 300.0, Tone(low_cut_hz=300.0)),
        ("1.high_cut_hz", Tone(), 900.0, Tone(high_cut_hz=900.0)),
        ("1.level_db", Cabinet("cab.wav"), -12.0, Cabinet("cab.wav", level_db=-12.0)),
        ("1.gain_db", Nam("amp.stomp"), -12.0, Nam("amp.stomp", gain_db=-12.0)),
        ("1.level_db", Nam("amp.stomp"), -12.0, Nam("amp.stomp", level_db=-12.0)),
    ],
)
def test_a_number_that_is_set_is_what_the_preset_would_have_had(
    bank: Path, guitar: Audio, name: str, block: Block, value: float, other: Block
) -> None:
    chain, wanted = (prepare(bank, one, full_scale_dbu=12.0, level_db=-12.0) for one in (block, other))
    chain.set(name, value, chain.native)
    assert chain.numbers[name] == value
    audio = guitar[:24_000] * np.float32(0.2)
    got, expected = chain.render(audio), wanted.render(audio)
    assert np.allclose(got[12_000:], expected[12_000:], atol=1e-4)
    before = prepare(bank, block, full_scale_dbu=12.0, level_db=-12.0).render(audio)
    assert not np.allclose(before[12_000:], expected[12_000:], atol=1e-3)


def test_levels_and_the_gates_threshold_are_set_by_name(bank: Path) -> None:
    chain = prepare(bank, Gate(), Nam("amp.stomp"))
    assert {"input_gain_db", "level_db", "1.threshold_db", "2.gain_db", "2.level_db"} == set(chain.settings)
    assert chain.settings["level_db"].value(-20.0) == pytest.approx(0.1)
    assert chain.settings["1.threshold_db"].value(-60.0) == pytest.approx(0.001)


def test_a_block_that_is_off_is_not_heard(bank: Path, guitar: Audio) -> None:
    assert np.array_equal(prepare(bank, Gain(20.0, on=False), Tone(bass=9.0, on=False)).render(guitar), guitar)


def test_two_cabinets_are_one(bank: Path, guitar: Audio) -> None:
    both = Cabinet("cab.wav", second_impulse_response="dark.wav", second_share=0.3, length_ms=50.0)
    one, two = (impulse_response.read(bank / name, RATE, length_s=0.05) for name in ("cab.wav", "dark.wav"))
    taps = impulse_response.mix(one, two, 0.3).taps
    audio = guitar * np.float32(0.1)
    expected = np.convolve(audio.astype(np.float64), taps.astype(np.float64))[: len(audio)]
    assert np.max(np.abs(prepare(bank, both).render(audio) - expected)) < 1e-5


def test_a_chain_that_nobody_needs_any_more_is_freed_at_once(bank: Path) -> None:
    """Without a search for circles: it may hold a hundred megabytes."""
    gc.disable()
    try:
        chain = weakref.ref(prepare(bank, Gain(1.0), Nam("amp.stomp"), Tone(), Cabinet("cab.wav")))
        assert chain() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Nam("gone.stomp"), "gone.stomp: "),
        (Nam("cab.wav"), "cab.wav: is a sound file (WAV); a .stomp artifact is needed"),
        (Cabinet("gone.wav"), "gone.wav: "),
        (Cabinet("cab.wav", channel=2), "cab.wav: has no channel 2; it has 1"),
    ],
)
def test_a_file_that_can_not_be_played_is_named(bank: Path, block: Block, text: str) -> None:
    with pytest.raises(NampedalError) as caught:
        prepare(bank, block)
    assert text in str(caught.value)


def test_a_capture_of_another_rate_is_resampled(bank: Path) -> None:
    chain = Chain.prepare(Preset("x", (Nam("amp.stomp"),)), bank, sample_rate=44_100.0, max_frames=64)
    assert chain.latency_s == pytest.approx(0.00074, abs=1e-5)
    assert prepare(bank, Nam("amp.stomp")).latency_s == 0.0


def test_a_chain_that_is_rewound_is_as_it_was_prepared(bank: Path, guitar: Audio) -> None:
    chain = prepare(bank, Gain(3.0), Nam("amp.stomp"), Tone(on=False), Cabinet("cab.wav"), level_db=-12.0)
    first = chain.render(guitar)
    for name, value in (("1.gain_db", -20.0), ("2.level_db", 9.0), ("level_db", -40.0)):
        chain.set(name, value, chain.native)
    chain.set_quality(QualityLevel(0, tail=False, dry=True), False, chain.native)
    assert not np.array_equal(chain.render(guitar), first)
    chain.reset_to(QualityLevel(0))
    assert chain.numbers["1.gain_db"] == 3.0
    assert np.array_equal(chain.render(guitar), first)


@pytest.mark.parametrize("keeps", [False, True])
def test_bypass_is_dry_and_keeps_the_cabinet_if_the_preset_says_so(bank: Path, guitar: Audio, keeps: bool) -> None:
    audio = guitar * np.float32(0.1)
    chain = prepare(bank, Gain(9.0), Nam("amp.stomp"), Cabinet("cab.wav"), bypass_keeps_cabinet=keeps)
    chain.render(audio)
    chain.set_quality(QualityLevel(0), True, chain.native)
    chain.render(audio)
    taps = impulse_response.read(bank / "cab.wav", RATE).taps if keeps else np.ones(1, np.float32)
    expected = np.convolve(np.tile(audio, 2).astype(np.float64), taps.astype(np.float64))[len(audio) : 2 * len(audio)]
    assert np.max(np.abs(chain.render(audio) - expected)) < 1e-5


def test_the_last_resort_is_dry(bank: Path, guitar: Audio) -> None:
    chain = prepare(bank, Nam("amp.stomp"), Cabinet("cab.wav"))
    chain.reset_to(QualityLevel(0, tail=False, dry=True))
    assert np.array_equal(chain.render(guitar * np.float32(0.5)), guitar * np.float32(0.5))
