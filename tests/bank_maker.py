"""A bank to test with: two presets, an artifact that both name, a cabinet that one does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from conftest import ROOT
from nampedal.converter import nam_file
from nampedal.firmware import artifact, preset
from nampedal.firmware.preset import Cabinet, Gain, Nam, Preset


@cache
def amp() -> bytes:
    """An artifact."""
    return artifact.pack(nam_file.read(ROOT / "demo" / "overdriven-amp.nam"))


def write_cabinet(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.r_[1.0, 0.3, np.zeros(300)], 48_000, subtype="PCM_16")


def make_bank(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "amp.stomp").write_bytes(amp())
    write_cabinet(folder / "cabs" / "v30.wav")
    preset.write(Preset("Crunch", (Nam("amp.stomp"), Cabinet("cabs/v30.wav"))), folder / "crunch.toml")
    preset.write(Preset("Lead, loud", (Gain(3.0), Nam("amp.stomp"))), folder / "lead.toml")
    return folder


def names(folder: Path) -> list[str]:
    """Every file in it or below, what is kept of older versions aside."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found if not path.name.endswith(".old"))
