"""A .tflite in a chain: what LiteRT plays in blocks of one length, played in blocks of any."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.metadata import capture_metadata
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import ArtifactError, MissingPackageError
from nampedal.firmware.engine import artifact, tflite_artifact
from nampedal.firmware.engine.litert_engine import CHAIN_BLOCK
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.presets.preset_content import read_preset
from support.makers import nam_maker

RATE = 48_000.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The demo's capture as an artifact and as a file for blocks of any length, and an LSTM for one length alone."""
    folder = tmp_path_factory.mktemp("captures")
    demo = nam_file.read(root / "demo" / "overdriven-amp.nam")
    data = artifact.pack(demo)
    (folder / "amp.stomp").write_bytes(data)
    facts = {**capture_metadata(demo), "input_level_dbu": 12.5, "stomp_sha256": hashlib.sha256(data).hexdigest()}
    (folder / "amp.tflite").write_bytes(write(demo.tiers[0].network, sample_rate=RATE, facts=facts).data)
    lstm = nam_file.read(nam_maker.write(folder / "lstm.nam", nam_maker.lstm()))
    (folder / "lstm.stomp").write_bytes(artifact.pack(lstm))
    (folder / "lstm.tflite").write_bytes(write(lstm.tiers[0].network, sample_rate=RATE, block=24, facts={}).data)
    return folder


def chain_of(name: str, folder: Path, *, rate: float = RATE, channels: int = 1) -> Chain:
    played = Preset(name, (Nam(name),), normalise=False)
    return Chain.prepare(played, folder, sample_rate=rate, max_frames=256, channels=channels)


@pytest.mark.parametrize(("name", "block"), [("amp", CHAIN_BLOCK), ("lstm", 24)])
@pytest.mark.parametrize("frames", [1, 33, 64, 256])
def test_it_sounds_as_the_artifact_does_one_block_later(
    folder: Path, guitar: Audio, name: str, block: int, frames: int
) -> None:
    audio = guitar[:6400] if frames > 1 else guitar[:640]
    wanted = chain_of(f"{name}.stomp", folder).render(audio)
    chain = chain_of(f"{name}.tflite", folder)
    assert chain.native.latency_frames == block
    got = np.concatenate([chain.render(audio[at : at + frames]) for at in range(0, len(audio), frames)])
    assert metrics.esr(wanted[:-block], got[block:]) < 1e-8
    # Until then it rests.
    assert np.ptp(got[:block]) < 1e-4


def test_each_channel_has_a_past_of_its_own(folder: Path, guitar: Audio) -> None:
    alone = chain_of("amp.tflite", folder).render(guitar[:6400])
    both = chain_of("amp.tflite", folder, channels=2).render(np.stack([guitar[:6400], guitar[6400:12800]]))
    assert np.array_equal(both[0], alone)
    assert not np.array_equal(both[1], alone)


def test_it_is_resampled_where_the_pedal_runs_at_another_rate(folder: Path, guitar: Audio) -> None:
    wanted = chain_of("amp.stomp", folder, rate=44_100.0)
    chain = chain_of("amp.tflite", folder, rate=44_100.0)
    late = chain.native.latency_frames - wanted.native.latency_frames
    assert late == pytest.approx(CHAIN_BLOCK * 44.1 / 48.0)
    audio = np.repeat(guitar[:20], 1000)
    assert np.all(np.isfinite(chain.render(audio)))


def test_played_alone_it_is_a_preset_with_its_levels(folder: Path) -> None:
    path = folder / "amp.tflite"
    assert read_preset(path) == (Preset("amp", (Nam("amp.tflite"),)), "")
    source = tflite_artifact.capture_source(tflite_artifact.read(path))
    assert source.level("input_level_dbu").value == 12.5
    assert source.architecture == open_capture(folder / "amp.stomp").capture.source.architecture


def test_what_is_wrong_with_it_is_its_presets_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bad.tflite").write_bytes((folder / "amp.tflite").read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactError, match=r"bad\.tflite: is damaged"):
        chain_of("bad.tflite", folder)
    monkeypatch.setenv("NAMPEDAL_LITERT", str(folder / "libNone.so"))
    with pytest.raises(MissingPackageError):
        chain_of("amp.tflite", folder)
