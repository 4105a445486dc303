"""What a player can have done by a footswitch, a knob, MIDI or the socket: a short text, checked when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nampedal.firmware.errors import ActionError

SWITCHES = ("bypass", "tuner", "mute")


@dataclass(frozen=True, slots=True)
class Action:
    """kind: one of `KINDS`.  words: what it says beside, such as a preset's name.

    again: what is done instead where the first is so already: the preset plays, or is on.
    """

    kind: str
    words: tuple[str, ...] = ()
    again: Action | None = None

    def __str__(self) -> str:
        own = " ".join((self.kind, *self.words))
        return own if self.again is None else f"{own} again {self.again}"


def _words(*allowed: str, needed: int = 0) -> Callable[[tuple[str, ...]], bool]:
    return lambda words: needed <= len(words) <= 1 and all(word in allowed for word in words)


def _set(words: tuple[str, ...]) -> bool:
    if len(words) != 2:
        return False
    try:
        float(words[1])
    except ValueError:
        return False
    return True


# What may follow, and how to say so.
KINDS: Mapping[str, tuple[Callable[[tuple[str, ...]], bool], str]] = {
    "preset": (bool, "a number, or a name"),
    "bank": (bool, "next, previous, or a name"),
    "next": (_words(), "nothing"),
    "previous": (_words(), "nothing"),
    **{name: (_words("on", "off"), "on, off, or nothing for the other way round") for name in SWITCHES},
    "save": (_words(), "nothing"),
    "set": (_set, "a setting and a number"),
    "none": (_words(), "nothing"),
}


def parse(text: object, where: str) -> Action:
    """where: for messages. Raises ActionError."""
    if not isinstance(text, str) or not text.split():
        raise ActionError(f'{where}: is {text!r}; an action like "preset 1" is needed')
    own, again = text.split(), None
    if "again" in own:
        at = own.index("again")
        again = parse(" ".join(own[at + 1 :]), f"{where}: behind again")
        own = own[:at]
    kind, words = (own[0], tuple(own[1:])) if own else ("", ())
    if kind not in KINDS:
        raise ActionError(f"{where}: {kind!r} is no action; known are {', '.join(KINDS)}")
    if kind in ("preset", "bank"):
        # Names may have blanks.
        words = (" ".join(words),) if words else ()
    fits, allowed = KINDS[kind]
    if not fits(words):
        raise ActionError(f"{where}: {kind} is followed by {(' '.join(words) or 'nothing')!r}; allowed is {allowed}")
    return Action(kind, words, again)
