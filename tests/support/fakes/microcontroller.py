"""A fake microcontroller with controls, at the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import queue
import threading
import tty
from pathlib import Path

from nampedal.board.drivers.serial_protocol import Decoder, LightLevel, Message, Who, encode

# Tells the thread to end: no frame ends with this byte.
END = b"\xff"
# A message for an LED that no test uses. When it arrives, everything sent before it has arrived, too.
MARK = LightLevel(63, 1, 2, 3, 4)
PATIENCE_S = 60.0


class Microcontroller:
    """A microcontroller at the master end of a new pty. It sends `answers` to each Who, and queues other messages."""

    def __init__(self, port: Path, *answers: Message | bytes) -> None:
        self.answers = answers
        self.heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.asked = 0
        self._master, slave = os.openpty()
        tty.setraw(slave)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(slave))
        # Kept open, so that reading at the master end does not fail while no driver has it open.
        self._slave = slave
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def enqueue(self, *messages: Message | bytes) -> None:
        os.write(self._master, b"".join(m if isinstance(m, bytes) else encode(m) for m in messages))

    def heard_so_far(self) -> list[Message]:
        """Return the messages since the last call."""
        os.write(self._slave, encode(MARK))
        found = []
        while (message := self.heard.get(timeout=PATIENCE_S)) != MARK:
            found.append(message)
        return found

    def fall_silent(self) -> None:
        """Stop answering and reading."""
        os.write(self._slave, END)
        self._thread.join()

    def unplug(self) -> None:
        if self._master >= 0:
            if self._thread.is_alive():
                self.fall_silent()
            os.close(self._slave)
            os.close(self._master)
            self._master = -1

    def _run(self) -> None:
        decoder = Decoder()
        while not (data := os.read(self._master, 1000)).endswith(END):
            for message in decoder.feed(data):
                if isinstance(message, Who):
                    self.asked += 1
                    self.enqueue(*self.answers)
                else:
                    self.heard.put(message)
