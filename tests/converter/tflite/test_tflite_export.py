from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rendering.backends import open_player
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.converter.tflite.tflite_export import ExportedTflite, TfliteOptions, export, tflite_facts
from nampedal.firmware.base.errors import ArgumentError, ArtifactError
from nampedal.firmware.engine import artifact, tflite_artifact
from nampedal.firmware.engine.capture import Calibration, Capture
from support.makers import nam_maker

pytestmark = pytest.mark.long

SHORT = (test_signals.excitation(48_000.0, 0.5), Calibration("half a second", -1.0, "nobody knows"))


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    nam = nam_maker.container((0.5, nam_maker.a1((2, 2))), (1.0, nam_maker.a1((4, 2))))
    return nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))


def written(exported: ExportedTflite, folder: Path) -> Path:
    path = folder / "amp.tflite"
    path.write_bytes(exported.data)
    return path


@pytest.mark.parametrize("tier", [0, 1])
def test_the_file_is_the_tier_of_the_artifact_it_names(
    capture: Capture, guitar: Audio, tmp_path: Path, tier: int
) -> None:
    exported = export(capture, TfliteOptions(tier=tier), SHORT)
    file = tflite_artifact.read(written(exported, tmp_path))
    stomp = convert(capture, "w8", SHORT)
    assert file.facts["stomp_sha256"] == hashlib.sha256(artifact.pack(stomp)).hexdigest()
    wanted = play(replace(stomp, tiers=(stomp.tiers[tier],)), guitar, exact=True)[:, 0]
    got = open_player(file.path, 0, False).render(guitar)
    assert metrics.esr(wanted, got) < 1e-9
    stored = stomp.tiers[tier].proof
    assert stored is not None
    assert exported.proof.esr == pytest.approx(stored.esr, rel=1e-2)


def test_facts_are_those_of_the_capture_with_this_files_own_proof(capture: Capture, tmp_path: Path) -> None:
    exported = export(capture, TfliteOptions(mode="int8", tier=1), SHORT)
    found = tflite_facts(tflite_artifact.read(written(exported, tmp_path)))
    (tier,) = found["tiers"]
    assert (found["mode"], found["tier"], tier["tier"], found["float_layers"]) == ("int8", 1, 0, [])
    assert tier["proof"]["esr"] == exported.proof.esr
    assert tier["channels"] == "2/2"
    assert exported.int8_layers == found["layers"] == 6


def test_a_player_goes_on_where_it_was_until_it_is_reset(capture: Capture, guitar: Audio, tmp_path: Path) -> None:
    player = open_player(written(export(capture, TfliteOptions(), SHORT), tmp_path), 0, False)
    whole = player.render(guitar[:8192])
    player.reset()
    parts = [player.render(guitar[:4096]), player.render(guitar[4096:8192])]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-7)


def test_a_tier_that_is_not_there_is_named(capture: Capture, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError) as caught:
        export(capture, TfliteOptions(tier=2), SHORT)
    assert str(caught.value) == "amp.nam: no tier 2; it has 0 (full), 1 (smaller)"
    path = written(export(capture, TfliteOptions(), SHORT), tmp_path)
    with pytest.raises(ArgumentError) as caught:
        open_player(path, 1, False)
    assert str(caught.value) == f"{path}: no tier 1; a .tflite has one, tier 0"


def test_a_file_without_facts_is_refused(capture: Capture, tmp_path: Path) -> None:
    file = replace(tflite_artifact.read(written(export(capture, TfliteOptions(), SHORT), tmp_path)), facts={})
    with pytest.raises(ArtifactError) as caught:
        tflite_facts(file)
    assert str(caught.value) == f"{file.path}: does not say what it was made from; convert the .nam again"
