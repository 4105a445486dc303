"""Inside the machine, as the pedal's user: PRESET.toml plays FILE.wav live, in freewheel, and offline. Prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jack
import numpy as np
import soundfile
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain
from support.players.jack_player import Player

SERVER = "default"


def main() -> None:
    path, wav = Path(sys.argv[1]), Path(sys.argv[2])
    audio = np.asarray(soundfile.read(wav, dtype="float32")[0], np.float32)
    silence = np.zeros(96_000, np.float32)
    helper = jack.Client("helper", no_start_server=True, servername=SERVER)
    period, rate = helper.blocksize, helper.samplerate
    for port in helper.get_ports("system:capture_.*"):
        for other in helper.get_all_connections(port):
            helper.disconnect(port, other)
    helper.close()
    player = Player(SERVER)
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    left, right = player.play(np.concatenate([silence, audio, np.zeros(period, np.float32)]))
    player.close()
    chain = Chain.prepare(preset.read(path), path.parent, sample_rate=float(rate), max_frames=period)
    chain.render(silence)
    expected = chain.render(audio)
    got = left[len(silence) + period :]
    result = {
        "frames": len(got),
        "period": period,
        "loud": float(np.abs(expected).max()),
        "equal": bool(np.array_equal(got, expected) and np.array_equal(left, right)),
        "differs": float(np.abs(got - expected).max()),
    }
    sys.stdout.write(json.dumps(result) + "\n")


main()
