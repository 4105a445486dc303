"""What the tuner hears: its worst errors by range, how soon it is right after an attack, and what an update costs.

    python bench/tuner.py

Strings are made here: partials at n f0 sqrt(1 + B n^2), the higher the faster they decay. Errors are in cents of the
first partial's pitch, over every update from half a second after the attack; 'None' counts updates without a reading.
Attacks fall anywhere between two updates; right is within 5 cents. Costs are CPU time of this machine.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from nampedal.firmware.engine import Audio
from nampedal.firmware.tuner import HIGHEST_HZ, LOWEST_HZ, UPDATES_PER_S, Pitch, Tuner

RATE = 48_000
EDGES_HZ = (LOWEST_HZ, 55.0, 110.0, 220.0, 440.0, 880.0, HIGHEST_HZ)
OPEN_STRINGS_HZ = {"B0": 30.868, "E1": 41.203, "A1": 55.0, "E2": 82.407, "A2": 110.0, "D3": 146.832, "G3": 195.998}
OPEN_STRINGS_HZ |= {"B3": 246.942, "E4": 329.628, "E5": 659.255, "D6": 1174.659}
RIGHT_CENTS = 5.0


def string(
    hertz: float,
    seconds: float,
    rate: float = RATE,
    *,
    stiffness: float = 1e-4,
    first_db: float = 0.0,
    fall: float = 1.0,
    seed: int = 0,
) -> Audio:
    """A plucked string, peak 0.3. hertz: of the first partial.  stiffness: B.

    first_db: how much louder the first partial is than the others make one expect, whose amplitudes fall by n^fall.
    """
    at_s = np.arange(round(seconds * rate)) / rate
    phases = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, 100)
    out = np.zeros(len(at_s))
    for n in range(1, 100):
        partial_hz = n * hertz * math.sqrt((1.0 + stiffness * n**2) / (1.0 + stiffness))
        if partial_hz > 8000.0:
            break
        # Plucked at 0.13 of its length.
        level = math.sin(0.13 * math.pi * n) / n**fall * (10 ** (first_db / 20) if n == 1 else 1.0)
        out += level * np.exp(-(0.5 + 0.15 * n) * at_s) * np.cos(2.0 * np.pi * partial_hz * at_s + phases[n])
    return np.asarray(0.3 * out / np.max(np.abs(out)), np.float32)


def sine(hertz: float, seconds: float, rate: float = RATE) -> Audio:
    return np.asarray(0.3 * np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), np.float32)


def noise(audio: Audio, below_db: float) -> Audio:
    """White noise so far below the audio's RMS, as long."""
    rms = math.sqrt(float(np.mean(audio**2))) * 10 ** (-below_db / 20)
    return np.asarray(rms * np.random.default_rng(3).standard_normal(len(audio)), np.float32)


def noisy(audio: Audio) -> Audio:
    return np.asarray(audio + noise(audio, 50.0), np.float32)


def humming(audio: Audio) -> Audio:
    """With mains hum of 50 and 150 Hz, 50 and 56 dB below full scale."""
    hum = sine(50.0, len(audio) / RATE) + np.float32(0.5) * sine(150.0, len(audio) / RATE)
    return np.asarray(audio + hum * np.float32(10 ** (-50 / 20) / 0.3), np.float32)


def readings(audio: Audio, rate: float = RATE) -> list[tuple[float, Pitch | None]]:
    """What the tuner says after each 1/50 s: seconds, pitch."""
    tuner = Tuner(rate)
    chunk = round(rate / 50)
    ends = range(chunk, len(audio) + 1, chunk)
    return [(end / rate, tuner.hear(audio[end - chunk : end])) for end in ends]


def cents_off(pitch: Pitch, hertz: float) -> float:
    return 1200.0 * math.log2(pitch.hertz / hertz)


MATERIAL: dict[str, Callable[[float], Audio]] = {
    "sine": lambda hz: sine(hz, 0.8),
    "string": lambda hz: string(hz, 0.8),
    "stiff string, B = 5e-4": lambda hz: string(hz, 0.8, stiffness=5e-4),
    "first partial -20 dB": lambda hz: string(hz, 0.8, first_db=-20.0),
    "noise -50 dB": lambda hz: noisy(string(hz, 0.8)),
    "hum -50 dBFS": lambda hz: humming(string(hz, 0.8)),
}


def print_errors(notes: int) -> None:
    ranges = list(pairwise(EDGES_HZ))
    print(f"{'worst error in cents':24}" + "".join(f"{low:6.0f}-{high:<5.0f}" for low, high in ranges) + "  None")
    for name, make in MATERIAL.items():
        worst, missing = [], 0
        for low, high in ranges:
            errors = []
            for hertz in np.geomspace(low * 1.001, high * 0.999, notes):
                heard = [pitch for at_s, pitch in readings(make(float(hertz))) if at_s > 0.5]
                missing += heard.count(None)
                errors += [abs(cents_off(pitch, float(hertz))) for pitch in heard if pitch is not None]
            worst.append(max(errors, default=math.nan))
        print(f"{name:24}" + "".join(f"{cents:12.4f}" for cents in worst) + f"{missing:6}", flush=True)


def first_right_s(hertz: float, silence_s: float) -> float:
    silence = np.zeros(round(silence_s * RATE), np.float32)
    for at_s, pitch in readings(np.concatenate([silence, string(hertz, 0.8)])):
        if pitch is not None and abs(cents_off(pitch, hertz)) <= RIGHT_CENTS:
            return at_s - silence_s
    return math.inf


def print_attacks() -> None:
    print(f"\n{'right after an attack':24}{'median':>8}{'worst':>8}")
    for name, hertz in OPEN_STRINGS_HZ.items():
        seconds = [first_right_s(hertz, 0.3 + step / (16 * UPDATES_PER_S)) for step in range(16)]
        print(f"{name:24}{1e3 * float(np.median(seconds)):5.0f} ms{1e3 * max(seconds):5.0f} ms", flush=True)


def print_costs() -> None:
    print(f"\n{'CPU per update':24}{'median':>10}{'worst':>10}")
    for rate in (48_000, 96_000, 192_000):
        for name in ("B0", "E2", "E4"):
            audio = string(OPEN_STRINGS_HZ[name], 4.0, rate)
            chunk = rate // UPDATES_PER_S
            tuner, costs_s = Tuner(rate), []
            for start in range(0, len(audio) - chunk, chunk):
                before = time.process_time()
                tuner.hear(audio[start : start + chunk])
                costs_s.append(time.process_time() - before)
            median, worst = float(np.median(costs_s)), max(costs_s)
            print(f"{f'{name}, {rate / 1000:g} kHz':24}{1e3 * median:7.2f} ms{1e3 * worst:7.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=25, help="per range")
    arguments = parser.parse_args()
    print_errors(arguments.notes)
    print_attacks()
    print_costs()


if __name__ == "__main__":
    main()
