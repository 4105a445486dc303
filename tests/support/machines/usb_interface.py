"""A USB audio interface in software, plugged into an emulated machine by USB/IP.

The kernel's own loopback controllers, dummy_hcd and usbip-vudc, do not support isochronous transfers, which audio needs
(xairy/raw-gadget, issue 72; torvalds/linux, v_timer in drivers/usb/usbip/vudc_transfer.c at 09e005c). vhci_hcd does:
tests/image/guest/usb_port.py passes it the socket that ends here. Everything above is real: the USB core,
snd-usb-audio, jackd, nampedal.

The interface is a USB audio class 1.0 device at full speed: two channels in each direction, 24 bits, 48 kHz, an input
with volume and mute. Its clock is in this program: unlike a quartz it waits for a slow machine, so that nothing is
lost.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int64]

RATE = 48_000
CHANNELS, SAMPLE_BYTES = 2, 3
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
# One packet per millisecond.
PACKET_FRAMES = RATE // 1000
PACKET_BYTES = PACKET_FRAMES * FRAME_BYTES
# Wall-clock milliseconds in a millisecond of the interface. jackd drops a period that takes 1.5 times as long as it
# should (jack2, linux/alsa/alsa_driver.c, poll_timeout).
STRETCH = 1.15
# How long the clock waits for a direction that has no request from the host: an emulator may pause for some tenths of
# a second.
PATIENCE_S = 1.0
# Check again for requests after so many packets, if the host has none pending.
PACKETS_AT_A_LOOK = 6
# Maximum number of packets that pass at once when this program was late.
MAX_AT_ONCE = 12
# JACK's scale for 24 bits (jack2, common/memops.c, SAMPLE_24BIT_SCALING).
FULL_SCALE = 8_388_607.0

SUBMIT, UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
EPIPE, ECONNRESET = -32, -104
HEADER = struct.Struct(">5I28s")
_OUT_ENDPOINT, _IN_ENDPOINT = 1, 2
# The input's volume goes from 0 dB up in steps of 1 dB.
VOLUME_STEPS = 30
VENDOR, PRODUCT = 0x1209, 0x0001
NAMES = ("", "nampedal's tests", "Made-up Interface")


def _interface(number: int, setting: int, endpoints: int, subclass: int) -> bytes:
    return bytes([9, 4, number, setting, endpoints, 1, subclass, 0, 0])


def _stream(number: int, terminal: int, endpoint: int, kind: int) -> bytes:
    """Return the descriptors of an interface that is off in its setting 0. kind: bmAttributes of the endpoint."""
    return (
        _interface(number, 0, 0, 2)
        + _interface(number, 1, 1, 2)
        + bytes([7, 0x24, 1, terminal, 1, 1, 0])
        + bytes([11, 0x24, 2, 1, CHANNELS, SAMPLE_BYTES, 24, 1])
        + RATE.to_bytes(3, "little")
        + struct.pack("<BBBBHBBB", 9, 5, endpoint, kind, PACKET_BYTES, 1, 0, 0)
        + bytes([7, 0x25, 1, 1, 0, 0, 0])
    )


def _configuration() -> bytes:
    """Return the configuration descriptor: microphone, volume, USB; USB, loudspeaker.

    After tables 4-2 to 4-21 of the class's specification.
    """
    units = (
        bytes([12, 0x24, 2, 1, 0x01, 0x02, 0, CHANNELS, 3, 0, 0, 0])
        + bytes([10, 0x24, 6, 2, 1, 1, 3, 0, 0, 0])
        + bytes([9, 0x24, 3, 3, 0x01, 0x01, 0, 2, 0])
        + bytes([12, 0x24, 2, 4, 0x01, 0x01, 0, CHANNELS, 3, 0, 0, 0])
        + bytes([9, 0x24, 3, 5, 0x01, 0x03, 0, 4, 0])
    )
    control = _interface(0, 0, 0, 1) + struct.pack("<BBBHHBBB", 10, 0x24, 1, 0x0100, 10 + len(units), 2, 1, 2) + units
    # The output is adaptive: it follows the host's rate. The input is asynchronous: it sends by its own clock.
    streams = _stream(1, 4, _OUT_ENDPOINT, 0x09) + _stream(2, 3, 0x80 | _IN_ENDPOINT, 0x05)
    whole = control + streams
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(whole), 3, 1, 0, 0x80, 50) + whole


DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0110, 0, 0, 0, 64, VENDOR, PRODUCT, 0x0100, 1, 2, 0, 1)
CONFIGURATION = _configuration()


@dataclass
class Stream:
    """One direction. requests: sequence number, packets, bytes of each packet, data.  at: packets that have passed.

    lost: packets that passed without a request from the host.
    """

    on: bool = False
    requests: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    at: int = 0
    lost: int = 0
    empty_since_s: float | None = None


class Interface:
    """Serves its socket in a thread. given: the guitar's samples, (frames,) of 24 bits.  got: the output."""

    def __init__(self, machine: tuple[str, int]) -> None:
        """Take the address of the machine's usb_port.py."""
        self._machine = machine
        self._giving = threading.Lock()
        self.given: Samples = np.zeros(0, np.int64)
        self.given_at = 0
        self.got: list[bytes] = []
        self.records = False
        # CLOCK_MONOTONIC of the first loud packet; 0: there was none.
        self.heard_s = 0.0
        # Volume in 1/256 dB, and mute (1: on): the values before a mixer sets them.
        self.volume, self.mute = 0, 1
        self.out, self.into = Stream(), Stream()
        self.clock = 0
        self._due_s = 0.0
        self._ours: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._answers: list[bytes] = []

    # ---- the cable ----

    def plug(self, port: int) -> None:
        """Plug into a port of the machine's controller. The kernel then enumerates the interface."""
        self.out, self.into = Stream(), Stream()
        self.heard_s = 0.0
        self._due_s = time.monotonic()
        self._ours = socket.create_connection(self._machine)
        self._ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ours.sendall(bytes([port]))
        self._thread = threading.Thread(target=self._serve, args=(self._ours,), daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Unplug the interface, if it is plugged in."""
        if self._ours is None or self._thread is None:
            return
        # The machine may have closed the connection already.
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()
        self._ours = self._thread = None

    def sound(self, patience_s: float) -> float:
        """Play a tone until it comes back, and return CLOCK_MONOTONIC of that moment; 0: it did not come back."""
        self.give(tone(patience_s))
        self.heard_s = 0.0
        wait_for(lambda: self.heard_s > 0.0, patience_s)
        return self.heard_s

    # ---- what the host says ----

    def _serve(self, ours: socket.socket) -> None:
        waiting = bytearray()
        poller = select.poll()
        poller.register(ours, select.POLLIN)
        while True:
            if poller.poll(max(0.0, self._wakes_s() - time.monotonic()) * 1e3):
                try:
                    data = ours.recv(1 << 18)
                except OSError:
                    return
                if not data:
                    return
                waiting += data
                while (size := self._message(waiting)) > 0:
                    del waiting[:size]
            self._tick()
            if self._answers:
                answers, self._answers = b"".join(self._answers), []
                try:
                    ours.sendall(answers)
                except OSError:
                    return

    def _message(self, waiting: bytearray) -> int:
        """Process one message, and return its size in bytes; 0: it is not complete yet."""
        if len(waiting) < HEADER.size:
            return 0
        command, number, _, is_in, endpoint, rest = HEADER.unpack_from(waiting)
        if command == UNLINK:
            self._unlink(number, struct.unpack_from(">I", rest)[0])
            return HEADER.size
        _, length, _, packets, _, setup = struct.unpack(">IiiiI8s", rest)
        sent = 0 if is_in else length
        size = HEADER.size + sent + (16 * packets if endpoint else 0)
        if len(waiting) < size:
            return 0
        data = bytes(waiting[HEADER.size : HEADER.size + sent])
        if endpoint:
            stream = self.into if is_in else self.out
            stream.requests.append((number, packets, bytes(waiting[HEADER.size + sent : size]) + data))
        else:
            self._control(number, setup, data)
        return size

    def _unlink(self, number: int, wanted: int) -> None:
        status = 0
        for stream in (self.out, self.into):
            for request in stream.requests:
                if request[0] == wanted:
                    stream.requests.remove(request)
                    status = ECONNRESET
                    break
        self._answers.append(HEADER.pack(RET_UNLINK, number, 0, 0, 0, struct.pack(">i24x", status)))

    def _answer(self, number: int, status: int, data: bytes, actual: int, packets: int = 0) -> None:
        head = struct.pack(">iiiii8x", status, actual, 0, packets, 0)
        self._answers.append(HEADER.pack(RET_SUBMIT, number, 0, 0, 0, head) + data)

    def _control(self, number: int, setup: bytes, data: bytes) -> None:
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        found: bytes | None = b""
        if (kind, request) == (0x80, 6):
            found = self._descriptor(value >> 8, value & 0xFF)
        elif (kind, request) == (0x01, 11):
            self._set(self.out if index == 1 else self.into, on=value == 1)
        elif kind & 0x60 == 0x20 and kind & 0x1F == 1:
            found = self._unit(request, value >> 8, length, data)
        elif kind & 0x60 == 0x20:
            # The sample rate of an endpoint, which has only one.
            found = RATE.to_bytes(3, "little") if kind & 0x80 else b""
        elif kind & 0x80:
            found = bytes(length)
        if found is None:
            self._answer(number, EPIPE, b"", 0)
        elif kind & 0x80:
            self._answer(number, 0, found[:length], len(found[:length]))
        else:
            self._answer(number, 0, b"", len(data))

    def _descriptor(self, kind: int, index: int) -> bytes | None:
        if kind == 1:
            return DEVICE
        if kind == 2:
            return CONFIGURATION
        if kind == 3 and index < len(NAMES):
            text = NAMES[index].encode("utf-16-le") if index else b"\x09\x04"
            return bytes([2 + len(text), 3]) + text
        return None

    def _set(self, stream: Stream, *, on: bool) -> None:
        stream.on, stream.at, stream.empty_since_s = on, self.clock, None

    def _unit(self, request: int, control: int, length: int, data: bytes) -> bytes | None:
        """Handle a request to the volume unit. Control 1 is mute, control 2 is volume in 1/256 dB."""
        if control == 1:
            if request == 0x01:
                self.mute = data[0]
                return b""
            return bytes([self.mute])
        if request == 0x01:
            self.volume = struct.unpack("<h", data)[0]
            return b""
        values = {0x81: self.volume, 0x82: 0, 0x83: VOLUME_STEPS * 256, 0x84: 256}
        return struct.pack("<h", values[request]) if request in values else None

    # ---- the sound ----

    def _wakes_s(self) -> float:
        """Return when the first request will be complete."""
        left = [
            stream.requests[0][1] - (self.clock - stream.at) if stream.requests else PACKETS_AT_A_LOOK
            for stream in (self.out, self.into)
            if stream.on
        ]
        return self._due_s + max(1, min(left, default=10 * PACKETS_AT_A_LOOK)) * STRETCH * 1e-3

    def _tick(self) -> None:
        """Let the packets pass that are due, equally many in both directions."""
        now_s = time.monotonic()
        due = int((now_s - self._due_s) / (STRETCH * 1e-3))
        if due <= 0:
            return
        self._due_s = now_s if due > MAX_AT_ONCE else self._due_s + due * STRETCH * 1e-3
        due = min(due, MAX_AT_ONCE)
        for stream in (self.out, self.into):
            if not stream.on:
                continue
            ready = sum(request[1] for request in stream.requests) - (self.clock - stream.at)
            if ready > 0:
                stream.empty_since_s = None
                due = min(due, ready)
            else:
                stream.empty_since_s = stream.empty_since_s or now_s
                if now_s - stream.empty_since_s < PATIENCE_S:
                    due = 0
        self.clock += due
        for stream, passed in ((self.out, self._passed_out), (self.into, self._passed_in)):
            if not stream.on:
                stream.at = self.clock
            while stream.on and stream.requests and self.clock - stream.at >= stream.requests[0][1]:
                number, packets, rest = stream.requests.popleft()
                stream.at += packets
                passed(number, packets, rest)
            if stream.on and not stream.requests and self.clock > stream.at:
                stream.lost += self.clock - stream.at
                stream.at = self.clock

    def _passed_out(self, number: int, packets: int, rest: bytes) -> None:
        described, data = rest[: 16 * packets], rest[16 * packets :]
        sizes = struct.unpack(f">{4 * packets}I", described)[1::4]
        total = sum(sizes)
        # Loud means a sample of at least about a hundredth of full scale: its last byte is then neither 0 nor 255.
        if not self.heard_s and data[2::3].strip(b"\0\xff"):
            self.heard_s = time.monotonic()
        if self.records:
            self.got.append(data[:total])
        answered = [struct.pack(">4I", 0, size, size, 0) for size in sizes]
        self._answer(number, 0, b"".join(answered), total, packets)

    def _passed_in(self, number: int, packets: int, rest: bytes) -> None:
        offsets = struct.unpack(f">{4 * packets}I", rest)[0::4]
        frames = packets * PACKET_FRAMES
        with self._giving:
            part = self.given[self.given_at : self.given_at + frames]
            self.given_at += len(part)
        mono = np.zeros(frames, "<i4")
        mono[: len(part)] = part
        stereo = np.zeros((frames, CHANNELS), "<i4")
        stereo[:, 0] = mono
        data = stereo.view(np.uint8).reshape(frames, CHANNELS, 4)[:, :, :SAMPLE_BYTES].tobytes()
        answered = [struct.pack(">4I", offset, PACKET_BYTES, PACKET_BYTES, 0) for offset in offsets]
        self._answer(number, 0, data + b"".join(answered), len(data), packets)

    def give(self, audio: Samples) -> None:
        """Play this audio from now on, then silence."""
        with self._giving:
            self.given_at, self.given = 0, audio

    def gave(self) -> bool:
        """Return True if all given audio has been played."""
        with self._giving:
            return self.given_at >= len(self.given)

    def took(self) -> Samples:
        """Return the output, (frames, CHANNELS) of 24 bits."""
        raw = np.frombuffer(b"".join(self.got), np.uint8).reshape(-1, CHANNELS, SAMPLE_BYTES)
        wide = np.zeros((*raw.shape[:2], 4), np.uint8)
        wide[:, :, 1:] = raw
        return (wide.view("<i4")[:, :, 0] >> 8).astype(np.int64)


def wait_for(what: Callable[[], bool], patience_s: float) -> bool:
    """Wait until the function returns True. Return False after the timeout."""
    end_s = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True


def tone(seconds: float) -> Samples:
    """Return a tone with a peak of 0.3."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    return np.round(0.3 * FULL_SCALE * np.sin(2 * np.pi * 220 * time_s)).astype(np.int64)


def align(got: Samples, wanted: Samples) -> int:
    """Return the index in the output at which the wanted audio begins: the peak of their correlation."""
    size = 1 << (len(got) + len(wanted)).bit_length()
    spectra = np.fft.rfft(got, size) * np.conj(np.fft.rfft(wanted, size))
    return int(np.argmax(np.fft.irfft(spectra, size)[: max(1, len(got) - len(wanted) + 1)]))


def longest_run(good: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of True values."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return int(np.max(ends[1::2] - ends[::2], initial=0))
