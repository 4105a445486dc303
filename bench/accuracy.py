"""Measures the ESR of the engine against the output of NeuralAmpModelerCore, over the corpus. The tests limit this ESR.

    python bench/accuracy.py CORPUS

CORPUS holds models/*.nam and golden/*.wav, as in tests/conftest.py. For each ISA of this machine, and for exact and
fast activations, it prints the worst capture, and the worst capture that is not an LSTM.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine.inference import Engine, isas
from nampedal.firmware.engine.network import Lstm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus
    audio = np.asarray(soundfile.read(corpus / "golden" / "input.wav", dtype="float32")[0], np.float32)
    found: dict[tuple[str, bool], list[tuple[float, bool, str]]] = {}
    for golden in sorted(p for p in (corpus / "golden").glob("*.wav") if p.stem != "input"):
        model, _, slim = golden.stem.partition("--slim-")
        capture = nam_file.read(corpus / "models" / f"{model}.nam")
        tier = capture.tier_for_size(float(slim)) if slim else 0
        wanted = np.asarray(soundfile.read(golden, dtype="float32")[0], np.float32)
        recurrent = isinstance(capture.tiers[tier].network, Lstm)
        for isa in isas():
            for exact in (True, False):
                esr = metrics.esr(wanted, Engine.prepare(capture, tier=tier, exact=exact, isa=isa).render(audio))
                found.setdefault((isa, exact), []).append((esr, recurrent, golden.stem))
    for (isa, exact), results in found.items():
        esr, _, name = max(results)
        other, _, other_name = max(result for result in results if not result[1])
        accuracy = "exact" if exact else "fast"
        print(f"{isa:8} {accuracy:6} worst {esr:.1e} ({name}); without LSTMs {other:.1e} ({other_name})")


if __name__ == "__main__":
    main()
