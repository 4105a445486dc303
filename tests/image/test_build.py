"""The same inputs give the same image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from conftest import ROOT

# Of the files in the root, as they are unpacked.
MAX_ROOT_MB = 900


def test_a_second_build_gives_the_same_bytes(
    image: Path, signing_key: Path, nampedal: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (wheel,) = (ROOT / "dist").glob("nampedal-*aarch64.whl")
    again = tmp_path / image.name
    order = (
        *(
            "--pedal",
            "virtual",
            "--base",
            "debian",
            "--for-emulator",
            "--radio",
            "on",
            "--cache",
            image.parent / "cache",
        ),
        *("--wheel", wheel, "--sign", signing_key),
    )
    built = nampedal("image", "build", *order, "-o", again)
    assert built.returncode == 0, built.stderr
    signed = (f"{image.name}.sig", f"{image.name}.zst.sig")
    for name in (image.name, f"{image.name}.zst", f"{image.name}.bmap", *signed):
        assert subprocess.run(["cmp", image.parent / name, tmp_path / name], check=False).returncode == 0
    size = built.stdout.splitlines()[-1].split()
    assert size[:3] == ["the", "root", "is"]
    assert int(size[3]) <= MAX_ROOT_MB
