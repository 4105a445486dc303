"""Make the demo: a simulated amplifier, a NAM capture of it, and a dry riff to play through it.

Nothing here comes from a real amplifier or a recording: the amplifier is the few lines of `amplifier`, the guitar is
a plucked-string model, and the capture is trained on them by the neural-amp-modeler trainer, as anyone would train
one of their own gear. The files it writes are in the repository; run it again only to make them anew:

    pip install neural-amp-modeler scipy
    python demo/make_demo.py signals                      # demo/riff.wav, and the training pair in demo/build/
    python demo/make_demo.py train --minutes 60           # demo/overdriven-amp.nam
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

Audio = NDArray[np.float64]

SAMPLE_RATE = 48_000
HERE = Path(__file__).parent
BUILD = HERE / "build"
VALIDATION_S = 9.0


def amplifier(dry: Audio) -> Audio:
    """Overdriven two-stage amplifier: coupling high-passes, two clipping stages, a tone stack. (frames,) -> (frames,)

    The stages run at four times the sample rate, so that what the capture learns is not aliasing.
    """
    rate = 4 * SAMPLE_RATE

    def first_order(x: Audio, kind: str, hz: float) -> Audio:
        return signal.lfilter(*signal.butter(1, hz, kind, fs=rate), x)

    def bell(x: Audio, hz: float, gain_db: float, q: float) -> Audio:
        # Peaking filter of the Audio EQ Cookbook (R. Bristow-Johnson, W3C note).
        a = 10 ** (gain_db / 40)
        w = 2 * np.pi * hz / rate
        alpha = np.sin(w) / (2 * q)
        b = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a]
        return signal.lfilter(b, [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a], x)

    x = signal.resample_poly(dry, 4, 1)
    x = first_order(x, "highpass", 90.0)
    x = np.tanh(9.0 * x + 0.25) - np.tanh(0.25)
    x = first_order(x, "lowpass", 6_500.0)
    x = first_order(x, "highpass", 60.0)
    x = bell(x, 650.0, -4.0, 0.7)
    driven = 2.5 * x
    x = np.where(driven > 0, np.tanh(driven), np.tanh(0.8 * driven) / 0.8)
    x = first_order(x, "lowpass", 5_000.0)
    x = bell(x, 110.0, 3.0, 0.9)
    return 0.35 * signal.resample_poly(x, 1, 4)[: len(dry)]


def pluck(rng: np.random.Generator, hz: float, seconds: float, decay: float = 0.996) -> Audio:
    """One plucked string: a noise burst in a damped delay line (Karplus and Strong 1983), with a pick-position comb."""
    frames = round(seconds * SAMPLE_RATE)
    period = SAMPLE_RATE / hz - 0.5
    whole = int(period)
    fraction = period - whole
    burst = np.zeros(frames)
    length = min(frames, whole)
    burst[:length] = rng.uniform(-1.0, 1.0, length)
    at = max(1, round(0.13 * whole))
    burst[at:] -= burst[:-at].copy()
    loop = np.zeros(whole + 3)
    loop[0] = 1.0
    average = np.convolve([0.5, 0.5], [1.0 - fraction, fraction])
    loop[whole : whole + 3] -= decay * average
    string = signal.lfilter([1.0], loop, burst)
    string = signal.lfilter(*signal.butter(2, 4_500.0, fs=SAMPLE_RATE), string)
    string *= np.minimum(1.0, np.arange(frames)[::-1] / 480)
    return string / np.max(np.abs(string))


def note_hz(midi: float) -> float:
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def training_signal(seconds: float = 120.0, seed: int = 1) -> Audio:
    """Plucked notes and chords, log sweeps and decaying noise at levels from -40 to -1 dBFS. (frames,)

    Silent for half a second before the validation part, as the trainer demands.
    """
    rng = np.random.default_rng(seed)
    out = np.zeros(round(seconds * SAMPLE_RATE))
    at = SAMPLE_RATE // 2
    while at < len(out):
        length_s = rng.uniform(0.4, 1.6)
        frames = round(length_s * SAMPLE_RATE)
        kind = rng.choice(["note", "chord", "sweep", "noise"], p=[0.4, 0.3, 0.15, 0.15])
        if kind == "sweep":
            t = np.arange(frames) / SAMPLE_RATE
            event = signal.chirp(t, 25.0, length_s, rng.uniform(4e3, 18e3), "logarithmic", phi=-90)
        elif kind == "noise":
            event = rng.standard_normal(frames) * np.exp(-np.arange(frames) / (0.25 * frames))
            event = signal.lfilter(*signal.butter(1, rng.uniform(500, 8e3), fs=SAMPLE_RATE), event)
        else:
            root = rng.uniform(28, 70)
            strings = [0.0] if kind == "note" else [0.0, *rng.choice([3, 4, 5, 7, 12, 15], 3, replace=False)]
            event = sum(pluck(rng, note_hz(root + s), length_s, rng.uniform(0.985, 0.998)) for s in strings)
        event = event / np.max(np.abs(event)) * 10 ** (rng.uniform(-40.0, -1.0) / 20)
        event[-240:] *= np.linspace(1.0, 0.0, 240)
        end = min(at + frames, len(out))
        out[at:end] += event[: end - at]
        at += round(frames * rng.uniform(0.6, 1.0))
    validation = len(out) - round(VALIDATION_S * SAMPLE_RATE)
    out[validation - SAMPLE_RATE // 2 : validation] = 0.0
    return out / max(1.0, np.max(np.abs(out)) / 0.95)


def riff(seed: int = 7) -> Audio:
    """An eight-second riff in E minor, as dry as a guitar's own output. (frames,)"""
    rng = np.random.default_rng(seed)
    beat = 60.0 / 132.0
    low_e = 40
    bar = [(0, 0, 0.5), (0.5, 0, 0.5), (1, 12, 0.5), (1.5, 0, 0.5), (2, 10, 0.5), (2.5, 7, 0.5), (3, 5, 1)]
    events = [(start + 4 * b, [note], beats) for b in (0, 1) for start, note, beats in bar]
    events += [(8 + s, [n, n + 7, n + 12], 2) for s, n in ((0, 0), (2, 3), (4, 5))]
    events += [(14, [0, 7, 12, 15, 19], 3)]
    out = np.zeros(8 * SAMPLE_RATE)
    for start, notes, beats in events:
        for string, note in enumerate(notes):
            at = round((start * beat + 0.012 * string + 0.05) * SAMPLE_RATE)
            sound = pluck(rng, note_hz(low_e + note), beats * beat + 0.12)
            end = min(at + len(sound), len(out))
            if at < end:
                out[at:end] += sound[: end - at]
    return 0.4 * out / np.max(np.abs(out))


def write_signals() -> None:
    BUILD.mkdir(exist_ok=True)
    soundfile.write(HERE / "riff.wav", riff(), SAMPLE_RATE, subtype="PCM_16")
    dry = training_signal()
    soundfile.write(BUILD / "dry.wav", dry, SAMPLE_RATE, subtype="PCM_24")
    soundfile.write(BUILD / "wet.wav", amplifier(dry), SAMPLE_RATE, subtype="PCM_24")


def a1_standard() -> dict[str, object]:
    dilations = [2**n for n in range(10)]
    arrays = [
        {"input_size": 1, "channels": 16, "head": {"out_channels": 8, "kernel_size": 1, "bias": False}},
        {"input_size": 16, "channels": 8, "head": {"out_channels": 1, "kernel_size": 1, "bias": True}},
    ]
    common = {"condition_size": 1, "kernel_size": 3, "dilations": dilations, "activation": "Tanh"}
    return {"layers_configs": [{**array, **common} for array in arrays], "head_scale": 0.02}


def train(minutes: float) -> None:
    """Train an A1 standard capture with the trainer's own loop; keep the best by its validation ESR."""
    from nam.models.metadata import GearType, ToneType, UserMetadata
    from nam.train import full

    epochs = 400
    learning = {
        "train_dataloader": {"batch_size": 4, "shuffle": True, "drop_last": True, "num_workers": 0},
        "val_dataloader": {},
        "trainer": {"accelerator": "cpu", "max_epochs": epochs, "max_time": {"minutes": minutes}},
        "trainer_fit_kwargs": {},
    }
    data = {
        "train": {"start_seconds": None, "stop_seconds": -VALIDATION_S, "ny": 8192},
        "validation": {"start_seconds": -VALIDATION_S, "stop_seconds": None, "ny": None},
        "common": {"x_path": str(BUILD / "dry.wav"), "y_path": str(BUILD / "wet.wav"), "delay": 0},
    }
    model = {
        "net": {"name": "WaveNet", "config": a1_standard()},
        "optimizer": {"lr": 0.004},
        "lr_scheduler": {"class": "ExponentialLR", "kwargs": {"gamma": 0.94}},
    }
    out = BUILD / time.strftime("train-%Y%m%d-%H%M%S")
    out.mkdir(parents=True)
    full.main(data, model, learning, out, no_show=True, make_plots=False)
    capture = json.loads((out / "model.nam").read_text())
    who = UserMetadata(
        name="Overdriven amp (simulated)",
        modeled_by="nampedal",
        gear_type=GearType.AMP,
        gear_make="nampedal",
        gear_model="demo/make_demo.py",
        tone_type=ToneType.OVERDRIVE,
    )
    capture["metadata"] |= json.loads(who.model_dump_json())
    (HERE / "overdriven-amp.nam").write_text(json.dumps(capture) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("signals", help="write the riff and the training pair")
    training = commands.add_parser("train", help="train the capture on the training pair")
    training.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    if arguments.command == "signals":
        write_signals()
    else:
        train(arguments.minutes)


if __name__ == "__main__":
    main()
