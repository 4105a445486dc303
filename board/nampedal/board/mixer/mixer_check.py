"""Checks that the mixer settings of a HAT's profile fit its drivers, and that the guitar and the output are audible."""

from __future__ import annotations

from collections.abc import Iterator

from nampedal.board.mixer.driver_tables import SoundCard, sound_card
from nampedal.board.mixer.mixer_state import MixerState, apply_line, initial_state
from nampedal.board.mixer.signal_paths import SignalPath, find_path
from nampedal.board.profiles.hats import Hat

CAPTURE, PLAYBACK = "capture ", "playback "


def faults(hat: Hat) -> list[str]:
    """Return the faults of a profile's mixer, one line each; an empty list if no driver table has the HAT's overlay.

    Raises SettingsError if a table is wrong.
    """
    card = sound_card(hat.overlay)
    if card is None:
        return []
    state = initial_state(card)
    found = [fault for words in hat.mixer for fault in apply_line(card, state, words, hat.means.get(words[0], ""))]
    return [*found, *_set_twice(card, hat), *_paths(hat, card, state)]


def final_state(hat: Hat, card: SoundCard) -> MixerState:
    """Return the state of the mixer after all mixer lines of the profile."""
    state = initial_state(card)
    for words in hat.mixer:
        apply_line(card, state, words)
    return state


def guitar_path(hat: Hat, card: SoundCard, state: MixerState) -> SignalPath | None:
    """Return the signal path from the guitar's jack to its input channel; from any jack if the profile names none."""
    starts = [hat.guitar_jack] if hat.guitar_jack else inputs(card)
    return find_path(card, state, starts, f"{CAPTURE}{hat.guitar_channel.value}".__eq__)


def output_path(hat: Hat, card: SoundCard, state: MixerState, channel: int) -> SignalPath | None:
    """Return the signal path from an output channel to its jack; to any jack if the profile names none.

    channel: counted from 1.
    """
    ends = hat.output_jacks[channel - 1 : channel] or tuple(outputs(card))
    return find_path(card, state, [f"{PLAYBACK}{channel}"], ends.__contains__)


def inputs(card: SoundCard) -> list[str]:
    """Return the input jacks: the starts of routes at which no other route ends."""
    ends = {route.end for route in card.routes}
    return sorted({route.start for route in card.routes if not route.start.startswith(PLAYBACK)} - ends)


def outputs(card: SoundCard) -> list[str]:
    """Return the output jacks: the ends of routes at which no other route starts."""
    starts = {route.start for route in card.routes}
    return sorted({route.end for route in card.routes if not route.end.startswith(CAPTURE)} - starts)


def _set_twice(card: SoundCard, hat: Hat) -> Iterator[str]:
    names = {words[0] for words in hat.mixer}
    for name in sorted(names & card.controls.keys()):
        other = card.controls[name].same_as
        if other in names:
            yield f"'{name}' and '{other}' write the same register of the chip: set one of them"


def _paths(hat: Hat, card: SoundCard, state: MixerState) -> Iterator[str]:
    for jack, known in ((hat.guitar_jack, inputs(card)), *((jack, outputs(card)) for jack in hat.output_jacks)):
        if jack and jack not in known:
            yield f"there is no jack '{jack}' of {', '.join(card.drivers)}; known are {', '.join(map(repr, known))}"
            return
    what = f"no guitar from {_jack(hat.guitar_jack)} to input {hat.guitar_channel.value}"
    yield from _closed(guitar_path(hat, card, state), what)
    # Only the profile of a USB interface may leave this out, and that has no overlay.
    assert hat.output_channels is not None
    for channel in range(1, hat.output_channels.value + 1):
        jack = hat.output_jacks[channel - 1] if hat.output_jacks else ""
        yield from _closed(output_path(hat, card, state, channel), f"no sound from output {channel} to {_jack(jack)}")
    if hat.guitar_jack:
        dry = find_path(card, state, [hat.guitar_jack], (hat.output_jacks or tuple(outputs(card))).__contains__)
        if dry is not None and not dry.closed:
            yield f"the dry guitar goes from '{hat.guitar_jack}' straight to '{dry.routes[-1].end}'"


def _jack(name: str) -> str:
    return f"'{name}'" if name else "any jack"


def _closed(path: SignalPath | None, what: str) -> Iterator[str]:
    if path is None:
        yield f"{what}: there is no such way"
    elif path.closed:
        yield f"{what}: {', '.join(path.closed)}"
