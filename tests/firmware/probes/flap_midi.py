"""Has physical MIDI ports come and go: python flap_midi.py SERVER TIMES."""

from __future__ import annotations

import itertools
import sys

import jack

client = jack.Client("flapping", no_start_server=True, servername=sys.argv[1])
client.activate()
there: list[jack.OwnMidiPort] = []
for number in range(int(sys.argv[2])):
    there.append(client.midi_outports.register(f"usb{number % 7}-{number}", is_physical=True, is_terminal=True))
    if len(there) > number % 5:
        there.pop(0).unregister()
for port in itertools.chain(there):
    port.unregister()
client.close()
