"""The real-time side as built for aarch64."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact
from support.makers import nam_maker
from support.rigs.realtime_symbols import foreign_symbols, realtime_objects


@pytest.fixture(scope="session")
def cross(root: Path) -> Path:
    folder = root / "build" / "aarch64"
    if not (folder / "bench" / "allocation_probe").exists():
        pytest.skip("nothing is built for aarch64: make test-aarch64 does it")
    return folder


def test_realtime_objects_call_nothing_but_a_short_list(cross: Path) -> None:
    objects = realtime_objects(cross / "bench")
    assert {"neon.cpp.o", "neon_tiles.S.o", "fused_wavenet.cpp.o"} <= {path.name for path in objects}
    for path in objects:
        assert not foreign_symbols(path, "aarch64-linux-gnu-nm"), path.name


@pytest.mark.parametrize(
    "nam",
    [nam_maker.a1((16, 8)), nam_maker.a1((3, 2), gated=True), nam_maker.lstm(layers=2), nam_maker.random_wavenet(3)],
    ids=["rows", "planes", "lstm", "general"],
)
def test_process_allocates_nothing_for_any_block_size(cross: Path, tmp_path: Path, nam: nam_maker.Nam) -> None:
    stomp = tmp_path / "x.stomp"
    stomp.write_bytes(artifact.pack(nam_file.read(nam_maker.write(tmp_path / "x.nam", nam))))
    command: list[str | Path] = [
        "qemu-aarch64",
        "-L",
        cross / "root",
        cross / "bench" / "allocation_probe",
        stomp,
        "128",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert out[:5] == ["allocations", "0", "frees", "0", "blocks"]
    assert int(out[5]) >= 2 * 128
