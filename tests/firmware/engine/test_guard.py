"""What is no sound ends at the block that made it, and the sound comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import _engine, artifact, litert_engine
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio, Engine
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Block, Gain, Nam, Preset, Tone
from support.makers import nam_maker, tflite_maker
from support.players.jack_player import Player
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status

RATE = 48_000.0
FRAMES = 128
# So long a block is silent at least.
SILENT = 960


def capture_of(folder: Path, nam: nam_maker.Nam) -> Capture:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam))


def loaded(capture: Capture) -> _engine.Artifact:
    return _engine.Artifact.from_bytes(artifact.pack(capture), "x")


def chain_of(capture: Capture, rate: float = RATE) -> _engine.Chain:
    chain = _engine.Chain(rate, FRAMES, "")
    chain.add_amp(loaded(capture), False)
    chain.reset()
    return chain


def play(chain: _engine.Chain | _engine.Stage, audio: Audio) -> Audio:
    out = np.empty_like(audio)
    chain.process(audio, out)
    return out


def overflowing() -> nam_maker.Nam:
    """Finite weights, no biases: sound of what is far below any guitar, nothing finite of all else."""
    nam = nam_maker.convnet(channels=3, batch_norm=False, activation="ReLU")
    values = [3e11 * weight for weight in nam["weights"]]
    at = 0
    for width in (1, 3, 3):
        at += 3 * width * 2
        values[at : at + 3] = [0.0] * 3
        at += 3
    return {**nam, "weights": [*values[:-4], *nam["weights"][-4:-1], 0.0]}


def noise(frames: int, level: float, seed: int = 0) -> Audio:
    return np.random.default_rng(seed).normal(0.0, level, frames).astype(np.float32)


NO_SOUND = np.array([np.nan, np.inf, -np.inf, -np.nan, 2e6, -3e38], np.float32)


def everything(capture: Capture) -> _engine.Chain:
    chain = _engine.Chain(RATE, FRAMES, "")
    chain.add_gain(1.5)
    chain.add_gate(0.001, 0.5, 0.001, 0.05, 0.1)
    chain.add_amp(loaded(capture), False)
    chain.add_dc_blocker()
    tone = chain.add_tone()
    chain.set(tone, _engine.TONE_BASS, 6.0)
    chain.add_cabinet(np.exp(-np.arange(1000) / 100.0).astype(np.float32))
    chain.add_ceiling()
    chain.reset()
    return chain


def test_what_comes_in_and_is_no_sound_is_silence_and_everything_behind_it_stays_in_order(tmp_path: Path) -> None:
    chain, fresh = (everything(capture_of(tmp_path, nam_maker.a1())) for _ in range(2))
    audio = noise(48_000, 0.1)
    bad = audio.copy()
    bad[1000 : 1000 + len(NO_SOUND)] = NO_SOUND
    heard, wanted = play(chain, bad), play(fresh, audio)
    assert np.all(np.abs(heard) < 1.0)
    assert np.array_equal(heard[:1000], wanted[:1000])
    # Filters and the cabinet forget that they heard silence for a moment.
    assert np.max(np.abs(heard[24_000:] - wanted[24_000:])) < 1e-4
    assert chain.input_faults == 1
    assert not any(chain.faults)
    chain.reset()
    assert chain.input_faults == 0


@pytest.mark.parametrize("rate", [RATE, 44_100.0])
def test_a_network_that_overflows_is_silent_and_then_plays_on_bit_for_bit(tmp_path: Path, rate: float) -> None:
    """With no state of its own but the past: what a network without feedback heard, it forgets."""
    capture = capture_of(tmp_path, overflowing())
    chain, fresh = chain_of(capture, rate=rate), chain_of(capture, rate=rate)
    quiet = noise(20_000, 1e-32)
    bad = quiet.copy()
    bad[5000:5010] = noise(10, 1e5)
    heard, wanted = play(chain, bad), play(fresh, quiet)
    assert np.all(np.isfinite(heard))
    assert np.std(wanted) > 0.0
    assert np.array_equal(heard[:4900], wanted[:4900])
    assert not np.any(heard[5010 : 5000 + SILENT // 2])
    assert np.array_equal(heard[8000:], wanted[8000:])
    assert chain.faults[0] >= 1
    assert fresh.faults == [0]


def test_an_lstm_full_of_nan_begins_anew_at_its_rest(tmp_path: Path) -> None:
    """What was fed with a NaN would be one for ever. Fast activations have limits, in which some processors lose it."""
    capture = capture_of(tmp_path, nam_maker.lstm(layers=2, hidden=4))
    engine, fresh = (Engine.prepare(capture, exact=True) for _ in range(2))
    audio = noise(1000, 0.1)
    engine.render(audio)
    assert not np.isfinite(engine.render(np.array([np.nan], np.float32)))
    assert np.array_equal(engine.render(audio), fresh.render(audio))


def test_a_linear_capture_beyond_all_hearing_is_no_sound(tmp_path: Path) -> None:
    capture = capture_of(tmp_path, {**nam_maker.linear(taps=1), "weights": [3e38]})
    assert not np.any(play(chain_of(capture), noise(1000, 0.3)))


def test_faults_do_not_depend_on_how_the_audio_is_cut(tmp_path: Path) -> None:
    chain = everything(capture_of(tmp_path, overflowing()))
    rng = np.random.default_rng(1)
    audio = noise(10_000, 0.5)
    audio[rng.choice(len(audio), 10)] = np.nan
    whole = play(chain, audio)
    assert np.all(np.isfinite(whole))
    for _ in range(3):
        chain.reset()
        edges = np.sort(rng.choice(np.arange(1, len(audio)), 300, replace=False))
        parts = [play(chain, np.ascontiguousarray(part)) for part in np.split(audio, edges)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_a_stage_lets_nothing_through_while_it_fades_mutes_and_listens(tmp_path: Path) -> None:
    capture = capture_of(tmp_path, overflowing())
    stage = _engine.Stage(RATE, FRAMES)
    stage.tapped = True
    for turn in range(6):
        stage.go_to(everything(capture), turn % 2 == 0, 0.01)
        stage.mute(turn % 3 == 0)
        audio = noise(4 * FRAMES, 0.5, turn)
        audio[::7] = np.resize(NO_SOUND, len(audio[::7]))
        assert np.all(np.abs(play(stage, audio)) < 1.0)
        rows = np.full((4 * FRAMES, 2), np.nan, np.float32)
        assert stage.take_tap(rows) == 4 * FRAMES
        assert np.all(np.isfinite(rows))
        assert stage.take_input_peak() < 10.0
        assert stage.take_output_peak() < 1.0
        stage.collect()


def test_a_value_that_is_no_number_is_not_taken() -> None:
    chain = _engine.Chain(RATE, FRAMES, "")
    gain = chain.add_gain(0.5)
    for value in NO_SOUND:
        chain.set(gain, _engine.GAIN_FACTOR, float(value))
    audio = np.ones(4000, np.float32)
    assert np.all(play(chain, audio) == 0.5)


def test_a_tflite_that_overflows_is_silent_and_plays_on() -> None:
    engine = litert_engine.prepare(tflite_maker.fir((1.0, 0.5)), sample_rate=RATE, prewarm_frames=1, max_frames=16)
    audio = noise(64, 0.1)
    audio[20] = 3e38
    heard = engine.render(audio)
    assert not np.any(heard[16:32])
    assert np.allclose(heard[33:], audio[33:] + 0.5 * audio[32:-1])


def prepared(folder: Path, *blocks: Block) -> Chain:
    return Chain.prepare(
        Preset("x", blocks, normalise=False, level_db=-20.0), folder, sample_rate=RATE, max_frames=FRAMES
    )


def sometimes(folder: Path) -> Path:
    """An artifact that plays what it hears, but nothing finite where that is above +46 dBFS."""
    path = folder / "loud.stomp"
    nam = {**nam_maker.linear(taps=1), "weights": [5000.0]}
    path.write_bytes(artifact.pack(capture_of(folder, nam)))
    return path


def test_a_preset_tells_which_block_made_it_and_how_often(tmp_path: Path) -> None:
    sometimes(tmp_path)
    chain = prepared(tmp_path, Gain(), Nam("loud.stomp"), Tone())
    assert chain.faults() == {}
    audio = noise(FRAMES * 10, 0.01)
    audio[[5, 6, 3 * FRAMES]] = 300.0
    chain.render(audio)
    assert chain.faults() == {"block 2, loud.stomp": 2}


@pytest.mark.parametrize("jack_server", [128], indirect=True)
def test_a_pedal_tells_of_it_and_plays_on(jack_server: JackServer, tmp_path: Path) -> None:
    sometimes(tmp_path)
    preset.write(Preset("Loud", (Nam("loud.stomp"),), normalise=False, level_db=-40.0), tmp_path / "loud.toml")
    with playing(jack_server, tmp_path / "loud.toml", tmp_path / "socket") as at:
        player = wait_for(lambda: Player.open(jack_server.name))
        wait_for(lambda: status(at).get("playing"))
        player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
        audio = noise(48_000, 0.001)
        audio[[5000, 9000]] = 300.0
        audio[20_000] = np.nan
        left, right = player.play(audio)
        told: dict[str, Any] = status(at)
        player.close()
    assert np.all(np.isfinite(left))
    assert np.array_equal(left, right)
    assert np.std(left[40_000:]) > 0.0
    assert told["faults"] == {"block 1, loud.stomp": 2, "input": 1}
