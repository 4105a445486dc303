"""Plays at half the level through the JACK server of its argument; told so, holds Python's lock for five seconds."""

import ctypes
import sys
import time

from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.jack_client import JackClient, PortConnections

client = JackClient(sys.argv[1])
stage = _engine.Stage(client.sample_rate, client.period_frames)
chain = _engine.Chain(client.sample_rate, client.period_frames, "")
chain.add_gain(0.5)
chain.reset()
stage.go_to(chain, False, 0.001)
client.play(stage, PortConnections())
while stage.blocks < 20:
    time.sleep(0.01)
print(client.name, flush=True)
sys.stdin.readline()
print("holding", flush=True)
# Functions of a PyDLL are called with the lock held.
ctypes.PyDLL(None).usleep(5_000_000)
print("held", flush=True)
sys.stdin.readline()
client.close()
