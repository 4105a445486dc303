"""A MIDI controller at a real JACK server."""

from __future__ import annotations

import jack
from nampedal.firmware.jack.python_callback import PythonCallback


class MidiPlayer:
    """A JACK client that sends messages, `each` of them in a period."""

    def __init__(self, server: str, messages: list[bytes], each: int) -> None:
        self._client = jack.Client("keys", no_start_server=True, servername=server)
        self._out = self._client.midi_outports.register("out")
        self._messages, self._each = messages, each
        self.sent = len(messages)
        self._callback = PythonCallback(self._client, self._process)
        self._client.activate()

    def connect(self, target: str) -> None:
        self._client.connect(self._out.name, target)

    def begin(self) -> None:
        """Send all messages from the first."""
        self.sent = 0

    def send(self, *messages: str) -> None:
        """Send more messages, each as text of hexadecimal bytes such as 'b0 07 7f'."""
        self._messages = self._messages + [bytes.fromhex(message) for message in messages]

    def close(self) -> None:
        self._callback.close()

    def _process(self, frames: int) -> None:
        self._out.clear_buffer()
        for message in self._messages[self.sent : self.sent + self._each]:
            self._out.write_midi_event(0, message)
            self.sent += 1
