"""Chains that take turns."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from nampedal.firmware.base.errors import ArgumentError, ArtifactError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio

RATE = 48_000.0
FRAMES = 128


def chain_of(gain: float, taps: int = 0, channels: int = 1) -> _engine.Chain:
    chain = _engine.Chain(RATE, FRAMES, "scalar", channels)
    chain.add_gain(gain)
    if taps:
        chain.add_cabinet(np.full(taps, 1.0 / taps, np.float32))
    chain.reset()
    return chain


def play(stage: _engine.Stage, audio: Audio) -> Audio:
    out = np.empty_like(audio)
    stage.process(audio, out)
    return out


def tone(frames: int) -> Audio:
    return np.asarray(0.5 * np.sin(2.0 * np.pi * 220.0 / RATE * np.arange(frames)), np.float32)


def share(frames: int) -> Audio:
    t = (np.arange(frames, dtype=np.float64) + 0.5) / frames
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


@pytest.fixture
def stage() -> _engine.Stage:
    return _engine.Stage(RATE, FRAMES)


def settle(stage: _engine.Stage, chain: _engine.Chain) -> None:
    assert stage.go_to(chain, False, 0.001)
    play(stage, np.zeros(1000, np.float32))


def test_a_stage_without_a_chain_is_silent(stage: _engine.Stage) -> None:
    assert not np.any(play(stage, tone(1000)))


def test_one_chain_becomes_the_other_while_both_play(stage: _engine.Stage) -> None:
    settle(stage, chain_of(1.0))
    audio = tone(4_800)
    stage.go_to(chain_of(0.25), False, 0.02)
    out = play(stage, audio)
    expected = audio.copy()
    expected[:960] += share(960) * (0.25 * audio[:960] - audio[:960])
    expected[960:] *= 0.25
    assert np.allclose(out, expected, atol=1e-6)


def test_a_dip_has_one_chain_play_at_a_time(stage: _engine.Stage) -> None:
    settle(stage, chain_of(1.0))
    audio = tone(4_800)
    stage.go_to(chain_of(0.25), True, 0.005)
    out = play(stage, audio)
    expected = audio.copy()
    expected[:240] *= 1.0 - share(240)
    expected[240:480] *= 0.25 * share(240)
    expected[480:] *= 0.25
    assert np.allclose(out, expected, atol=1e-6)


def test_of_switches_that_come_during_a_switch_the_last_one_counts(stage: _engine.Stage) -> None:
    settle(stage, chain_of(1.0))
    for gain in (0.5, 0.4, 0.3, 0.2):
        stage.go_to(chain_of(gain), False, 0.01)
    audio = np.ones(4_800, np.float32)
    out = play(stage, audio)
    assert out[480] == pytest.approx(0.5, abs=1e-3)
    assert out[-1] == pytest.approx(0.2)
    assert np.all(np.diff(out) <= 0.0)
    play(stage, audio)
    stage.collect()
    play(stage, audio)
    assert stage.collect() == 1


@pytest.mark.parametrize("dip", [False, True])
def test_a_thousand_switches_at_any_time_make_no_step_and_leave_nothing_behind(
    stage: _engine.Stage, guitar: Audio, dip: bool
) -> None:
    rng = np.random.default_rng(0)
    audio = np.tile(guitar, 12)
    gains = [1.0, 0.5, 2.0, 0.7]
    alone = [play_alone(chain_of(gain, 40), audio) for gain in gains]
    out = np.empty_like(audio)
    settle(stage, chain_of(1.0, 40))
    at = switches = most = 0
    while switches < 1000:
        # Most are longer than a switch, some come in the midst of one.
        length = int(rng.integers(1, 1300))
        end = at + length
        stage.process(audio[at:end], out[at:end])
        at = end
        assert at < len(audio)
        most = max(most, stage.collect())
        if stage.go_to(chain_of(gains[rng.integers(4)], 40), dip, 0.005):
            switches += 1
    steps = max(float(np.max(np.abs(np.diff(one)))) for one in alone)
    level = max(float(np.max(np.abs(one))) for one in alone)
    # The steepest that a fade of 240 frames is: 1.5 times its mean slope.
    assert np.max(np.abs(np.diff(out[:at]))) < steps + 2.0 * level * 1.5 / 240
    assert most < 40
    play(stage, audio[:4_800])
    stage.collect()
    play(stage, audio[:4_800])
    assert stage.collect() == 1


@pytest.mark.parametrize("dip", [False, True])
def test_both_channels_of_a_stage_switch_in_the_same_frame_each_with_its_own_sound(guitar: Audio, dip: bool) -> None:
    stage = _engine.Stage(RATE, FRAMES, 2)
    sides = [_engine.Stage(RATE, FRAMES), _engine.Stage(RATE, FRAMES)]
    audio = np.stack([guitar[:20_000], guitar[20_000:40_000]])
    out = np.empty_like(audio)
    for gain in (1.0, 0.3):
        stage.go_to(chain_of(gain, 40, channels=2), dip, 0.02)
        for side in sides:
            side.go_to(chain_of(gain, 40), dip, 0.02)
        stage.process(audio, out)
        assert np.array_equal(
            out, [play(side, np.ascontiguousarray(row)) for side, row in zip(sides, audio, strict=True)]
        )
    stage.mute(True)
    stage.process(audio, out)
    assert not np.any(out[:, 10_000:])


def test_a_chain_of_other_channels_is_refused(stage: _engine.Stage) -> None:
    with pytest.raises(ArtifactError, match="stage: has 1 channels; the chain has 2"):
        stage.go_to(chain_of(1.0, channels=2), False, 0.02)
    with pytest.raises(ValueError, match="in or out has another number of channels"):
        stage.process(np.zeros((2, 64), np.float32), np.zeros((2, 64), np.float32))


def play_alone(chain: _engine.Chain, audio: Audio) -> Audio:
    out = np.empty_like(audio)
    chain.process(audio, out)
    return out


def test_a_chain_is_freed_once_nothing_can_name_it_any_more(stage: _engine.Stage) -> None:
    first, second = chain_of(1.0), chain_of(0.5)
    settle(stage, first)
    settle(stage, second)
    assert stage.set(first, 0, _engine.GAIN_FACTOR, 0.1)
    assert stage.collect() == 2
    assert not stage.set(first, 0, _engine.GAIN_FACTOR, 0.1)
    play(stage, tone(10 * FRAMES))
    assert stage.collect() == 1


def test_a_knob_turns_what_is_on_the_stage_only(stage: _engine.Stage) -> None:
    chain, other = chain_of(1.0), chain_of(1.0)
    settle(stage, chain)
    assert stage.set(chain, 0, _engine.GAIN_FACTOR, 0.5)
    assert not stage.set(other, 0, _engine.GAIN_FACTOR, 0.5)
    out = play(stage, np.ones(4_800, np.float32))
    assert out[0] == pytest.approx(1.0, abs=1e-3)
    assert out[-1] == 0.5
    assert stage.set_heard(chain, 0, False)
    assert play(stage, np.ones(4_800, np.float32))[-1] == 1.0


def test_mute_goes_to_silence_and_back_without_a_step(stage: _engine.Stage) -> None:
    settle(stage, chain_of(1.0))
    stage.mute(True)
    out = play(stage, np.ones(4_800, np.float32))
    assert not np.any(out[961:])
    stage.mute(False)
    out = np.concatenate([out, play(stage, np.ones(4_800, np.float32))])
    assert out[-1] == 1.0
    assert np.max(np.abs(np.diff(out))) < 1.1 / 960


def test_commands_beyond_what_can_wait_are_refused_and_nothing_is_lost(stage: _engine.Stage) -> None:
    chain = chain_of(1.0)
    settle(stage, chain)
    taken = sum(stage.set(chain, 0, _engine.GAIN_FACTOR, 0.5) for _ in range(1000))
    assert taken == 256
    assert not stage.go_to(chain_of(0.1), False, 0.01)
    assert play(stage, np.ones(4_800, np.float32))[-1] == 0.5
    assert stage.go_to(chain_of(0.1), False, 0.01)


def test_what_comes_in_and_goes_out_can_be_listened_to(stage: _engine.Stage) -> None:
    settle(stage, chain_of(0.5))
    pairs = np.empty((200_000, 2), np.float32)
    assert stage.take_tap(pairs) == 0
    stage.tapped = True
    audio = tone(10_000)
    out = play(stage, audio)
    assert stage.take_tap(pairs) == 10_000
    assert np.array_equal(pairs[:10_000], np.stack([audio, out], 1))
    # Nobody takes it: what does not fit any more is dropped and counted, and the sound goes on.
    audio = tone(150_000)
    out = play(stage, audio)
    kept = stage.take_tap(pairs)
    assert kept + stage.dropped == 150_000
    assert stage.dropped > 0
    assert np.array_equal(pairs[:kept], np.stack([audio, out], 1)[:kept])


def test_peaks_are_the_largest_since_they_were_asked_for(stage: _engine.Stage) -> None:
    settle(stage, chain_of(0.5))
    stage.take_input_peak()
    stage.take_output_peak()
    audio = tone(1000)
    audio[500] = -0.9
    play(stage, audio)
    assert stage.take_input_peak() == pytest.approx(0.9)
    assert stage.take_output_peak() == pytest.approx(0.45)
    assert stage.take_input_peak() == stage.take_output_peak() == 0.0


def test_a_chain_for_other_blocks_and_a_chain_that_is_there_are_refused(stage: _engine.Stage) -> None:
    other = _engine.Chain(44_100.0, 64, "")
    with pytest.raises(ArgumentError, match=r"stage: plays at 48000.* the chain was prepared for 44100.* Hz and 64"):
        stage.go_to(other, False, 0.01)
    chain = chain_of(1.0)
    settle(stage, chain)
    with pytest.raises(ArtifactError, match="stage: the chain is on the stage already; prepare another"):
        stage.go_to(chain, False, 0.01)


def test_a_stage_keeps_its_chains_alive(stage: _engine.Stage) -> None:
    settle(stage, chain_of(0.5))
    gc.collect()
    assert play(stage, np.ones(100, np.float32))[-1] == 0.5
    assert stage.collect() == 1
