"""Our place in the JACK graph: an input for each channel, two outputs, and a native callback between them.

JACK-Client owns the client, its ports and its connections; what JACK calls every period is a C function of the engine,
so that no lock of Python's is between the audio and its deadline.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jack
from nampedal.firmware import _engine
from nampedal.firmware.errors import JackPortError, JackRefusedError, NoJackServerError

_log = logging.getLogger(__name__)
NAME = "nampedal"
# By the number of channels.
IN_PORTS = {1: ("in",), 2: ("in_left", "in_right")}
MIDI_PORT = "midi_in"
OUT_PORTS = ("left", "right")


@dataclass(frozen=True, slots=True)
class Wiring:
    """JACK's names of the ports to connect to; (): the sound card's first ones, and all that MIDI comes from.

    else_first: inputs that are not there are passed over, and if none is, the sound card's first are taken.
    """

    inputs: tuple[str, ...] = ()
    midi: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    else_first: bool = False


class JackPorts:
    """A client with its ports, opened, not yet playing. lost: set when the server is gone; then close().

    xruns: so far.  sample_rate: Hz.  period_frames: JACK's now.
    """

    def __init__(self, server: str | None, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Raises NoJackServerError. server: None: JACK_DEFAULT_SERVER, or 'default'."""
        self._shown = f"JACK server {server or 'default'!r}"
        # JACK prints five lines for every server that is not there.
        jack.set_error_function(lambda message: None)
        try:
            self._client = jack.Client(name, no_start_server=True, servername=server)
        except jack.JackOpenError as error:
            raise NoJackServerError(f"{self._shown}: does not answer; start jackd, or wait for it") from error
        finally:
            jack.set_error_function(None)
        self.lost = threading.Event()
        self.xruns = 0
        self._client.set_shutdown_callback(lambda status, reason: self.lost.set())
        self._client.set_xrun_callback(self._count_xrun)
        with self._answered():
            self._ins = [self._client.inports.register(name) for name in inputs]
            self._outs = [self._client.outports.register(name) for name in outputs]

    @property
    def name(self) -> str:
        """As JACK has it: another one where the name was taken."""
        return str(self._client.name)

    @property
    def sample_rate(self) -> float:
        return float(self._client.samplerate)

    @property
    def period_frames(self) -> int:
        return int(self._client.blocksize)

    def close(self) -> None:
        """Also after the server is gone."""
        self._client.close()

    def _count_xrun(self, delayed_us: float) -> None:
        self.xruns += 1

    @contextlib.contextmanager
    def _answered(self) -> Iterator[None]:
        """A server that registers no port of a client that it took is gone. Raises NoJackServerError."""
        try:
            yield
        except jack.JackError as error:
            self._client.close()
            raise NoJackServerError(f"{self._shown}: went away; start jackd, or wait for it") from error

    def _start(self, wiring: Wiring) -> None:
        """JACK calls from now on. Raises JackPortError, JackRefusedError."""
        try:
            self._client.activate()
        except jack.JackError as error:
            raise JackRefusedError(f"{self._shown}: does not let {self.name} begin; restart jackd") from error
        sources = self._sources(wiring) or self._sound_card(is_output=True)[: len(self._ins)]
        targets = list(wiring.outputs) or self._sound_card(is_output=False)[: len(self._outs)]
        for number, source in enumerate(sources):
            self._join(source, self._ins[min(number, len(self._ins) - 1)].name)
        for number, target in enumerate(targets):
            self._join(self._outs[min(number, len(self._outs) - 1)].name, target)

    def _sources(self, wiring: Wiring) -> list[str]:
        """None: the sound card's first."""
        if not wiring.else_first:
            return list(wiring.inputs)
        known = self._names()
        found = [name for name in wiring.inputs if name in known]
        for name in wiring.inputs:
            if name not in found:
                instead = f"{', '.join(found)} alone is" if found else "the first input is"
                _log.warning("the sound card has no input %s; %s played", name, instead)
        return found

    def _sound_card(self, *, is_output: bool) -> list[str]:
        ports = self._client.get_ports(is_audio=True, is_physical=True, is_output=is_output, is_input=not is_output)
        return [port.name for port in ports]

    def _join(self, source: str, target: str) -> None:
        try:
            self._client.connect(source, target)
        except jack.JackError as error:
            there = ", ".join(self._names())
            raise JackPortError(
                f"{self._shown}: {source} can't be connected to {target}; its audio ports are {there}"
            ) from error

    def _names(self) -> Sequence[str]:
        return [port.name for port in self._client.get_ports(is_audio=True) if not port.name.startswith(self.name)]


class JackClient(JackPorts):
    """Plays live: a native callback between an input for each channel and two outputs. It hears MIDI, too."""

    def __init__(self, server: str | None = None, name: str = NAME, channels: int = 1) -> None:
        super().__init__(server, name, IN_PORTS[channels], OUT_PORTS)
        self._callback: _engine.JackCallback | None = None
        self._ports_changed = threading.Event()
        self._ports_changed.set()
        # JACK-Client asks libjack for the ports before it calls, in the thread that closing a client may wait for.
        changed = jack._ffi.callback("JackPortRegistrationCallback", lambda port, there, _: self._ports_changed.set())
        joined = jack._ffi.callback("JackPortConnectCallback", lambda one, other, on, _: self._ports_changed.set())
        self._port_callbacks = changed, joined
        jack._lib.jack_set_port_registration_callback(self._client._ptr, changed, jack._ffi.NULL)
        jack._lib.jack_set_port_connect_callback(self._client._ptr, joined, jack._ffi.NULL)
        self._wired_midi = False
        # Whether something is connected that could send any.
        self.hears_midi = False
        with self._answered():
            self._midi_in = self._client.midi_inports.register(MIDI_PORT)

    def play(self, stage: _engine.Stage, wiring: Wiring) -> _engine.JackCallback:
        """Let the stage play, from now on. Raises JackPortError, JackRefusedError."""
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
            raise JackRefusedError(f"{self._shown}: takes no process callback from {self.name}; restart jackd")
        # JACK calls it until the client is closed.
        self._callback = callback
        self._wired_midi = bool(wiring.midi)
        self._start(wiring)
        return callback

    @property
    def thread(self) -> int:
        """The pthread_t of the one in which JACK calls us, once we play."""
        library = ctypes.CDLL(jack._libname)
        library.jack_client_thread_id.restype = ctypes.c_ulong
        return int(library.jack_client_thread_id(ctypes.c_void_p(_address_of(self._client._ptr))))

    def connect_midi(self) -> None:
        """To all sources that have come since, unless the wiring names its own. Often: it looks only after a change."""
        if not self._ports_changed.is_set():
            return
        self._ports_changed.clear()
        if not self._wired_midi:
            self._join_midi()
        self.hears_midi = bool(self._midi_in.connections)

    def _join_midi(self) -> None:
        there = self._client.get_ports(is_midi=True, is_physical=True, is_output=True)
        known = {port.name for port in self._midi_in.connections}
        for port in there:
            if port.name not in known:
                # It may be gone again.
                with contextlib.suppress(jack.JackError):
                    self._client.connect(port, self._midi_in)

    def close(self) -> None:
        super().close()
        self._callback = None

    def _start(self, wiring: Wiring) -> None:
        super()._start(wiring)
        for midi in wiring.midi:
            self._join(midi, self._midi_in.name)
        self.connect_midi()


_MIDI_FUNCTIONS = ("jack_midi_get_event_count", "jack_midi_event_get")
_KINDS = ("JackProcessCallback", "void*")


def _address_of(pointer: Any) -> int:
    return int(jack._ffi.cast("uintptr_t", pointer))
