from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import FRAMES, Audio, corpus_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding import reference
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import MAX_FRAMES, Engine, isas
from support.makers import nam_maker

# Against NeuralAmpModelerCore's own output.
EXACT_ESR = 1e-9
FAST_ESR = 1e-6
# Between two of our own ways of computing the same thing in float32.
ROUNDING_ESR = 1e-9


# Those that play the corpus.
ISAS = isas() if FRAMES < 0 else isas()[:1]


def golden_names() -> list[str]:
    folder = corpus_folder()
    return sorted(p.stem for p in (folder / "golden").glob("*.wav") if p.stem != "input") if folder else ["corpus"]


def golden_case(corpus: Path, name: str) -> tuple[Capture, int, Audio]:
    model, _, slim = name.partition("--slim-")
    capture = nam_file.read(corpus / "models" / f"{model}.nam")
    wanted = np.asarray(soundfile.read(corpus / "golden" / f"{name}.wav", FRAMES, dtype="float32")[0], np.float32)
    return capture, capture.tier_for_size(float(slim)) if slim else 0, wanted


@pytest.mark.parametrize("name", golden_names())
def test_plays_what_neuralampmodelercore_plays(corpus: Path, golden_input: Audio, name: str) -> None:
    capture, tier, wanted = golden_case(corpus, name)
    for isa in ISAS:
        exact = Engine.prepare(capture, tier=tier, exact=True, isa=isa).render(golden_input)
        fast = Engine.prepare(capture, tier=tier, isa=isa).render(golden_input)
        assert metrics.esr(wanted, exact) <= EXACT_ESR, isa
        assert metrics.esr(wanted, fast) <= FAST_ESR, isa


@pytest.mark.parametrize("name", golden_names())
def test_float_artifact_of_a_corpus_capture_plays_bit_identically(
    corpus: Path, golden_input: Audio, tmp_path: Path, name: str
) -> None:
    capture, tier, _ = golden_case(corpus, name)
    stored = tmp_path / "amp.stomp"
    stored.write_bytes(artifact.pack(capture))
    audio = golden_input[:24_000]
    direct, loaded = (Engine.prepare(source, tier=tier).render(audio) for source in (capture, stored))
    assert np.array_equal(direct.view(np.uint32), loaded.view(np.uint32))


@pytest.mark.parametrize("name", golden_names())
def test_the_numpy_reference_is_of_the_same_opinion(corpus: Path, golden_input: Audio, name: str) -> None:
    capture, tier, _ = golden_case(corpus, name)
    audio = golden_input[:3000]
    wanted = reference.render(capture.tiers[tier].network, audio)
    assert metrics.esr(wanted, Engine.prepare(capture, tier=tier, exact=True).render(audio)) <= ROUNDING_ESR


SMALL: dict[str, nam_maker.Nam] = {
    "linear": nam_maker.linear(taps=37, bias=True),
    "convnet with batch norm": nam_maker.convnet(),
    "convnet in groups": nam_maker.convnet(channels=4, batch_norm=False, activation="SiLU"),
    "lstm of two layers": nam_maker.lstm(layers=2, hidden=5),
    "lstm without layers": nam_maker.lstm(layers=0),
    "wavenet": nam_maker.a1(),
    "wavenet, gated": nam_maker.a1(gated=True),
    **{f"wavenet with options {seed}": nam_maker.random_wavenet(seed) for seed in range(40)},
}


def small(tmp_path: Path, name: str) -> Capture:
    return nam_file.read(nam_maker.write(tmp_path / "small.nam", SMALL[name]))


def noise(frames: int, seed: int = 0, channels: int | None = None) -> Audio:
    shape = (frames,) if channels is None else (frames, channels)
    return np.asarray(np.random.default_rng(seed).uniform(-0.5, 0.5, shape), np.float32)


@pytest.mark.parametrize("name", SMALL)
def test_every_option_agrees_with_the_reference_on_every_isa(tmp_path: Path, name: str) -> None:
    capture = small(tmp_path, name)
    audio = noise(700)
    wanted = reference.render(capture.tiers[0].network, audio)
    for isa in isas():
        assert metrics.esr(wanted, Engine.prepare(capture, exact=True, isa=isa).render(audio)) <= ROUNDING_ESR, isa
        assert metrics.esr(wanted, Engine.prepare(capture, isa=isa).render(audio)) <= FAST_ESR, isa


def bits(audio: Audio) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    return audio.view(np.uint32)


PLAIN = {
    f"{first} and {second} channels{', gated' if gated else ''}": nam_maker.a1(
        (first, second), (1, 2, 8, 64), gated=gated
    )
    for first, second in ((1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 4), (7, 8), (12, 6), (16, 8), (20, 9), (24, 32))
    for gated in (False, True)
}


@pytest.mark.parametrize("name", [*PLAIN, *SMALL])
def test_the_fast_path_gives_the_bits_of_the_general_path(tmp_path: Path, name: str) -> None:
    nam = PLAIN.get(name) or SMALL[name]
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam))
    audio = noise(1500)
    for isa in isas():
        for exact in (True, False):
            for max_frames in (13, 64, 300):
                options = {"isa": isa, "exact": exact, "max_frames": max_frames}
                fast = Engine.prepare(capture, **options).render(audio)  # type: ignore[arg-type]
                general = Engine.prepare(capture, general=True, **options).render(audio)  # type: ignore[arg-type]
                assert np.array_equal(bits(fast), bits(general)), options


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 10), isa=st.sampled_from(isas()), block=st.sampled_from([1, 5, 8, 16, 48, 64, 200]))
def test_the_fast_path_gives_the_bits_of_the_general_path_whatever_the_shape(
    tmp_path: Path, seed: int, isa: str, block: int
) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.random_plain_wavenet(seed)))
    audio = noise(600)
    fast = Engine.prepare(capture, isa=isa, max_frames=block).render(audio)
    general = Engine.prepare(capture, isa=isa, max_frames=block, general=True).render(audio)
    assert np.array_equal(bits(fast), bits(general))
    assert np.isfinite(fast).all()


@pytest.mark.parametrize("name", golden_names())
def test_the_fast_path_gives_the_bits_of_the_general_path_on_the_corpus(
    corpus: Path, golden_input: Audio, name: str
) -> None:
    capture, tier, _ = golden_case(corpus, name)
    for isa in ISAS:
        fast = Engine.prepare(capture, tier=tier, isa=isa).render(golden_input[:24_000])
        general = Engine.prepare(capture, tier=tier, isa=isa, general=True).render(golden_input[:24_000])
        assert np.array_equal(bits(fast), bits(general)), isa


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(SMALL)),
    isa=st.sampled_from(isas()),
    exact=st.booleans(),
    general=st.booleans(),
    max_frames=st.sampled_from([1, 2, 7, 16, 64, 100]),
    cuts=st.lists(st.integers(1, 100), min_size=3, max_size=25),
)
def test_output_is_bit_identical_however_the_audio_is_cut(
    tmp_path: Path, name: str, isa: str, exact: bool, general: bool, max_frames: int, cuts: list[int]
) -> None:
    capture = small(tmp_path, name)
    audio = noise(400, seed=len(cuts))
    whole = Engine.prepare(capture, max_frames=MAX_FRAMES, exact=exact, isa=isa, general=general).process(audio)
    engine = Engine.prepare(capture, max_frames=max_frames, exact=exact, isa=isa, general=general)
    blocks, at, turn = [], 0, 0
    while at < len(audio):
        frames = min(cuts[turn % len(cuts)], max_frames)
        blocks.append(engine.process(audio[at : at + frames]))
        at += frames
        turn += 1
    assert np.array_equal(whole.view(np.uint32), np.concatenate(blocks).view(np.uint32))


@pytest.mark.parametrize("name", SMALL)
def test_first_block_is_already_the_steady_state(tmp_path: Path, name: str) -> None:
    engine = Engine.prepare(small(tmp_path, name), max_frames=64)
    silence = engine.render(np.zeros(2000, np.float32))
    # An LSTM's memory only approaches its rest.
    tolerance = 1e-6 if name.startswith("lstm") else 0.0
    assert float(np.max(np.abs(silence - silence[-1]))) <= tolerance


@pytest.mark.parametrize("name", SMALL)
def test_reset_returns_to_the_first_block(tmp_path: Path, name: str) -> None:
    engine = Engine.prepare(small(tmp_path, name), max_frames=128)
    first = engine.process(noise(128))
    # An even and an odd number of frames: an LSTM has two rows that take turns.
    for frames in (3000, 3001, 1):
        engine.render(noise(frames, seed=5))
        engine.reset()
        assert np.array_equal(first, engine.process(noise(128)))


def test_output_depends_on_the_past_and_the_present_only(tmp_path: Path) -> None:
    capture = small(tmp_path, "wavenet")
    audio = noise(300)
    changed = audio.copy()
    changed[200:] = 0.25
    before, after = (Engine.prepare(capture).render(a) for a in (audio, changed))
    assert np.array_equal(before[:200], after[:200])
    assert not np.array_equal(before[200:], after[200:])


def test_float_artifact_on_disk_plays_bit_identically_to_the_nam(tmp_path: Path) -> None:
    for name in SMALL:
        capture = small(tmp_path, name)
        stored = tmp_path / "small.stomp"
        stored.write_bytes(artifact.pack(capture))
        audio = noise(500)
        direct, loaded = Engine.prepare(capture).render(audio), Engine.prepare(stored).render(audio)
        assert np.array_equal(direct.view(np.uint32), loaded.view(np.uint32)), name


def test_denormal_input_is_played_as_silence(tmp_path: Path) -> None:
    engine = Engine.prepare(small(tmp_path, "linear"))
    tiny = np.full(64, 1e-41, np.float32)
    bias = engine.process(np.zeros(64, np.float32))
    engine.reset()
    assert np.array_equal(engine.process(tiny), bias)


def test_flush_to_zero_is_undone_behind_the_engine(tmp_path: Path) -> None:
    Engine.prepare(small(tmp_path, "wavenet")).process(noise(64))
    assert np.float32(1e-40) * np.float32(0.5) > 0.0


def test_several_channels_in_and_out(tmp_path: Path) -> None:
    nam = nam_maker.linear(taps=3)
    nam["config"] |= {"in_channels": 2, "out_channels": 3}
    engine = Engine.prepare(nam_file.read(nam_maker.write(tmp_path / "two.nam", nam)))
    assert (engine.in_channels, engine.out_channels) == (2, 3)
    audio = noise(50, channels=2)
    out = engine.process(audio)
    assert out.shape == (50, 3)
    taps = np.float32(nam["weights"])
    for channel in range(2):
        assert np.allclose(out[:, channel], np.convolve(audio[:, channel], taps)[:50], atol=1e-6)
    assert not out[:, 2].any()


def test_block_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    engine = Engine.prepare(small(tmp_path, "wavenet"), max_frames=64)
    with pytest.raises(ArgumentError) as caught:
        engine.process(noise(65))
    assert str(caught.value) == "block is (65, 1) -> (65, 1); prepared for 1 to 64 frames of (1) -> (1) channels"
    with pytest.raises(ArgumentError, match=r"block is \(0, 1\)"):
        engine.process(noise(0))
    with pytest.raises(ArgumentError, match=r"block is \(8, 2\) -> \(8, 1\)"):
        engine.process(noise(8, channels=2))


def test_unknown_tier_rate_and_isa_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = small(tmp_path, "wavenet")
    with pytest.raises(ArgumentError) as no_tier:
        Engine.prepare(capture, tier=1)
    assert str(no_tier.value) == "small.nam: no tier 1; it has tiers 0 to 0"
    with pytest.raises(ArgumentError) as rate:
        Engine.prepare(capture, sample_rate=44_100.0)
    assert str(rate.value) == "small.nam: runs at 48000 Hz; 44100 Hz were asked for: resample the audio"
    with pytest.raises(ArgumentError) as isa:
        Engine.prepare(capture, isa="mmx")
    assert str(isa.value) == f"isa is 'mmx'; this CPU runs: {', '.join(isas())}"
    monkeypatch.setenv("NAMPEDAL_ISA", "sse")
    with pytest.raises(ArgumentError, match="NAMPEDAL_ISA is 'sse'; this CPU runs: "):
        Engine.prepare(capture)


def test_isa_is_chosen_by_argument_then_environment_then_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = small(tmp_path, "wavenet")
    monkeypatch.delenv("NAMPEDAL_ISA", raising=False)
    assert Engine.prepare(capture).isa == isas()[0]
    monkeypatch.setenv("NAMPEDAL_ISA", "scalar")
    assert Engine.prepare(capture).isa == "scalar"
    assert Engine.prepare(capture, isa=isas()[0]).isa == isas()[0]


def test_fast_tanh_is_within_its_stated_error(tmp_path: Path) -> None:
    # One layer with conv and 1x1 of zero: output = tanh(mixin * x).
    layer = {"input_size": 1, "condition_size": 1, "channels": 1, "kernel_size": 1, "dilations": [1]}
    nam = nam_maker.wavenet([{**layer, "activation": "Tanh", "head_size": 1, "head_bias": False}])
    nam["weights"] = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    for isa in isas():
        capture = nam_file.read(nam_maker.write(tmp_path / "tanh.nam", nam))
        y = Engine.prepare(capture, isa=isa, max_frames=1000).render(x)
        assert float(np.max(np.abs(y - np.tanh(x.astype(np.float64))))) < 1.6e-6
