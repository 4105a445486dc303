"""The JACK client: one input for each channel, two outputs, and a native callback between them.

The package JACK-Client owns the client, its ports and its connections. The process callback is a C function of the
engine, so that Python's global lock never delays the audio. Ports can appear and disappear at any time. An audio port
that was named and is missing is an error; all others are tried again later.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jack
from nampedal.firmware.base.errors import JackRefusedError, NoJackServerError
from nampedal.firmware.engine import _engine
from nampedal.firmware.jack.jack_graph import AUDIO, MIDI, JackGraph
from nampedal.firmware.jack.midi_sources import MidiSources
from nampedal.firmware.jack.sound_server import PIPEWIRE, sound_server, tell_of_end

_log = logging.getLogger(__name__)
NAME = "nampedal"
# The names of the input ports, by the number of channels.
IN_PORTS = {1: ("in",), 2: ("in_left", "in_right")}
MIDI_PORT = "midi_in"
OUT_PORTS = ("left", "right")
# The number of attempts to connect the sound card's ports before that is left for later.
LOOKS = 3
# The pause before the graph is read again after a change or a failure. It doubles each time, up to LAST_AGAIN_S.
AGAIN_S = 0.02
LAST_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class PortConnections:
    """The full JACK names of the ports to connect to.

    inputs, outputs: (): the first ports of the sound card.
    midi: (): all physical ones. They may appear later, and again after they disappeared.
    fallback_to_first: skip inputs that do not exist; if none exists, use the first ones of the sound card.
    """

    inputs: tuple[str, ...] = ()
    midi: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    fallback_to_first: bool = False


class JackPorts:
    """A JACK client with its ports. It is open, but does not play yet.

    server: the server that it is a client of.
    lost: is set when the server is gone; then call close().
    xruns: the number of xruns so far.
    sample_rate: Hz.
    period_frames: the current period of JACK.
    """

    def __init__(self, server: str | None, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Raises NoJackServerError. server: None: JACK_DEFAULT_SERVER, or 'default'."""
        self.server = sound_server(jack.version_string(), server)
        self._shown = self.server.shown
        # Suppress the five lines that JACK prints for each missing server.
        jack.set_error_function(lambda message: None)
        try:
            self._client = jack.Client(name, no_start_server=True, servername=server)
        except jack.JackError as error:
            raise NoJackServerError(f"{self._shown}: does not answer; {self.server.meet}") from error
        finally:
            jack.set_error_function(None)
        self._graph = JackGraph(self._client)
        self.lost = threading.Event()
        self.xruns = 0
        with self._answered():
            self._client.set_shutdown_callback(lambda status, reason: self.lost.set())
            if self.server.program == PIPEWIRE:
                self._end_callback = tell_of_end(_address_of(self._client._ptr), self.lost.set)
            self._client.set_xrun_callback(self._count_xrun)
            self._ins = [self._client.inports.register(name) for name in inputs]
            self._outs = [self._client.outports.register(name) for name in outputs]

    @property
    def name(self) -> str:
        """Return the name of the client in JACK, which differs from the requested one if that was in use."""
        return str(self._client.name)

    @property
    def sample_rate(self) -> float:
        return float(self._client.samplerate)

    @property
    def period_frames(self) -> int:
        return int(self._client.blocksize)

    def close(self) -> None:
        """Close the client. It also works after the server is gone."""
        self._client.close()

    def _count_xrun(self, delayed_us: float) -> None:
        self.xruns += 1

    @contextlib.contextmanager
    def _answered(self) -> Iterator[None]:
        """Treat any JACK error as a lost server. Close the client and raise NoJackServerError."""
        try:
            yield
        except jack.JackError as error:
            self._client.close()
            raise NoJackServerError(f"{self._shown}: went away; {self.server.meet}") from error

    def _start(self, wiring: PortConnections) -> bool:
        """Activate the client and connect its ports.

        Returns the result of `_wire`. Raises JackRefusedError, and the errors of `_wire`.
        """
        try:
            self._client.activate()
        except jack.JackError as error:
            raise JackRefusedError(
                f"{self._shown}: does not let {self.name} begin; restart {self.server.program}"
            ) from error
        return any(self._wire(wiring) for _ in range(LOOKS))

    def _wire(self, wiring: PortConnections) -> bool:
        """Connect the ports. Return False if a port that was not named disappeared meanwhile.

        Raises JackRefusedError for a named port.
        """
        named = self._named_inputs(wiring)
        sources = named or self._sound_card(is_output=True)[: len(self._ins)]
        targets = list(wiring.outputs) or self._sound_card(is_output=False)[: len(self._outs)]
        pairs = [
            (source, self._ins[min(number, len(self._ins) - 1)].name, bool(named) and not wiring.fallback_to_first)
            for number, source in enumerate(sources)
        ]
        pairs += [
            (self._outs[min(number, len(self._outs) - 1)].name, target, bool(wiring.outputs))
            for number, target in enumerate(targets)
        ]
        whole = True
        for source, target, asked in pairs:
            try:
                self._join(source, target)
            except JackRefusedError:
                whole = False
                if asked:
                    raise
        return whole

    def _join(self, source: str, target: str) -> None:
        """Connect two ports. Raises JackRefusedError."""
        if not self._graph.join(source, target):
            there = ", ".join(self._names())
            raise JackRefusedError(
                f"{self._shown}: {source} can't be connected to {target}; its audio ports are {there}"
            )

    def _named_inputs(self, wiring: PortConnections) -> list[str]:
        """Return the named inputs to connect; empty: use the first ones of the sound card."""
        if not wiring.fallback_to_first:
            return list(wiring.inputs)
        known = self._names()
        found = [name for name in wiring.inputs if name in known]
        for name in wiring.inputs:
            if name not in found:
                instead = f"{', '.join(found)} alone is" if found else "the first input is"
                _log.warning("the sound card has no input %s; %s played", name, instead)
        return found

    def _sound_card(self, *, is_output: bool) -> list[str]:
        return self._graph.names(AUDIO, physical=True, is_output=is_output)

    def _names(self) -> Sequence[str]:
        return [name for name in self._graph.names(AUDIO) if not name.startswith(f"{self.name}:")]


class JackClient(JackPorts):
    """Plays a stage live: a native callback between one input for each channel and two outputs. It has a MIDI input."""

    def __init__(self, server: str | None = None, name: str = NAME, channels: int = 1) -> None:
        super().__init__(server, name, IN_PORTS[channels], OUT_PORTS)
        self._callback: _engine.JackCallback | None = None
        self._ports_changed = threading.Event()
        self._ports_changed.set()
        # Set if ports appeared or disappeared. Else they were only connected or disconnected.
        self._ports_moved = threading.Event()
        # Set these callbacks without JACK-Client: it calls libjack in the callback thread first. Closing a client may
        # wait for that thread, which would be a deadlock.
        changed = jack._ffi.callback("JackPortRegistrationCallback", lambda port, there, _: self._move())
        joined = jack._ffi.callback("JackPortConnectCallback", lambda one, other, on, _: self._ports_changed.set())
        self._port_callbacks = changed, joined
        jack._lib.jack_set_port_registration_callback(self._client._ptr, changed, jack._ffi.NULL)
        jack._lib.jack_set_port_connect_callback(self._client._ptr, joined, jack._ffi.NULL)
        # The time of the next retry, and the pause before the one after it.
        self._again_s, self._wait_s = float("inf"), AGAIN_S
        # True if ports appeared or disappeared since the last complete read of the graph.
        self._moved = False
        self._midi_sources = MidiSources()
        # The connections to retry, because ports of the sound card disappeared meanwhile; None: all are connected.
        self._unwired: PortConnections | None = None
        # True if a MIDI source is connected.
        self.hears_midi = False
        with self._answered():
            self._midi_in = self._client.midi_inports.register(MIDI_PORT)

    def _move(self) -> None:
        self._ports_moved.set()
        self._ports_changed.set()

    def play(
        self, stage: _engine.Stage, wiring: PortConnections, midi_sources: MidiSources | None = None
    ) -> _engine.JackCallback:
        """Start to play the stage.

        midi_sources: the known MIDI sources from an earlier server; None: none.
        Raises JackRefusedError.
        """
        number = _address_of
        callback = _engine.JackCallback(
            stage,
            number(jack._ffi.addressof(jack._lib, "jack_port_get_buffer")),
            [number(port._ptr) for port in self._ins],
            [number(port._ptr) for port in self._outs],
        )
        count, get = (number(jack._ffi.addressof(jack._lib, name)) for name in _MIDI_FUNCTIONS)
        callback.listen_to_midi(count, get, number(self._midi_in._ptr))
        function, argument = (jack._ffi.cast(kind, at) for kind, at in zip(_KINDS, callback.addresses, strict=True))
        if jack._lib.jack_set_process_callback(self._client._ptr, function, argument):
            raise JackRefusedError(
                f"{self._shown}: takes no process callback from {self.name}; restart {self.server.program}"
            )
        # Keep a reference: JACK calls it until the client is closed.
        self._callback = callback
        self._midi_sources = midi_sources or MidiSources(wiring.midi)
        self._midi_sources.begin()
        self._unwired = None if self._start(wiring) else wiring
        self.connect_midi()
        for name in self._midi_sources.named:
            if self._graph.real_name(name) is None:
                there = ", ".join(self._midi_outputs()) or "none"
                _log.warning(
                    "%s: MIDI port %s is not there; it is connected once it is; there are: %s",
                    self._shown,
                    name,
                    there,
                )
        return callback

    @property
    def thread(self) -> int:
        """Return the pthread_t of JACK's thread. Call it after play()."""
        library = ctypes.CDLL(jack._libname)
        library.jack_client_thread_id.restype = ctypes.c_ulong
        return int(library.jack_client_thread_id(ctypes.c_void_p(_address_of(self._client._ptr))))

    def follow(self) -> None:
        """Connect ports that appeared. Call it often: it does work only after a change."""
        if self._unwired is not None and self._ports_changed.is_set() and self._wire(self._unwired):
            self._unwired = None
        self.connect_midi()

    def connect_midi(self) -> None:
        """Connect new MIDI sources. Call it often: it does work only after a change, or as a retry."""
        now_s, changed = time.monotonic(), self._ports_changed.is_set()
        if not changed and now_s < self._again_s:
            return
        self._ports_changed.clear()
        self._moved = self._moved or self._ports_moved.is_set()
        self._ports_moved.clear()
        whole = False
        try:
            joined = self._join_midi(moved=self._moved)
            self.hears_midi = bool(self._graph.connected(self._midi_in))
            whole = joined
        finally:
            # Retry after any failure. Also retry after success: JACK reports a change before its graph shows it. The
            # delay is 0.4 s if a connected port disappears (jackd2 1.9.21).
            self._wait_s = AGAIN_S if changed else 2.0 * self._wait_s
            if whole and self._wait_s > LAST_AGAIN_S:
                self._again_s, self._moved = float("inf"), False
            else:
                self._again_s = now_s + min(self._wait_s, LAST_AGAIN_S)

    def _join_midi(self, *, moved: bool) -> bool:
        """Connect MIDI sources. Return False if a port could not be connected: it may be gone, or not ready yet."""
        named = self._midi_sources.named
        known = [self._graph.real_name(name) for name in named]
        asked = [name for name in known if name] if named else self._graph.names(MIDI, physical=True, is_output=True)
        missing = self._midi_sources.update(
            asked, self._midi_outputs(), self._graph.connected(self._midi_in), moved=moved
        )
        joined = [self._graph.join(name, self._midi_in.name) for name in missing]
        return all(joined)

    def _midi_outputs(self) -> list[str]:
        return self._graph.names(MIDI, is_output=True)

    def close(self) -> None:
        super().close()
        self._callback = None


_MIDI_FUNCTIONS = ("jack_midi_get_event_count", "jack_midi_event_get")
_KINDS = ("JackProcessCallback", "void*")


def _address_of(pointer: Any) -> int:
    return int(jack._ffi.cast("uintptr_t", pointer))
