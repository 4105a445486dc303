"""A microcontroller with controls, at the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import queue
import threading
import tty
from pathlib import Path

from nampedal.board.serial_protocol import Decoder, LightLevel, Message, Who, encode

# No frame ends so.
END = b"\xff"
# Nobody's light: what was said before it has been heard when it is.
MARK = LightLevel(63, 1, 2, 3, 4)
PATIENCE_S = 60.0


class Microcontroller:
    """At the master's end of a new pty; says `answers` whenever it is asked Who, and keeps what else it hears."""

    def __init__(self, port: Path, *answers: Message | bytes) -> None:
        self.answers = answers
        self.heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.asked = 0
        self._master, slave = os.openpty()
        tty.setraw(slave)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(slave))
        # Held open, so that nobody's coming and going is an error at the master's end.
        self._slave = slave
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def say(self, *messages: Message | bytes) -> None:
        os.write(self._master, b"".join(m if isinstance(m, bytes) else encode(m) for m in messages))

    def heard_so_far(self) -> list[Message]:
        """Since the last call."""
        os.write(self._slave, encode(MARK))
        found = []
        while (message := self.heard.get(timeout=PATIENCE_S)) != MARK:
            found.append(message)
        return found

    def fall_silent(self) -> None:
        """Reads no more, either."""
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
                    self.say(*self.answers)
                else:
                    self.heard.put(message)
