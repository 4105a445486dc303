from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.base.errors import ArtifactError, NoGoldenVectorsError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Calibration, Capture
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.engine.inference import isas
from nampedal.firmware.engine.network import Int8Weights
from support.makers import nam_maker

SHORT = (test_signals.plucks(48_000, 0.5), Calibration("half a second", -3.0, "nobody knows"))


@pytest.fixture(scope="module")
def amp(root: Path) -> Capture:
    return convert(nam_file.read(root / "demo" / "overdriven-amp.nam"), "w8", SHORT)


@pytest.fixture
def stored(amp: Capture, tmp_path: Path) -> Path:
    path = tmp_path / "amp.stomp"
    path.write_bytes(artifact.pack(amp))
    return path


@pytest.mark.parametrize("isa", isas())
def test_an_artifact_passes_on_every_isa(stored: Path, isa: str) -> None:
    (check,) = verify(stored, isa)
    assert check.passed
    assert check.isa == isa
    assert 0.0 < check.deviation <= check.tolerance


def test_the_tolerance_is_a_small_part_of_the_sound(amp: Capture) -> None:
    golden = amp.tiers[0].golden
    assert golden is not None
    assert golden.tolerance < 1e-3 * np.max(np.abs(golden.output))


@pytest.mark.parametrize(
    "nam", [nam_maker.linear(taps=5), nam_maker.convnet(), nam_maker.lstm(layers=2), nam_maker.random_wavenet(1)]
)
def test_every_architecture_passes(tmp_path: Path, nam: dict[str, object]) -> None:
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(convert(nam_file.read(nam_maker.write(tmp_path / "x.nam", nam)), "w8", SHORT)))
    assert all(check.passed for isa in isas() for check in verify(path, isa))


def test_every_tier_is_verified_by_itself(tmp_path: Path) -> None:
    large, small = nam_maker.random_plain_wavenet(1), nam_maker.random_plain_wavenet(2)
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.container((0.5, small), (1.0, large))))
    body = bytearray(artifact.pack(convert(capture, "f32")))
    path = tmp_path / "x.stomp"
    path.write_bytes(body)
    assert [(check.tier, check.passed) for check in verify(path)] == [(0, True), (1, True)]


def test_an_artifact_without_golden_vectors_can_not_be_verified(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "amp.stomp"
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    path.write_bytes(artifact.pack(convert(capture, "w8", SHORT, golden=False)))
    with pytest.raises(NoGoldenVectorsError) as caught:
        verify(path)
    assert str(caught.value) == f"{path}: tier 0 has no golden vectors; convert it again without --no-golden"


def sealed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_a_changed_weight_with_a_repaired_checksum_does_not_pass(amp: Capture, tmp_path: Path) -> None:
    """Each weight in turn loses its sign or its largest bit: wherever that can be heard, verify says so."""
    good = artifact.pack(amp)[:-4]
    weights = amp.tiers[0].network.arrays[0].layers[0].conv.weight  # type: ignore[union-attr]
    assert isinstance(weights, Int8Weights)
    first = good.index(weights.values.tobytes())
    guitar = test_signals.validation_signal(amp.sample_rate)[:24_000]
    wanted = play(amp, guitar)
    loud = float(np.max(np.abs(wanted)))
    path = tmp_path / "amp.stomp"
    rng = np.random.default_rng(7)
    heard = 0
    for at in first + rng.integers(0, 12_000, 60):
        body = bytearray(good)
        body[at] ^= 0x40
        path.write_bytes(sealed(bytes(body)))
        try:
            passed = all(check.passed for check in verify(path))
            changed = float(np.max(np.abs(play(artifact.read(path), guitar) - wanted)))
        except ArtifactError:
            continue
        if changed > 1e-3 * loud:
            heard += 1
            assert not passed, at
    assert heard > 40


def test_golden_vectors_that_changed_do_not_pass(amp: Capture, tmp_path: Path) -> None:
    assert amp.golden_input is not None
    good = artifact.pack(amp)[:-4]
    at = good.index(amp.golden_input.tobytes())
    body = bytearray(good)
    # The exponent of one loud sample.
    body[at + 4 * int(np.argmax(np.abs(amp.golden_input[:2400]))) + 3] ^= 0x01
    path = tmp_path / "amp.stomp"
    path.write_bytes(sealed(bytes(body)))
    assert not verify(path)[0].passed


def test_a_changed_sample_rate_does_not_pass(amp: Capture, tmp_path: Path) -> None:
    path = tmp_path / "amp.stomp"
    path.write_bytes(artifact.pack(replace(amp, sample_rate=44_100.0)))
    (check,) = verify(path)
    assert not check.passed
    assert check.deviation == float("inf")
