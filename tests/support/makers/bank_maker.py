"""Makes a bank for tests: two presets, an artifact that both use, and a cabinet that one uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from conftest import ROOT
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.metadata import capture_metadata
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Cabinet, Gain, Nam, Preset


@cache
def amp() -> bytes:
    """Return the bytes of an artifact."""
    return artifact.pack(nam_file.read(ROOT / "demo" / "overdriven-amp.nam"))


@cache
def tflite() -> bytes:
    """Return the bytes of the same capture as a .tflite."""
    demo = nam_file.read(ROOT / "demo" / "overdriven-amp.nam")
    return write(demo.tiers[0].network, sample_rate=demo.sample_rate, facts=capture_metadata(demo)).data


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
    """Return every file in the folder or below it, except backups of older versions."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found if not path.name.endswith(".old"))
