"""Blocks and chains, against what the same thing is by its formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import ArgumentError, ArtifactError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio, Engine
from nampedal.firmware.engine.network import Linear
from numpy.typing import NDArray
from support.makers import nam_maker

RATE = 48_000.0
FRAMES = 256

Numbers = NDArray[Any]


def new_chain(rate: float = RATE) -> _engine.Chain:
    return _engine.Chain(rate, FRAMES, "")


def play(chain: _engine.Chain, audio: Audio, cuts: NDArray[np.int64] | None = None) -> Audio:
    """From silence, whole or cut into blocks of those lengths."""
    chain.reset()
    out = np.empty_like(audio)
    if cuts is None:
        chain.process(audio, out)
        return out
    edges = np.concatenate([[0], np.cumsum(cuts)])
    edges = np.append(edges[edges < len(audio)], len(audio))
    for start, end in pairwise(edges):
        chain.process(np.ascontiguousarray(audio[start:end]), out[start:end])
    return out


def noise(frames: int = 20_000, level: float = 0.2, seed: int = 0) -> Audio:
    return np.random.default_rng(seed).normal(0.0, level, frames).astype(np.float32)


def impulse_response(taps: int) -> Audio:
    fading = np.exp(-np.arange(taps) / 200.0)
    return (np.random.default_rng(1).normal(0.0, 0.3, taps) * fading).astype(np.float32)


def loaded(capture: Capture) -> _engine.Artifact:
    return _engine.Artifact.from_bytes(artifact.pack(capture), "capture")


def capture_of(folder: Path, nam: nam_maker.Nam) -> Capture:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return capture_of(tmp_path_factory.mktemp("small"), nam_maker.a1())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Two tiers that sound different."""
    nam = nam_maker.container((0.5, nam_maker.a1(seed=2)), (1.0, nam_maker.a1(seed=1)))
    return capture_of(tmp_path_factory.mktemp("pair"), nam)


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    capture = capture_of(tmp_path_factory.mktemp("stereo"), nam_maker.linear())
    network = capture.tiers[0].network
    assert isinstance(network, Linear)
    wide = replace(network, in_channels=2, out_channels=2)
    return replace(capture, tiers=(replace(capture.tiers[0], network=wide),))


@pytest.fixture(scope="module")
def demo(root: Path) -> Capture:
    return nam_file.read(root / "demo" / "overdriven-amp.nam")


def full_chain(capture: Capture) -> _engine.Chain:
    chain = new_chain()
    chain.add_gain(1.5)
    chain.add_gate(0.01, 0.5, 0.001, 0.05, 0.1)
    chain.add_amp(loaded(capture), False)
    tone = chain.add_tone()
    for parameter, value in ((_engine.TONE_BASS, 6.0), (_engine.TONE_TREBLE, -4.0), (_engine.TONE_LOW_CUT, 0.005)):
        chain.set(tone, parameter, value)
    chain.add_cabinet(impulse_response(1000))
    chain.add_gain(0.7)
    chain.add_ceiling()
    return chain


def test_what_comes_out_does_not_depend_on_how_the_audio_is_cut(demo: Capture) -> None:
    chain = full_chain(demo)
    audio = noise()
    whole = play(chain, audio)
    assert np.std(whole) > 0.01
    for seed in range(3):
        cuts = np.random.default_rng(seed).integers(1, FRAMES + 1, 2000)
        assert np.array_equal(play(chain, audio, cuts), whole)
    for period in (64, 128, 256):
        assert np.array_equal(play(chain, audio, np.full(len(audio) // period + 1, period)), whole)


def test_an_amp_plays_what_the_engine_plays(small: Capture) -> None:
    chain = new_chain()
    chain.add_amp(loaded(small), False)
    audio = noise()
    assert np.array_equal(play(chain, audio), Engine.prepare(small, max_frames=FRAMES).render(audio))


def later(audio: Audio, frames: float) -> Numbers:
    """Delayed by a part of a frame, too."""
    spectrum = np.fft.rfft(audio, 2 * len(audio))
    turned = spectrum * np.exp(-2j * np.pi * frames * np.arange(len(spectrum)) / (2 * len(audio)))
    return np.fft.irfft(turned)[: len(audio)]


@pytest.mark.parametrize("rate", [44_100.0, 88_200.0, 96_000.0, 192_000.0, 32_000.0])
def test_a_capture_at_another_rate_is_resampled_and_says_by_how_much_it_is_late(
    demo: Capture, guitar: Audio, rate: float
) -> None:
    chain = new_chain(rate)
    chain.add_amp(loaded(demo), False)
    assert 0.0006 < chain.latency_frames / rate < 0.0011
    audio = np.asarray(soxr.resample(guitar, RATE, rate, "VHQ"), np.float32)
    got = play(chain, audio)
    original = Engine.prepare(demo, max_frames=FRAMES).render(
        np.asarray(soxr.resample(audio, rate, RATE, "VHQ"), np.float32)
    )
    expected = later(np.asarray(soxr.resample(original, RATE, rate, "VHQ"), np.float32), chain.latency_frames)
    frames = min(len(got), len(expected))
    error = got[2000 : frames - 2000] - expected[2000 : frames - 2000]
    assert np.mean(error**2) < 5e-6 * np.mean(expected**2)
    cuts = np.random.default_rng(0).integers(1, FRAMES + 1, 10_000)
    assert np.array_equal(play(chain, audio, cuts), got)


def test_a_resampled_capture_begins_in_its_steady_state(demo: Capture) -> None:
    chain = new_chain(44_100.0)
    chain.add_amp(loaded(demo), False)
    out = play(chain, np.zeros(4000, np.float32))
    assert np.any(out)
    assert np.ptp(out) < 1e-7
    same = new_chain()
    same.add_amp(loaded(demo), False)
    assert same.latency_frames == 0.0


@pytest.mark.parametrize("taps", [1, 2, 63, 64, 65, 127, 128, 129, 1000, 4096])
def test_a_cabinet_is_the_convolution_without_delay(taps: int) -> None:
    response = impulse_response(taps)
    chain = new_chain()
    chain.add_cabinet(response)
    audio = noise()
    expected = np.convolve(audio.astype(np.float64), response.astype(np.float64))[: len(audio)]
    assert np.max(np.abs(play(chain, audio) - expected)) < 2e-6 * np.max(np.abs(expected)) + 1e-7


def test_a_cabinet_without_its_tail_has_a_quarter_of_its_parts_and_changes_without_a_step() -> None:
    response = impulse_response(64 * 9)
    chain = new_chain()
    cabinet = chain.add_cabinet(response)
    audio = np.sin(2.0 * np.pi * 110.0 / RATE * np.arange(40_000)).astype(np.float32)
    steady = play(chain, audio)
    chain.reset()
    out = np.empty_like(audio)
    chain.process(audio[:20_000], out[:20_000])
    chain.set(cabinet, _engine.CABINET_TAIL, 0.0)
    chain.process(audio[20_000:], out[20_000:])
    # The head, and two of the eight parts behind it.
    short = np.convolve(audio.astype(np.float64), response[: 64 * 3].astype(np.float64))[: len(audio)]
    assert np.max(np.abs(out[21_000:] - short[21_000:])) < 1e-5
    # The far parts leave within one part's frames.
    steps = np.max(np.abs(np.diff(steady[19_000:]))) + np.max(np.abs(np.diff(short[19_000:])))
    assert np.max(np.abs(np.diff(out[19_000:]))) < steps + np.max(np.abs(steady - short)) / 64
    chain.set(cabinet, _engine.CABINET_TAIL, 1.0)
    again = np.empty_like(audio)
    chain.process(audio, again)
    whole = np.convolve(audio.astype(np.float64), response.astype(np.float64))[: len(audio)]
    assert np.max(np.abs(again[1000:] - whole[1000:])) < 1e-5


def rbj(kind: str, frequency: float, q: float, db: float, at: Numbers) -> Numbers:
    """R. Bristow-Johnson's equalizer cookbook (W3C Audio EQ Cookbook)."""
    a = 10.0 ** (db / 40.0)
    w = 2.0 * np.pi * frequency / RATE
    alpha, c = np.sin(w) / (2.0 * q), np.cos(w)
    s = 2.0 * np.sqrt(a) * alpha
    low = [(a + 1) - (a - 1) * c + s, 2 * ((a - 1) - (a + 1) * c), (a + 1) - (a - 1) * c - s]
    high = [(a + 1) + (a - 1) * c + s, -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - s]
    numerator, denominator = {
        "low shelf": (a * np.array(low), high),
        "high shelf": (a * np.array(high), low),
        "bell": ([1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a]),
        "high pass": ([(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "low pass": ([(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
    }[kind]
    z = np.exp(-2j * np.pi * at / RATE)
    return np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)


def warped(hertz: float) -> float:
    return float(np.tan(np.pi * hertz / RATE))


@pytest.mark.parametrize(("bass", "mid", "treble"), [(0, 0, 0), (20, 15, 10), (-20, -15, -10), (3, -7, 5), (0, 6, 0)])
@pytest.mark.parametrize(("low_cut", "high_cut"), [(0.0, 0.0), (80.0, 6000.0)])
def test_tone_has_the_plugins_frequencies(
    bass: float, mid: float, treble: float, low_cut: float, high_cut: float
) -> None:
    chain = new_chain()
    tone = chain.add_tone()
    settings = {
        _engine.TONE_BASS: bass,
        _engine.TONE_MID: mid,
        _engine.TONE_TREBLE: treble,
        _engine.TONE_LOW_CUT: warped(low_cut),
        _engine.TONE_HIGH_CUT: warped(high_cut),
    }
    for parameter, value in settings.items():
        chain.set(tone, parameter, value)
    impulse = np.zeros(1 << 16, np.float32)
    impulse[0] = 1.0
    got = np.fft.rfft(play(chain, impulse).astype(np.float64))
    at = np.fft.rfftfreq(len(impulse), 1.0 / RATE)
    expected = rbj("low shelf", 150.0, 0.707, bass, at) * rbj("high shelf", 1800.0, 0.707, treble, at)
    expected = expected * rbj("bell", 425.0, 1.5 if mid < 0 else 0.7, mid, at)
    if low_cut:
        expected = expected * rbj("high pass", low_cut, np.sqrt(0.5), 0.0, at)
        expected = expected * rbj("low pass", high_cut, np.sqrt(0.5), 0.0, at)
    assert np.max(np.abs(got - expected)) < 3e-4 * np.max(np.abs(expected))


def test_tone_in_the_middle_changes_no_bit() -> None:
    chain = new_chain()
    chain.add_tone()
    audio = noise()
    assert np.array_equal(play(chain, audio), audio)


TURNS: dict[str, tuple[Callable[[_engine.Chain], int], int, float]] = {
    "gain": (lambda chain: chain.add_gain(1.0), _engine.GAIN_FACTOR, 4.0),
    "gain to silence": (lambda chain: chain.add_gain(1.0), _engine.GAIN_FACTOR, 0.0),
    "bass": (lambda chain: chain.add_tone(), _engine.TONE_BASS, 20.0),
    "mid": (lambda chain: chain.add_tone(), _engine.TONE_MID, -15.0),
    "treble": (lambda chain: chain.add_tone(), _engine.TONE_TREBLE, 10.0),
    "low cut": (lambda chain: chain.add_tone(), _engine.TONE_LOW_CUT, warped(400.0)),
    "high cut": (lambda chain: chain.add_tone(), _engine.TONE_HIGH_CUT, warped(400.0)),
    "gate": (lambda chain: chain.add_gate(0.0, 0.5, 0.002, 0.0, 0.2), _engine.GATE_THRESHOLD, 2.0),
}


@pytest.mark.parametrize("name", TURNS)
def test_nothing_steps_when_a_knob_is_turned_to_its_end_at_once(name: str) -> None:
    add, parameter, value = TURNS[name]
    chain = new_chain()
    link = add(chain)
    audio = (0.5 * np.sin(2.0 * np.pi * 220.0 / RATE * np.arange(24_000))).astype(np.float32)
    chain.reset()
    out = np.empty_like(audio)
    chain.process(audio[:9_600], out[:9_600])
    chain.set(link, parameter, value)
    chain.process(audio[9_600:], out[9_600:])
    settled = max(np.max(np.abs(np.diff(out[4_800:9_600]))), np.max(np.abs(np.diff(out[16_800:]))))
    # And what the move itself adds: 20 ms to go from one level to the other.
    moved = 2.0 * np.max(np.abs(out)) / (0.02 * RATE)
    assert np.max(np.abs(np.diff(out))) < settled + 2.0 * moved
    assert not np.allclose(out[16_800:], audio[16_800:], atol=1e-3)


def test_a_gate_lets_playing_through_and_shuts_noise_out() -> None:
    chain = new_chain()
    chain.add_gate(0.02, 0.5, 0.001, 0.05, 0.05)
    hiss = noise(48_000, level=0.002)
    playing = (0.3 * np.sin(2.0 * np.pi * 82.4 / RATE * np.arange(48_000))).astype(np.float32)
    out = play(chain, np.concatenate([hiss, playing + hiss, hiss]))
    assert not np.any(out[:48_000])
    # Open within its attack, and then untouched.
    assert np.array_equal(out[48_000 + 200 : 96_000], (playing + hiss)[200:])
    # Hold, the envelope's own fall, and release; then silence.
    assert np.any(out[96_000 : 96_000 + 2_400])
    assert not np.any(out[96_000 + 24_000 :])


def test_a_gate_does_not_flutter_between_its_thresholds() -> None:
    chain = new_chain()
    chain.add_gate(0.1, 0.5, 0.001, 0.01, 0.05)
    swell = 0.075 + 0.02 * np.sin(2.0 * np.pi * 7.0 / RATE * np.arange(96_000))
    tone = np.sign(np.sin(2.0 * np.pi * 200.0 / RATE * np.arange(96_000)))
    audio = (swell * tone).astype(np.float32)
    audio[0] = 0.2
    assert np.array_equal(play(chain, audio)[200:], audio[200:])
    audio[0] = 0.0
    assert not np.any(play(chain, audio))


def test_a_ceiling_holds_whatever_comes_and_leaves_the_rest_alone() -> None:
    chain = new_chain()
    chain.add_ceiling()
    audio = np.linspace(-40.0, 40.0, 80_001).astype(np.float32)
    out = play(chain, audio)
    quiet = np.abs(audio) <= 10.0 ** (-1.0 / 20.0)
    assert np.array_equal(out[quiet], audio[quiet])
    assert np.max(np.abs(out)) <= 1.0
    assert np.all(np.diff(out) >= 0.0)
    # No corner at the knee.
    slope = np.diff(out) / np.diff(audio)
    assert np.max(np.abs(np.diff(slope[np.abs(audio[1:]) < 1.0]))) < 0.02


def test_after_loud_playing_the_sound_decays_to_the_captures_own_silence(demo: Capture) -> None:
    chain = full_chain(demo)
    rest = play(chain, np.zeros(96_000, np.float32))[-1000:]
    play(chain, noise(48_000, level=0.5))
    out = np.empty(192_000, np.float32)
    chain.process(np.zeros_like(out), out)
    assert np.std(out[:480]) > 0.01
    assert np.max(np.abs(out[-1000:] - rest)) < 1e-7


def test_a_block_leaves_the_sound_and_comes_back_without_a_step(demo: Capture) -> None:
    chain = full_chain(demo)
    audio = (0.3 * np.sin(2.0 * np.pi * 110.0 / RATE * np.arange(48_000))).astype(np.float32)
    whole = play(chain, audio)
    chain.reset()
    out = np.empty_like(audio)
    chain.process(audio[:12_000], out[:12_000])
    for link in range(7):
        chain.set_heard(link, False)
    chain.process(audio[12_000:30_000], out[12_000:30_000])
    for link in range(7):
        chain.set_heard(link, True)
    chain.process(audio[30_000:], out[30_000:])
    assert np.array_equal(out[:12_000], whole[:12_000])
    # Bypassed is dry to the bit.
    assert np.array_equal(out[13_000:30_000], audio[13_000:30_000])
    steps = max(np.max(np.abs(np.diff(whole))), np.max(np.abs(np.diff(audio))))
    faded = 2.0 * max(np.max(np.abs(whole)), np.max(np.abs(audio))) / (0.02 * RATE)
    assert np.max(np.abs(np.diff(out))) < steps + 7.0 * faded


def test_a_tier_takes_over_without_a_step(pair: Capture) -> None:
    chain = new_chain()
    amp = chain.add_amp(loaded(pair), False)
    audio = (0.3 * np.sin(2.0 * np.pi * 110.0 / RATE * np.arange(48_000))).astype(np.float32)
    tiers = [Engine.prepare(pair, tier=tier, max_frames=FRAMES).render(audio) for tier in (0, 1)]
    chain.reset()
    out = np.empty_like(audio)
    chain.process(audio[:24_000], out[:24_000])
    chain.set(amp, _engine.AMP_TIER, 1.0)
    chain.process(audio[24_000:], out[24_000:])
    assert np.array_equal(out[:24_000], tiers[0][:24_000])
    assert np.allclose(out[40_000:], tiers[1][40_000:], atol=1e-5)
    assert not np.allclose(tiers[0][40_000:], tiers[1][40_000:], atol=1e-3)
    steps = sum(np.max(np.abs(np.diff(tier))) for tier in tiers)
    assert np.max(np.abs(np.diff(out))) < steps + 1.5 * np.max(np.abs(tiers[0] - tiers[1])) / (0.005 * RATE)


def test_fades_of_tiers_and_blocks_do_not_depend_on_how_the_audio_is_cut(pair: Capture, demo: Capture) -> None:
    chain = full_chain(demo)
    amp = chain.add_amp(loaded(pair), False)
    audio = noise(4096)

    def fading(length: int) -> Audio:
        out = np.empty_like(audio)
        for link in range(amp + 1):
            chain.set_heard(link, True)
        chain.set(amp, _engine.AMP_TIER, 0.0)
        chain.reset()
        for start in range(0, len(audio), length):
            # Two changes within a fade, and back again behind it.
            if start in (512, 640, 2560):
                chain.set(amp, _engine.AMP_TIER, 0.0 if start == 640 else 1.0)
                for link in range(amp):
                    chain.set_heard(link, start == 2560)
            chain.process(np.ascontiguousarray(audio[start : start + length]), out[start : start + length])
        return out

    whole = fading(128)
    assert np.array_equal(fading(1), whole)
    assert np.array_equal(fading(16), whole)


def test_what_a_chain_can_not_be_made_of_is_refused(small: Capture) -> None:
    with pytest.raises(ArgumentError, match=r"chain: sample rate is 1000\.0+ Hz; allowed are 8000\.0+ to 768000\.0+"):
        new_chain(1000.0)
    with pytest.raises(ArtifactError, match="chain: max_frames is 0; allowed are 1 to 8192"):
        _engine.Chain(RATE, 0, "")
    chain = new_chain()
    with pytest.raises(ArtifactError, match="cabinet: has 0 taps; allowed are 1 to 65536"):
        chain.add_cabinet(np.zeros(0, np.float32))
    with pytest.raises(ArtifactError, match="cabinet: a tap is not a finite number"):
        chain.add_cabinet(np.array([1.0, np.nan], np.float32))
    text = r"capture: runs at 48000\.0+ Hz, which can't be made of 44101\.0+ Hz; run JACK at 44100, 48000 or 96000 Hz"
    with pytest.raises(ArgumentError, match=text):
        new_chain(44_101.0).add_amp(loaded(small), False)
    assert np.array_equal(play(chain, noise(100)), noise(100))


def test_a_capture_of_two_channels_is_refused(stereo: Capture) -> None:
    text = "capture: plays 2 channels to 2; a chain takes captures of one channel"
    with pytest.raises(ArtifactError, match=text):
        new_chain().add_amp(loaded(stereo), False)


def test_parameters_that_a_block_does_not_have_are_ignored() -> None:
    chain = new_chain()
    chain.add_gain(1.0)
    audio = noise(1000)
    for link, parameter in ((0, 7), (3, 0), (-1, 0)):
        chain.set(link, parameter, 0.0)
        chain.set_heard(link + 5, False)
    assert np.array_equal(play(chain, audio), audio)
