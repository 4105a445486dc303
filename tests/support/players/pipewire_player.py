"""Plays a recording into nampedal through PipeWire, and saves what nampedal plays meanwhile.

Usage: pw-jack python pipewire_player.py SENT.npy GOT.npy
"""

from __future__ import annotations

import sys

import numpy as np

from support.players.jack_player import Player
from support.players.jack_server import wait_for


def main() -> None:
    sent, got = sys.argv[1:]
    player = wait_for(lambda: Player.open("default"))
    player.connect("nampedal:in", ["nampedal:left", "nampedal:right"])
    np.save(got, player.play_on(np.load(sent)))
    player.close()


if __name__ == "__main__":
    main()
