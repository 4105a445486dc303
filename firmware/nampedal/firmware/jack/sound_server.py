"""Finds the sound server behind the JACK library, for messages: jackd, or PipeWire if pw-jack loads its own library.

PipeWire's library has the same name. It ignores JACK_DEFAULT_SERVER, and uses the server name as the name of its own
socket, except for "default". PIPEWIRE_REMOTE has priority over both (pipewire-jack/src/pipewire-jack.c and
src/modules/module-protocol-native/local-socket.c in the sources of PipeWire).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PIPEWIRE = "PipeWire"
# The default name of PipeWire's socket.
_REMOTE = "pipewire-0"


@dataclass(frozen=True, slots=True)
class SoundServer:
    """The server that a client connects to, with texts for messages.

    shown: its kind and name.
    program: the program to start or restart.
    meet: advice for a server that does not answer.
    longer: advice to get longer periods.
    """

    shown: str
    program: str
    meet: str
    longer: str


def sound_server(library: str, server: str | None) -> SoundServer:
    """Return the server that a client would connect to.

    library: the version text of the JACK library.
    server: the requested server name; None: the default.
    """
    if PIPEWIRE in library:
        named = server if server != "default" else None
        shown = os.environ.get("PIPEWIRE_REMOTE") or named or _REMOTE
        return SoundServer(
            f"PipeWire {shown!r}",
            PIPEWIRE,
            "start it ('systemctl --user start pipewire wireplumber'), or wait for it",
            "run this through 'pw-jack -p 512'",
        )
    # The default of libjack if no name is given.
    asked = server or os.environ.get("JACK_DEFAULT_SERVER")
    meet = "start jackd, or wait for it"
    if not asked and _pipewire_runs():
        meet = "start jackd, or play through PipeWire, which runs here: 'pw-jack nampedal ...'"
    return SoundServer(f"JACK server {asked or 'default'!r}", "jackd", meet, "start jackd with longer periods (-p)")


def _pipewire_runs() -> bool:
    folder = os.environ.get("PIPEWIRE_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    return bool(folder) and Path(folder or "", _REMOTE).is_socket()


def tell_of_end(client: int, then: Callable[[], None]) -> object:
    """Set a callback for the end of PipeWire. Keep a reference to the returned object.

    client: the address of the client in the JACK library.
    then: the callback.
    PipeWire before 0.3.72 (Debian 12 has 0.3.65) ignores jack_on_info_shutdown, the only such function that JACK-Client
    uses.
    """
    # The library that is already loaded: pw-jack sets its path.
    library = ctypes.CDLL("libjack.so.0")
    callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: then())
    library.jack_on_shutdown(ctypes.c_void_p(client), callback, None)
    return callback
