"""What a conversion of captures nobody made for the purpose takes, and whether it prints what they sound like."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from nampedal.converter.listening import calibration_audio, metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Proof

pytestmark = pytest.mark.long

CAPTURES = ("jvm-crunch-standard", "hm2-swede-feather", "boss-sd1-feather", "boss-sd1-nano", "core-a2")
STANDARD = CAPTURES[0]
# A Zero 2 W has 512 MB, and more than the converter runs there.
MAX_MB = 400


@dataclass(frozen=True)
class Converted:
    """peak_mb: of the whole process.  worst: ESR and pre-emphasised ESR, the largest of all recordings."""

    proof: Proof
    peak_mb: float
    worst: tuple[float, float]


# The most memory of the process itself: Linux has that of wait4() begin with what the parent has used.
CONVERT = """
from pathlib import Path
from nampedal.firmware.cli.main import main
try:
    main()
finally:
    print(Path("/proc/self/status").read_text())
"""


@pytest.fixture(scope="module")
def converted(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Converted]:
    """Each of CAPTURES by the command, in a process of its own, and played on two seconds of every recording."""
    folder = tmp_path_factory.mktemp("converted")
    found = {}
    for name in CAPTURES:
        source, made = corpus / "models" / f"{name}.nam", folder / f"{name}.stomp"
        arguments = ["convert", str(source), "-o", str(made), "--no-golden"]
        done = subprocess.run([sys.executable, "-c", CONVERT, *arguments], capture_output=True, text=True, check=True)
        peak_kib = int(done.stdout.partition("VmHWM:")[2].split()[0])
        original, stored = nam_file.read(source), artifact.read(made)
        pairs = []
        for path in sorted((corpus / "di").glob("*.wav")):
            audio = calibration_audio.from_files([path], original.sample_rate)[0][:96_000]
            pairs.append([play(capture, audio)[:, 0] for capture in (original, stored)])
        worst = max(metrics.esr(*pair) for pair in pairs), max(metrics.pre_emphasised_esr(*pair) for pair in pairs)
        proof = stored.tiers[0].proof
        assert proof is not None
        found[name] = Converted(proof, peak_kib / 1024, worst)
    return found


def test_an_a1_standard_is_converted_in_less_memory_than_a_small_board_has(converted: dict[str, Converted]) -> None:
    assert converted[STANDARD].peak_mb < MAX_MB


def test_what_is_printed_is_at_least_as_bad_as_what_recordings_show(converted: dict[str, Converted]) -> None:
    """Of most captures, and of none by much."""
    ratios = [(one.worst[0] / one.proof.esr, one.worst[1] / one.proof.pre_emphasised_esr) for one in converted.values()]
    assert max(max(pair) for pair in ratios) < 1.5
    assert sum(max(pair) <= 1.0 for pair in ratios) >= len(CAPTURES) - 1


def test_rounding_costs_little_on_recordings_that_nothing_was_calibrated_with(converted: dict[str, Converted]) -> None:
    assert max(one.worst[0] for one in converted.values()) < 5e-5
    assert max(one.worst[1] for one in converted.values()) < 2e-4
