"""What does not move is taken away behind a capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Linear
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from support.makers import nam_maker

RATES = (22_050.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0)
CORNER_HZ = 5.0


def capture_of(folder: Path, nam: nam_maker.Nam) -> Capture:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam))


def linear(folder: Path, gain: float, offset: float, rate: float = 48_000.0) -> Capture:
    nam = nam_maker.linear(taps=1, bias=True)
    return capture_of(folder, {**nam, "weights": [gain, offset], "sample_rate": rate})


def written(folder: Path, capture: Capture) -> Path:
    path = folder / "x.stomp"
    path.write_bytes(artifact.pack(capture))
    return path


def behind(capture: Capture, rate: float, frames: int = 512) -> _engine.Chain:
    """The capture and its DC blocker, in the steady state."""
    chain = _engine.Chain(rate, frames, "")
    chain.add_amp(_engine.Artifact.from_bytes(artifact.pack(capture), "x"), False)
    chain.add_dc_blocker()
    chain.reset()
    return chain


def play(chain: _engine.Chain, audio: Audio) -> Audio:
    out = np.empty_like(audio)
    chain.process(audio, out)
    return out


@pytest.mark.parametrize("rate", RATES)
def test_it_is_a_high_pass_of_the_first_order_at_5_hz_at_every_rate(tmp_path: Path, rate: float) -> None:
    impulse = np.zeros(round(2 * rate), np.float32)
    impulse[0] = 1.0
    heard = play(behind(linear(tmp_path, 1.0, 0.0, rate), rate), impulse).astype(np.float64)
    for hz in (1.0, 5.0, 30.0, 40.0, 1000.0):
        at = np.exp(-2j * np.pi * hz / rate * np.arange(len(heard)))
        wanted = 1j * hz / (CORNER_HZ + 1j * hz)
        # A bilinear transform is exact at low frequencies.
        assert abs(np.sum(heard * at) - wanted) < 2e-3 if hz < 100.0 else abs(abs(np.sum(heard * at)) - 1.0) < 1e-3


def test_a_low_string_loses_next_to_nothing() -> None:
    """The figures of docs/reference/presets.md: level and phase at the lowest note of 5- and 4-string basses."""
    for hz, db, degrees in ((30.0, -0.12, 9.5), (40.0, -0.07, 7.1)):
        passed = 1j * hz / (CORNER_HZ + 1j * hz)
        assert 20.0 * np.log10(abs(passed)) == pytest.approx(db, abs=0.005)
        assert np.degrees(np.angle(passed)) == pytest.approx(degrees, abs=0.05)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("offset", [0.01, -3.0])
def test_a_constant_that_was_always_there_is_gone_at_once(tmp_path: Path, rate: float, offset: float) -> None:
    """Also where the capture runs resampled."""
    heard = play(behind(linear(tmp_path, 1.0, offset), rate), np.zeros(20_000, np.float32))
    assert np.max(np.abs(heard)) <= 1e-6 * abs(offset)


def test_an_lstm_begins_without_a_thump(tmp_path: Path) -> None:
    chain = behind(capture_of(tmp_path, nam_maker.lstm(layers=2, hidden=8)), 48_000.0)
    assert np.max(np.abs(play(chain, np.zeros(20_000, np.float32)))) < 1e-6


def test_what_begins_to_be_constant_is_gone_after_a_while(tmp_path: Path) -> None:
    for rate in RATES:
        heard = play(behind(linear(tmp_path, 1.0, 0.0, rate), rate), np.full(round(rate), 0.5, np.float32))
        assert heard[0] == pytest.approx(0.5, rel=0.01)
        # A float as the state would stop at 1e-5 of it and more.
        assert abs(heard[-1]) < 1e-9


@pytest.mark.parametrize("rate", [44_100.0, 48_000.0])
def test_what_comes_out_does_not_depend_on_how_the_audio_is_cut(tmp_path: Path, rate: float) -> None:
    chain = behind(linear(tmp_path, 2.0, 0.1), rate)
    rng = np.random.default_rng(0)
    audio = rng.normal(0.1, 0.2, 20_000).astype(np.float32)
    whole = play(chain, audio)
    for _ in range(3):
        chain.reset()
        edges = np.sort(rng.choice(np.arange(1, len(audio)), 200, replace=False))
        parts = [play(chain, np.ascontiguousarray(part)) for part in np.split(audio, edges)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_decaying_it_ends_in_silence_not_in_denormal_numbers(tmp_path: Path) -> None:
    chain = behind(linear(tmp_path, 1.0, 0.0), 48_000.0)
    play(chain, np.full(4800, 0.5, np.float32))
    heard = play(chain, np.zeros(48_000 * 6, np.float32))
    sizes = np.abs(heard)
    assert np.all((sizes == 0.0) | (sizes >= np.finfo(np.float32).tiny))
    assert sizes[-1] == 0.0


def test_a_preset_is_normalised_by_what_is_heard_and_rests_at_nothing(tmp_path: Path, guitar: Audio) -> None:
    """A quiet capture with an offset 40 dB above its sound, and through a cabinet that lets DC through."""
    written(tmp_path, linear(tmp_path, 0.01, 0.5))
    chain, clean = (
        Chain.prepare(Preset("x", (Nam("x.stomp"),)), tmp_path, sample_rate=48_000.0, max_frames=128) for _ in range(2)
    )
    assert np.max(np.abs(chain.render(np.zeros(48_000, np.float32)))) == 0.0
    written(tmp_path, linear(tmp_path, 0.01, 0.0))
    clean = Chain.prepare(Preset("x", (Nam("x.stomp"),)), tmp_path, sample_rate=48_000.0, max_frames=128)
    assert chain.loudness_lufs == pytest.approx(clean.loudness_lufs, abs=0.1)
    assert np.max(np.abs(chain.render(guitar) - clean.render(guitar))) < 1e-3


def test_a_change_of_tier_with_another_offset_does_not_stay(tmp_path: Path) -> None:
    capture = linear(tmp_path, 1.0, 0.2)
    network = capture.tiers[0].network
    assert isinstance(network, Linear)
    smaller = replace(capture.tiers[0], network=replace(network, bias=-0.2), size_below=0.5)
    chain = behind(replace(capture, tiers=(capture.tiers[0], smaller)), 48_000.0)
    chain.set(0, _engine.AMP_TIER, 1)
    heard = play(chain, np.zeros(96_000, np.float32))
    assert np.max(np.abs(heard)) < 0.41
    assert np.max(np.abs(heard[-4800:])) < 1e-9


def test_a_capture_alone_keeps_its_offset(tmp_path: Path) -> None:
    """What is compared with the original is what the network plays."""
    chain = _engine.Chain(48_000.0, 64, "")
    chain.add_amp(_engine.Artifact.from_bytes(artifact.pack(linear(tmp_path, 1.0, 0.25)), "x"), False)
    chain.reset()
    assert np.all(play(chain, np.zeros(64, np.float32)) == 0.25)
