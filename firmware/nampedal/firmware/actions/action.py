"""Parses and checks actions: short texts that say what a footswitch, a MIDI message or a request does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nampedal.firmware.base.errors import ControlMapError

SWITCHES = ("bypass", "tuner", "mute")
# Follows one of SWITCHES: the value of the mapped control switches it on and off.
FOLLOWS = "follows"
# The maximum length of a chain of actions that are joined by "again".
MAX_ACTIONS = 8
# The names of a bank and of a preset have up to 255 bytes each.
MAX_LETTERS = 1000
_MAX_SHOWN = 60
_AGAIN = ": behind again"


@dataclass(frozen=True, slots=True)
class Action:
    """One action that the pedal can carry out.

    kind: one of `KINDS`.
    words: the arguments, such as the name of a preset.
    again: the action to do instead, if the target state of this one is already active (its preset plays, or it is on).
    """

    kind: str
    words: tuple[str, ...] = ()
    again: Action | None = None

    @property
    def follows(self) -> bool:
        """Return True if a control value switches it on and off.

        Then the caller carries it out as `Action(kind, ("on",))` or `Action(kind, ("off",))`.
        """
        return self.kind in SWITCHES and self.words == (FOLLOWS,)

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


# For each kind: a check of its arguments, and the text that describes them in error messages.
KINDS: Mapping[str, tuple[Callable[[tuple[str, ...]], bool], str]] = {
    "preset": (bool, "a number, a name, or '=' and a name"),
    "bank": (bool, "next, previous, a number, a name, or '=' and a name"),
    "next": (_words(), "nothing"),
    "previous": (_words(), "nothing"),
    **{name: (_words("on", "off"), "on, off, or nothing for the other way round") for name in SWITCHES},
    "save": (_words(), "nothing"),
    "set": (_set, "a setting and a number"),
    "none": (_words(), "nothing"),
}


def parse(text: object, where: str, *, valued: bool = False) -> Action:
    """Parse the text of an action.

    where: the location for error messages.
    valued: True if the action is mapped to a control that has a value, so that "follows" is allowed.
    Raises ControlMapError.
    """
    if not isinstance(text, str) or not text.split():
        raise ControlMapError(f'{where}: is {shown(text)}; an action like "preset 1" is needed')
    if len(text) > MAX_LETTERS:
        raise ControlMapError(f"{where}: has {len(text)} letters; {MAX_LETTERS} are allowed")
    parts: list[list[str]] = [[]]
    for word in text.split():
        if word == "again":
            parts.append([])
        else:
            parts[-1].append(word)
    if len(parts) > MAX_ACTIONS:
        raise ControlMapError(f"{where}: has {len(parts)} actions, one for each time; {MAX_ACTIONS} are allowed")
    found: Action | None = None
    for number, words in reversed(list(enumerate(parts))):
        if number and not words:
            raise ControlMapError(f"{where}{_AGAIN * number}: is ''; an action like \"preset 1\" is needed")
        found = _one(words, where + _AGAIN * number, found, valued=valued and number == 0)
    assert found is not None
    return found


def _one(own: Sequence[str], where: str, again: Action | None, *, valued: bool) -> Action:
    kind, words = (own[0], tuple(own[1:])) if own else ("", ())
    if kind not in KINDS:
        raise ControlMapError(f"{where}: {shown(kind)} is no action; known are {', '.join(KINDS)}")
    if kind in ("preset", "bank"):
        words = (" ".join(words),) if words else ()
    if own[-1] == FOLLOWS and len(own) > 1 and not own[1].startswith("="):
        _check_follows(kind, words, where, valued=valued and again is None)
        return Action(kind, words)
    fits, allowed = KINDS[kind]
    if not fits(words):
        raise ControlMapError(
            f"{where}: {kind} is followed by {shown(' '.join(words) or 'nothing')}; allowed is {allowed}"
        )
    return Action(kind, words, again)


def _check_follows(kind: str, words: tuple[str, ...], where: str, *, valued: bool) -> None:
    """Check that "follows" is allowed here. Raises ControlMapError."""
    if kind not in SWITCHES:
        raise ControlMapError(
            f"{where}: {kind} has no on and off that could follow a value; {', '.join(SWITCHES)} have"
        )
    if words != (FOLLOWS,):
        raise ControlMapError(
            f"{where}: {kind} is followed by {' '.join(words)!r}; '{kind} {FOLLOWS}' is all there is to say"
        )
    if not valued:
        raise ControlMapError(
            f"{where}: there is no value that {kind} could follow; '{kind} {FOLLOWS}' is for MIDI control changes and "
            f"notes, without again: say '{kind}', '{kind} on' or '{kind} off'"
        )


def shown(value: object) -> str:
    """Return a value as Python source for an error message, shortened if it is long."""
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}...")
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a number of many digits"
    return repr(value) if isinstance(value, (int, float, type(None))) else f"a {type(value).__name__}"
