"""Measures how equally loud presets are: fifteen, from clean to metal, through the pedal's own chain, on several
guitars.

    python bench/loudness.py --corpus ../shared/corpus

For each rule that sets a preset's make-up gain, it prints the gated loudness (ITU-R BS.1770-4) of each preset on each
recording of CORPUS/di, and the spread between the presets. CORPUS holds models/, di/ and ir/.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.presets.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.presets.levelling import common_lufs, measure_blocks
from nampedal.firmware.presets.preset import Cabinet, Gain, Gate, Nam, Preset, Tone
from numpy.typing import NDArray
from scipy.optimize import linprog

Table = NDArray[np.float64]

RATE = 48_000.0
FRAMES = 4096

CLEAN, JVM, LEAD = "bug333-clean-standard", "jvm-crunch-standard", "5150-lead-standard"
UK, MODERN, VINTAGE = (Cabinet(f"{name}.wav") for name in ("uk-80s", "us-modern", "us-vintage"))


def nam(name: str, gain_db: float = 0.0) -> Nam:
    return Nam(f"{name}.stomp", gain_db)


# From clean to metal.
PRESETS = (
    Preset("clean", (nam(CLEAN), VINTAGE)),
    Preset("clean, bright", (nam(CLEAN), Tone(bass=4.0, treble=8.0), VINTAGE)),
    Preset("clean, pushed", (Gate(-65.0), nam(CLEAN, 9.0), UK)),
    Preset("bass, clean", (nam("core-a2"), Tone(low_cut_hz=40.0), MODERN)),
    Preset("drive into clean", (nam("boss-sd1-standard"), nam(CLEAN, -6.0), VINTAGE)),
    Preset("crunch, rolled off", (nam(JVM, -12.0), UK)),
    Preset("crunch", (Gate(-60.0), nam(JVM), UK)),
    Preset("crunch, mids", (Gate(-60.0), nam(JVM, 3.0), Tone(bass=4.0, mid=8.0), UK)),
    Preset("drive into crunch", (Gate(-58.0), nam("boss-sd1-nano"), nam(JVM, -6.0), UK)),
    Preset("wide", (nam("community-wide-20ch"), VINTAGE)),
    Preset("lead", (Gate(-55.0), nam(LEAD), MODERN)),
    Preset("lead, scooped", (Gate(-55.0), nam(LEAD), Tone(bass=7.0, mid=3.0, treble=7.0, low_cut_hz=90.0), UK)),
    Preset("tight", (Gate(-50.0), nam("boss-sd1-a2", -3.0), nam(LEAD, -9.0), Tone(low_cut_hz=110.0), MODERN)),
    Preset("Swedish", (Gate(-50.0), nam("hm2-swede-standard"), MODERN)),
    Preset("Swedish, dark", (Gate(-50.0), Gain(6.0), nam("hm2-swede-feather"), Tone(treble=3.0), UK)),
)


def make_bank(corpus: Path, folder: Path) -> None:
    """Write the artifacts and cabinets of all PRESETS into a folder."""
    for block in (block for preset in PRESETS for block in preset.blocks):
        if isinstance(block, Nam) and not (folder / block.artifact).exists():
            capture = nam_file.read(corpus / "models" / Path(block.artifact).with_suffix(".nam"))
            full = replace(capture, tiers=capture.tiers[:1])
            (folder / block.artifact).write_bytes(artifact.pack(convert(full, "f32", golden=False)))
        elif isinstance(block, Cabinet):
            (folder / block.impulse_response).write_bytes((corpus / "ir" / block.impulse_response).read_bytes())


def blocks_of(preset: Preset, folder: Path) -> Chain:
    """Return the chain of a preset without any make-up gain."""
    return Chain.prepare(replace(preset, normalise=False), folder, sample_rate=RATE, max_frames=FRAMES)


def by_proof(preset: Preset, folder: Path) -> float:
    """Return the make-up gain in dB that brings the last capture alone to LOUDNESS_LUFS, from its proof."""
    last = [block for block in preset.blocks if isinstance(block, Nam)][-1]
    proof = artifact.unpack(_engine.Artifact.open(str(folder / last.artifact))).tiers[0].proof
    assert proof is not None
    return LOUDNESS_LUFS - proof.loudness_lufs


def by_playing(preset: Preset, folder: Path) -> float:
    """Return the make-up gain in dB that the pedal uses."""
    return Chain.prepare(preset, folder, sample_rate=RATE, max_frames=FRAMES).make_up_db


def cost_s(chain: Chain) -> float:
    """Return the CPU seconds that it takes to measure the loudness."""
    begin_s = time.thread_time()
    chain.measure_loudness()
    return time.thread_time() - begin_s


def best_fixed(blocks: Table) -> Table:
    """Return the make-up gains in dB that minimise the largest spread. They are fitted to these very recordings.

    blocks: LUFS by preset and recording. Solved as a linear program: minimise w, with every blocks + gain between low
    and low + w.
    """
    presets, recordings = blocks.shape
    # Unknowns: a gain for each preset, a lowest value for each recording, and w.
    rows, limits = [], []
    for one in range(presets):
        for of in range(recordings):
            above, below = np.zeros(presets + recordings + 1), np.zeros(presets + recordings + 1)
            above[[one, presets + of, -1]] = 1.0, -1.0, -1.0
            below[[one, presets + of]] = -1.0, 1.0
            rows += [above, below]
            limits += [-blocks[one, of], blocks[one, of]]
    cost = np.zeros(presets + recordings + 1)
    cost[-1] = 1.0
    found = linprog(cost, np.array(rows), np.array(limits), bounds=(None, None))
    return np.asarray(found.x[:presets], np.float64)


def show(title: str, loud: Table, names: list[str]) -> None:
    """Print a table of loudness. loud: LUFS by preset and recording."""
    print(f"\n{title}\n{'':22}{''.join(f'{name:>17}' for name in names)}")
    for preset, row in zip(PRESETS, loud, strict=True):
        print(f"{preset.name:22}{''.join(f'{value:17.1f}' for value in row)}")
    spreads, deviations = np.ptp(loud, axis=0), np.std(loud, axis=0)
    print(f"{'loudest - quietest, dB':22}{''.join(f'{value:17.1f}' for value in spreads)}   widest {spreads.max():.1f}")
    print(f"{'standard deviation, dB':22}{''.join(f'{value:17.1f}' for value in deviations)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    arguments = parser.parse_args()
    paths = sorted((arguments.corpus / "di").glob("*.wav"))
    names = [path.stem for path in paths]
    guitars = [read_recording(path).at_rate(RATE).loudest_channel() for path in paths]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_bank(arguments.corpus, folder)
        chains = [blocks_of(preset, folder) for preset in PRESETS]
        heard = [[measure_blocks(chain, guitar) for guitar in guitars] for chain in chains]
        costs_s = [cost_s(chain) for chain in chains]
        before, after = (
            np.array([rule(preset, folder) for preset in PRESETS])[:, np.newaxis] for rule in (by_proof, by_playing)
        )
    blocks = np.array([[one.lufs for one in row] for row in heard])
    peaks = np.array([[one.peak_dbfs for one in row] for row in heard])
    show("the last capture at -18 LUFS, by the built-in plucks of its proof", blocks + before, names)
    show("all blocks at -18 LUFS, by the built-in guitar: what a pedal does", blocks + after, names)
    by_proof_dbfs, by_playing_dbfs = np.max(peaks + before), np.max(peaks + after)
    print(f"highest peak by the proof {by_proof_dbfs:.1f} dBFS, by the built-in guitar {by_playing_dbfs:.1f} dBFS")
    show("the best that one gain for each preset can do on these", blocks + best_fixed(blocks)[:, np.newaxis], names)
    common = np.array([common_lufs([row[of] for row in heard]) for of in range(len(guitars))])
    own = np.round(common - blocks, 1)
    show("nampedal level, with each of these guitars", blocks + own, names)
    print(f"highest peak {np.max(peaks + own):.1f} dBFS")
    print(f"measuring one preset takes {min(costs_s):.2f} to {max(costs_s):.2f} s of CPU, once for each content")


if __name__ == "__main__":
    main()
