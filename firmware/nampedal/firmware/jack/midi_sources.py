"""Decides which MIDI ports are connected to the pedal, also after they disappeared and came back."""

from __future__ import annotations

from collections.abc import Collection, Sequence


class MidiSources:
    """Tracks the MIDI ports to connect.

    named: ports by name or alias; (): all physical ones.

    Ports that the user connected by hand are remembered too. They are connected again when they come back, unless the
    user disconnected them while they were there.
    """

    def __init__(self, named: Sequence[str] = ()) -> None:
        self.named = tuple(named)
        self._by_hand: set[str] = set()
        # The ports at the last call.
        self._there: set[str] = set()
        self._connected: set[str] = set()

    def begin(self) -> None:
        """Start with another server: no port was seen there yet."""
        self._there, self._connected = set(), set()

    def update(
        self, asked: Sequence[str], there: Collection[str], connected: Collection[str], *, moved: bool
    ) -> list[str]:
        """Return the ports to connect now.

        asked: the named ports by their full names, or all physical ones.
        there: all ports that can send MIDI.
        connected: the ports that are connected now.
        moved: ports appeared or disappeared since the last call. Then a missing connection does not mean that the user
        disconnected it.
        """
        cut = set() if moved else (self._connected - set(connected)) & self._there & set(there)
        self._by_hand = (self._by_hand | (set(connected) - set(asked))) - cut
        self._there, self._connected = set(there), set(connected)
        return [
            name for name in dict.fromkeys((*asked, *sorted(self._by_hand))) if name in there and name not in connected
        ]
