"""A memory card that loses unflushed writes at a power cut: a block device over NBD, in a process of its own.

Usage: forgetful_card.py CARD.raw SOCKET SEED. SIGTERM cuts the power. Each write since the last flush is then kept,
lost, or torn between two sectors, as the seed decides: a card may write in any order until it is told to flush.
Protocol: NetworkBlockDevice/nbd, doc/proto.md, fixed newstyle negotiation, simple replies.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

SECTOR_BYTES = 512
_MAGIC, _HAVE_OPTION, _OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x3E889045565A9
_REQUEST, _REPLY = 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_EXPORT_NAME, _ABORT, _INFO, _GO = 1, 2, 6, 7
_ACK, _REP_INFO, _UNSUPPORTED = 1, 3, 0x80000001
# NBD_FLAG_HAS_FLAGS, NBD_FLAG_SEND_FLUSH, NBD_FLAG_SEND_FUA.
_FLAGS = 1 | 4 | 8
_READ, _WRITE, _DISCONNECT, _FLUSH = range(4)
_FUA = 1
_INVALID = 22


@dataclass
class Write:
    """A write since the last flush. kept: it was written through (FUA)."""

    offset: int
    old: bytes
    new: bytes
    kept: bool


class Card:
    """The card's contents, and the writes that a power cut would lose."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self._file).st_size
        self.unflushed: list[Write] = []

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, length, offset)

    def write(self, offset: int, data: bytes, *, through: bool) -> None:
        self.unflushed.append(Write(offset, self.read(offset, len(data)), data, through))
        os.pwrite(self._file, data, offset)

    def flush(self) -> None:
        self.unflushed.clear()

    def pull_the_plug(self, luck: random.Random) -> str:
        """Cut the power, and return a text that says what happened to the writes."""
        lost = torn = 0
        for write in reversed(self.unflushed):
            os.pwrite(self._file, write.old, write.offset)
        for write in self.unflushed:
            sectors = len(write.new) // SECTOR_BYTES
            kept = sectors if write.kept else luck.choice((0, sectors, luck.randint(0, sectors)))
            lost += kept == 0
            torn += 0 < kept < sectors
            os.pwrite(self._file, write.new[: kept * SECTOR_BYTES], write.offset)
        os.fsync(self._file)
        return f"{len(self.unflushed)} writes were not flushed: {lost} lost, {torn} torn"


def exactly(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise ConnectionError
        data += part
    return bytes(data)


def negotiate(connection: socket.socket, card: Card) -> bool:
    """Return True if the client wants to go on."""
    connection.sendall(struct.pack(">QQH", _MAGIC, _HAVE_OPTION, _FIXED_NEWSTYLE | _NO_ZEROES))
    exactly(connection, 4)
    export = struct.pack(">QH", card.size, _FLAGS)
    while True:
        _, option, length = struct.unpack(">QII", exactly(connection, 16))
        exactly(connection, length)

        def reply(kind: int, data: bytes = b"", option: int = option) -> None:
            connection.sendall(struct.pack(">QIII", _OPTION_REPLY, option, kind, len(data)) + data)

        if option == _EXPORT_NAME:
            connection.sendall(export)
            return True
        if option in (_INFO, _GO):
            reply(_REP_INFO, struct.pack(">H", 0) + export)
            reply(_ACK)
            if option == _GO:
                return True
        elif option == _ABORT:
            reply(_ACK)
            return False
        else:
            reply(_UNSUPPORTED)


def serve(connection: socket.socket, card: Card) -> None:
    """Serve a client until it disconnects."""
    if not negotiate(connection, card):
        return
    while True:
        _, flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", exactly(connection, 28))
        data, error = b"", 0
        if kind == _DISCONNECT:
            return
        if kind == _READ:
            data = card.read(offset, length)
        elif kind == _WRITE:
            card.write(offset, exactly(connection, length), through=bool(flags & _FUA))
        elif kind == _FLUSH:
            card.flush()
        else:
            error = _INVALID
        connection.sendall(struct.pack(">IIQ", _REPLY, error, cookie) + data)


class PlugPulledError(Exception):
    """The power was cut by SIGTERM."""


def main(path: str, address: str, seed: str) -> None:
    card = Card(Path(path))

    def pull(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise PlugPulledError

    signal.signal(signal.SIGTERM, pull)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            while True:
                with listener.accept()[0] as connection:
                    try:
                        serve(connection, card)
                    except ConnectionError:
                        continue
    except PlugPulledError:
        sys.stdout.write(card.pull_the_plug(random.Random(int(seed))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
