"""Queries of the JACK graph. They handle ports that disappear at any moment.

JACK-Client (0.5.7, `Client.get_ports`, `OwnPort.connections`) gets names from JACK and then looks each one up again. It
raises JackError if a port has disappeared in between. The functions here only get names.
"""

from __future__ import annotations

import errno
from typing import Any

import jack

AUDIO = b"32 bit float mono audio"
MIDI = b"8 bit raw midi"


class JackGraph:
    """The graph as one client sees it. An answer may be outdated at once; no method raises because a port is gone."""

    def __init__(self, client: jack.Client) -> None:
        self._client = client

    def names(self, kind: bytes, *, physical: bool = False, is_output: bool | None = None) -> list[str]:
        """Return the full names of all ports of a kind.

        kind: AUDIO or MIDI.
        is_output: None: both directions.
        """
        flags = jack._lib.JackPortIsPhysical if physical else 0
        if is_output is not None:
            flags |= jack._lib.JackPortIsOutput if is_output else jack._lib.JackPortIsInput
        return _texts(jack._lib.jack_get_ports(self._client._ptr, b"", kind, flags))

    def connected(self, port: jack.OwnPort) -> list[str]:
        """Return the full names of all ports that are connected to one of our ports."""
        return _texts(jack._lib.jack_port_get_connections(port._ptr))

    def real_name(self, name: str) -> str | None:
        """Return the full name of a port, by its name or one of its aliases; None: there is no such port."""
        pointer = jack._lib.jack_port_by_name(self._client._ptr, name.encode(errors="surrogateescape"))
        if pointer == jack._ffi.NULL:
            return None
        return _text(jack._lib.jack_port_name(pointer)) or None

    def join(self, source: str, target: str) -> bool:
        """Connect two ports. Return True if they are connected now, even if another program did it."""
        ends = (name.encode(errors="surrogateescape") for name in (source, target))
        return jack._lib.jack_connect(self._client._ptr, *ends) in (0, errno.EEXIST)


def _texts(names: Any) -> list[str]:
    """Return the strings of a list from JACK, and free it. NULL is an empty list."""
    if names == jack._ffi.NULL:
        return []
    try:
        found, at = [], 0
        while names[at] != jack._ffi.NULL:
            found.append(_text(names[at]))
            at += 1
        return found
    finally:
        jack._lib.jack_free(names)


def _text(name: Any) -> str:
    # The port name of another client may not be UTF-8.
    return jack._ffi.string(name).decode(errors="surrogateescape") if name != jack._ffi.NULL else ""
