from __future__ import annotations

import subprocess
from pathlib import Path

import nam_maker
from nampedal.converter import material, nam_file
from nampedal.converter.convert import convert
from nampedal.firmware import artifact
from nampedal.firmware.capture import Calibration

MUTATIONS = 100_000
CALIBRATE = (material.plucks(8000, 0.5), Calibration("half a second", -3.0, "nobody knows"))


def test_no_mutation_of_an_artifact_crashes_hangs_or_leaks(sanitized: Path, tmp_path: Path) -> None:
    seeds = []
    makers = [
        nam_maker.linear(taps=5, bias=True),
        nam_maker.convnet(),
        nam_maker.lstm(layers=2),
        nam_maker.a1(),
        *(nam_maker.random_wavenet(seed) for seed in range(6)),
    ]
    for i, nam in enumerate(makers):
        # A half second of silence is an LSTM's rest: at the lowest rate, 100,000 times, it is enough.
        nam["sample_rate"] = 8000
        if "condition_dsp" in nam["config"]:
            nam["config"]["condition_dsp"]["sample_rate"] = 8000
        capture = nam_file.read(nam_maker.write(tmp_path / f"{i}.nam", nam))
        for precision in ("f32", "w8"):
            path = tmp_path / f"{i}-{precision}.stomp"
            path.write_bytes(artifact.pack(convert(capture, precision, CALIBRATE)))
            seeds.append(path)
    done = subprocess.run(
        [sanitized / "stomp_fuzz", "20261120", str(MUTATIONS), *seeds],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    words = done.stdout.split()
    assert int(words[1]) == MUTATIONS
    refused, played = int(words[3]), int(words[5])
    # Both ways must have been taken, or the mutations are too wild or too tame to tell anything.
    assert refused > MUTATIONS // 10
    assert played > MUTATIONS // 100
