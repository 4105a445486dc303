"""Checks that silence after a loud passage costs no more than the passage. Denormal numbers would make it slower.

    python bench/silence.py captures/*.nam presets/*.toml

A capture repeatedly plays one second of plucks at full scale and three seconds of silence. The cost of a block is the
minimum over all repeats. Prints the median block of the passage, and of the last second of silence. A preset plays ten
seconds, and then a minute of silence; each second counts with its minimum. Prints the mean of the ten seconds, and the
most expensive ten seconds of the minute.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from nampedal.converter.listening import test_signals
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.engine.inference import Audio, Engine
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.quality import QualityLevel

BLOCK = 64
RATE = 48_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'model':32} {'loud':>9} {'silence':>9}   silence / loud")
    for model in arguments.models:
        if model.suffix == preset.SUFFIX:
            loud_us, silence_us = preset_us(model, arguments.repeats)
            tell(model.stem, loud_us, silence_us)
            continue
        engine = Engine.prepare(open_capture(model).capture, max_frames=BLOCK)
        loud = test_signals.plucks(engine.sample_rate, 1.0)
        loud /= np.max(np.abs(loud))
        audio = np.concatenate([loud, np.zeros(3 * len(loud), np.float32)])
        rows = np.repeat(audio[:, None], engine.in_channels, axis=1)
        runs = []
        for _ in range(arguments.repeats):
            engine.reset()
            runs.append(engine.time_blocks(rows, BLOCK)[1])
        block_us = 1e6 * np.min(runs, axis=0)
        passage, silence = (float(np.median(block_us[part])) for part in (slice(1, 700), slice(-700, None)))
        tell(model.stem, passage, silence)


def tell(name: str, passage: float, silence: float) -> None:
    print(f"{name:32} {passage:6.1f} us {silence:6.1f} us   {silence / passage:.2f}", flush=True)


def preset_us(path: Path, repeats: int) -> tuple[float, float]:
    """Return the microseconds of a block, while playing and in silence."""
    chain = Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=BLOCK)
    loud = test_signals.plucks(RATE, 10.0)
    loud /= np.max(np.abs(loud))
    passages, silences = [], []
    for _ in range(repeats):
        chain.reset_to(QualityLevel(0))
        passages.append([second_s(chain, part) for part in np.split(loud, 10)])
        silences.append([second_s(chain, np.zeros(round(RATE), np.float32)) for _ in range(60)])
    tens = np.min(silences, axis=0).reshape(6, 10).mean(axis=1)
    to_us = 1e6 * BLOCK / RATE
    return to_us * float(np.min(passages, axis=0).mean()), to_us * float(np.max(tens))


def second_s(chain: Chain, audio: Audio) -> float:
    begin_s = time.thread_time()
    chain.render(audio)
    return time.thread_time() - begin_s


if __name__ == "__main__":
    main()
