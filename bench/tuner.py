"""Measures the tuner: its worst errors by range, its readings in hum, its delay after an attack, and its CPU time.

    python bench/tuner.py
    python bench/tuner.py --only hum

Strings are synthesised: partials at n f0 sqrt(1 + B n^2), where higher partials decay faster. Errors are in cents of
the first partial's pitch, over every update from half a second after the attack; 'None' counts updates without a
reading. The tables of hum count updates of decaying, slightly detuned strings from the attack on, as within 3 cents /
no reading / wrong. Half of the hum is of 50 Hz, half of 60 Hz; it begins with the string, or before it. Then come
sounds with no pitch, or two: a reading is wrong there if it belongs to none of the strings. If any reading is wrong,
the exit code is 1. Attacks fall anywhere between two updates, and a reading is right within 5 cents there. Costs are
CPU time.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from nampedal.firmware.audio.tuner import HIGHEST_HZ, LOWEST_HZ, UPDATES_PER_S, Pitch, Tuner
from nampedal.firmware.engine.inference import Audio

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
    """Return a plucked string with a peak of 0.3. hertz: of the first partial.  stiffness: B.

    fall: the amplitudes of partials fall by n^fall.  first_db: additional level of the first partial.
    """
    at_s = np.arange(round(seconds * rate)) / rate
    phases = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, 100)
    out = np.zeros(len(at_s))
    for n in range(1, 100):
        partial_hz = n * hertz * math.sqrt((1.0 + stiffness * n**2) / (1.0 + stiffness))
        if partial_hz > 8000.0:
            break
        # The string is plucked at 0.13 of its length.
        level = math.sin(0.13 * math.pi * n) / n**fall * (10 ** (first_db / 20) if n == 1 else 1.0)
        out += level * np.exp(-(0.5 + 0.15 * n) * at_s) * np.cos(2.0 * np.pi * partial_hz * at_s + phases[n])
    return np.asarray(0.3 * out / np.max(np.abs(out)), np.float32)


def sine(hertz: float, seconds: float, rate: float = RATE) -> Audio:
    return np.asarray(0.3 * np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), np.float32)


def noise(audio: Audio, below_db: float) -> Audio:
    """Return white noise of the audio's length, so many dB below its RMS."""
    rms = math.sqrt(float(np.mean(audio**2))) * 10 ** (-below_db / 20)
    return np.asarray(rms * np.random.default_rng(3).standard_normal(len(audio)), np.float32)


def noisy(audio: Audio) -> Audio:
    return np.asarray(audio + noise(audio, 50.0), np.float32)


def humming(audio: Audio) -> Audio:
    """Return the audio with mains hum of 50 and 150 Hz, 50 and 56 dB below full scale."""
    hum = sine(50.0, len(audio) / RATE) + np.float32(0.5) * sine(150.0, len(audio) / RATE)
    return np.asarray(audio + hum * np.float32(10 ** (-50 / 20) / 0.3), np.float32)


def readings(audio: Audio, rate: float = RATE) -> list[tuple[float, Pitch | None]]:
    """Return the tuner's reading after each 1/50 s: seconds, pitch."""
    tuner = Tuner(rate)
    chunk = round(rate / 50)
    ends = range(chunk, len(audio) + 1, chunk)
    return [(end / rate, tuner.update(audio[end - chunk : end])) for end in ends]


def cents_off(pitch: Pitch, hertz: float) -> float:
    return 1200.0 * math.log2(pitch.hertz / hertz)


# ---- hum ----

TOLERANCE_CENTS = 3.0
HUM_DBFS = (None, -80.0, -70.0, -60.0, -50.0, -40.0)
MAINS_HZ = (50.0, 60.0)
TABLE_HZ = {"B0": 30.868, "E1": 41.203, "A1": 55.0, "D2": 73.416, "G2": 97.999, "E2": 82.407, "A2": 110.0}
TABLE_HZ |= {"D3": 146.832, "G3": 195.998, "B3": 246.942, "E4": 329.628}


@dataclass(frozen=True)
class Pluck:
    """A string's sound over time. The amplitude of partial n is level(n) times the sum of weight e^(-(a + b n) t).

    decays: (weight, a, b) each.  beat_cents: distance of the last decay's partials from those of the first one.
    """

    level: Callable[[int], float]
    decays: tuple[tuple[float, float, float], ...]
    stiffness: float = 1e-4
    beat_cents: float = 0.0

    def sound(self, hertz: float, seconds: float, generator: np.random.Generator) -> Audio:
        """Return the sound from its attack on, with a peak of 0.1 (-20 dBFS)."""
        at_s = np.arange(round(seconds * RATE)) / RATE
        out = np.zeros(len(at_s))
        for n in range(1, 1 + min(24, int(6000.0 / hertz))):
            partial_hz = n * hertz * math.sqrt((1.0 + self.stiffness * n**2) / (1.0 + self.stiffness))
            phase = generator.uniform()
            for place, (weight, a, b) in enumerate(self.decays):
                off = 2.0 ** (self.beat_cents / 1200.0) if place else 1.0
                turns = partial_hz * off * at_s + phase
                out += self.level(n) * weight * np.exp(-(a + b * n) * at_s) * np.cos(2.0 * np.pi * turns)
        out[:96] *= np.linspace(0.0, 1.0, 96)
        return np.asarray(0.1 * out / np.max(np.abs(out)), np.float32)


def plucked(n: int) -> float:
    return abs(math.sin(0.13 * math.pi * n)) / n


PLUCKS = {
    "slow": Pluck(plucked, ((1.0, 0.5, 0.08),)),
    "fast": Pluck(plucked, ((1.0, 2.5, 0.4),)),
    "double slope": Pluck(plucked, ((0.7, 5.0, 0.5), (0.3, 0.6, 0.1))),
    "stiff, beating": Pluck(plucked, ((0.8, 0.8, 0.15), (0.2, 0.5, 0.1)), 4e-4, 1.5),
    "weak first partial": Pluck(lambda n: plucked(n) * (0.1 if n == 1 else 1.0), ((1.0, 0.8, 0.15),)),
    "loud second partial": Pluck(lambda n: plucked(n) * abs(math.sin(0.25 * math.pi * n)), ((1.0, 1.0, 0.2),)),
}


def hum(
    seconds: float, level_dbfs: float, mains_hz: float, generator: np.random.Generator, lines: int | None = None
) -> Audio:
    """Return hum of this RMS: up to a dozen multiples of the mains frequency, which is off by up to 0.2 Hz.

    Odd multiples, even multiples or neither are louder.
    """
    at_s = np.arange(round(seconds * RATE)) / RATE
    n = np.arange(1, 1 + (lines or int(generator.integers(1, 13))))
    kind = generator.integers(3)
    levels = 1.0 / n ** generator.uniform(0.3, 1.5) * np.where(n % 2 == kind, generator.uniform(0.0, 0.5), 1.0)
    off_hz = mains_hz + generator.uniform(-0.2, 0.2)
    turns = off_hz * n[:, None] * at_s + generator.uniform(size=(len(n), 1))
    out = levels @ np.cos(2.0 * np.pi * turns)
    return np.asarray(10 ** (level_dbfs / 20) * out / math.sqrt(float(np.mean(out**2))), np.float32)


def hiss(seconds: float, level_dbfs: float, generator: np.random.Generator) -> Audio:
    """Return white noise of this RMS."""
    return np.asarray(10 ** (level_dbfs / 20) * generator.standard_normal(round(seconds * RATE)), np.float32)


def in_hum(
    pluck: Pluck,
    hertz: float,
    hum_dbfs: float | None,
    mains_hz: float,
    generator: np.random.Generator,
    before_s: float = 0.0,
) -> Audio:
    """Return three seconds of a string over noise of -85 dBFS and hum. Hum and noise begin before_s earlier."""
    note = pluck.sound(hertz, 3.0, generator)
    seconds = before_s + 3.0
    audio = np.concatenate([np.zeros(round(before_s * RATE), np.float32), note]) + hiss(seconds, -85.0, generator)
    return audio + hum(seconds, hum_dbfs, mains_hz, generator) if hum_dbfs is not None else audio


def updates(audio: Audio) -> list[Pitch | None]:
    """Return the tuner's reading at each update."""
    tuner, chunk = Tuner(RATE), RATE // UPDATES_PER_S
    return [tuner.update(audio[end - chunk : end]) for end in range(chunk, len(audio) + 1, chunk)]


def counts(audio: Audio, *right_hz: float, before_s: float = 0.0) -> Counter[str]:
    """Count the updates that are right, without a reading, and wrong. Before the string, any reading is wrong."""
    told: Counter[str] = Counter()
    for number, pitch in enumerate(updates(audio)):
        if (number + 1) / UPDATES_PER_S <= before_s:
            told["wrong"] += pitch is not None
        elif pitch is None:
            told["none"] += 1
        else:
            off = min((abs(cents_off(pitch, hertz)) for hertz in right_hz), default=math.inf)
            told["right" if off <= TOLERANCE_CENTS else "wrong"] += 1
    return told


def print_row(name: str, cells: Iterable[Counter[str]]) -> None:
    row = ("/".join(str(told[of]) for of in ("right", "none", "wrong")) for told in cells)
    print(f"{name:24}" + "".join(f"{cell:>14}" for cell in row), flush=True)


def print_hum() -> int:
    """Print the tables of hum, and return the number of wrong readings."""
    wrong = 0
    for before_s in (0.0, 1.5):
        head = "".join(f"{'none' if level is None else f'{level:g} dBFS':>14}" for level in HUM_DBFS)
        print(f"\n{f'hum {before_s:g} s before':24}{head}")
        by_pluck = {name: [Counter[str]() for _ in HUM_DBFS] for name in PLUCKS}
        for row, (note, hertz) in enumerate(TABLE_HZ.items()):
            cells = [Counter[str]() for _ in HUM_DBFS]
            for number, (name, pluck) in enumerate(PLUCKS.items()):
                for place, level in enumerate(HUM_DBFS):
                    generator = np.random.default_rng([round(hertz), number, place, round(before_s)])
                    off_hz = hertz * 2 ** (generator.uniform(-20.0, 20.0) / 1200)
                    mains_hz = MAINS_HZ[(row + number + place) % 2]
                    audio = in_hum(pluck, off_hz, level, mains_hz, generator, before_s)
                    told = counts(audio, off_hz, before_s=before_s)
                    cells[place] += told
                    by_pluck[name][place] += told
            print_row(note, cells)
            wrong += sum(told["wrong"] for told in cells)
        for name, cells in by_pluck.items():
            print_row(name, cells)
        sums = [sum((cells[place] for cells in by_pluck.values()), Counter[str]()) for place in range(len(HUM_DBFS))]
        print_row("all", sums)
    return wrong


def pitchless() -> Iterator[tuple[str, Audio]]:
    """Yield sounds that have no pitch, with their names."""
    for seed in range(12):
        generator = np.random.default_rng([1, seed])
        for mains_hz in MAINS_HZ:
            for level in HUM_DBFS[1:]:
                assert level is not None
                noise = hiss(2.0, generator.uniform(-110.0, -70.0), generator)
                yield "hum alone", noise + hum(2.0, level, mains_hz, generator)
        white = hiss(2.0, generator.uniform(-80.0, -20.0), generator)
        yield "white noise", white
        yield "low noise", np.asarray(np.convolve(white, np.exp(-np.arange(400) / 80.0), "same"), np.float32)


def print_no_pitch() -> int:
    """Print the table of sounds with no pitch or two, and return the number of wrong readings."""
    rows: dict[str, Counter[str]] = {}
    for name, audio in pitchless():
        rows.setdefault(name, Counter()).update(counts(audio))
    rows["two strings"] = Counter()
    for semitones in range(1, 25):
        for low_hz in (41.203, 82.407, 110.0, 196.0):
            generator = np.random.default_rng([2, semitones, round(low_hz)])
            both_hz = [low_hz * 2 ** (at / 12 + generator.uniform(-20.0, 20.0) / 1200) for at in (0, semitones)]
            low, high = (PLUCKS["slow"].sound(hertz, 1.5, generator) for hertz in both_hz)
            told = counts(low + high, *both_hz)
            rows["two strings"].update(told)
    print(f"\n{'no pitch, or two':24}{'right/none/wrong':>14}")
    for name, told in rows.items():
        print_row(name, [told])
    return sum(told["wrong"] for told in rows.values())


# ---- errors, attacks and costs ----

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
                tuner.update(audio[start : start + chunk])
                costs_s.append(time.process_time() - before)
            median, worst = float(np.median(costs_s)), max(costs_s)
            print(f"{f'{name}, {rate / 1000:g} kHz':24}{1e3 * median:7.2f} ms{1e3 * worst:7.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=25, help="per range")
    parser.add_argument("--only", choices=["errors", "hum", "attacks", "costs"], help="one part of it")
    arguments = parser.parse_args()
    wrong = 0
    if arguments.only in (None, "errors"):
        print_errors(arguments.notes)
    if arguments.only in (None, "hum"):
        wrong = print_hum() + print_no_pitch()
        print(f"\nwrong readings: {wrong}", flush=True)
    if arguments.only in (None, "attacks"):
        print_attacks()
    if arguments.only in (None, "costs"):
        print_costs()
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
