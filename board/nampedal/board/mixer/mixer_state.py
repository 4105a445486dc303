"""Tracks the state of a mixer: at the start of its drivers, and after each mixer line of a profile."""

from __future__ import annotations

from dataclasses import dataclass, field

from nampedal.board.mixer.amixer_words import Amount, amounts_in, number_of_percent, switch_words
from nampedal.board.mixer.driver_tables import MixerControl, SoundCard, Switch, Volume

# Tolerance in dB between a value in a profile and the nearest step of the driver.
_DB_ROUNDING = 0.01


@dataclass(slots=True)
class MixerState:
    """The volume numbers, switch states and items of all controls, each by the control's name. None: unknown."""

    numbers: dict[str, int | None] = field(default_factory=dict)
    switches: dict[str, bool | None] = field(default_factory=dict)
    items: dict[str, str | None] = field(default_factory=dict)


def initial_state(card: SoundCard) -> MixerState:
    """Return the state of the mixer when its drivers start."""
    state = MixerState()
    for name, control in card.controls.items():
        if control.volume is not None:
            state.numbers[name] = control.volume.default
        if control.switch is not None:
            state.switches[name] = control.switch.default
        if control.items:
            state.items[name] = control.default_item
    return state


def apply_line(card: SoundCard, state: MixerState, words: tuple[str, ...], means: str = "") -> list[str]:
    """Change the state as `amixer sset` with these words does. Return the faults of the words, one line each.

    words: the control, then its new values.  means: the effect that the profile states for this line; empty: none.
    """
    name, *values = words
    said = f"'{name}' {' '.join(values)}"
    control = card.controls.get(name)
    if control is None:
        return [f"{said}: the drivers ({', '.join(card.drivers)}) have no control '{name}'"]
    if control.switch is not None and control.switch.read_only:
        return [f"{said}: can't be set: the driver {control.driver} only shows it"]
    if control.items:
        return _set_item(card, state, control, values, said)
    found = [f"leave it alone: {control.do_not_set_reason}"] if control.do_not_set_reason else []
    for value in values:
        amounts = amounts_in(value)
        if control.volume is not None and amounts:
            found += [fault for amount in amounts for fault in _set_volume(state, control, control.volume, amount)]
        elif control.switch is not None and value in switch_words(control.switch.capture):
            found += _set_switch(state, control, control.switch, value, means)
        else:
            found.append(f"{value} is nothing that it takes; {_allowed(control)}")
    return [f"{said}: {fault}" for fault in found]


def _set_item(card: SoundCard, state: MixerState, control: MixerControl, values: list[str], said: str) -> list[str]:
    (item, *more) = values
    if more or item not in control.items:
        return [f"{said}: is no item of it; known are {', '.join(map(repr, control.items))}"]
    state.items[control.name] = item
    if control.same_as and item in card.controls[control.same_as].items:
        state.items[control.same_as] = item
    return []


def _set_volume(state: MixerState, control: MixerControl, volume: Volume, amount: Amount) -> list[str]:
    if amount.unit == "dB":
        if not volume.db:
            return [f"the driver {control.driver} tells no dB of it; {_allowed(control)}"]
        quietest, loudest = volume.range_db
        number = volume.number_of(amount.value)
        state.numbers[control.name] = number
        if not quietest <= amount.value <= loudest:
            return [f"is clipped; from {quietest:g} to {loudest:g} dB is possible ({control.driver})"]
        db = volume.db_of(number)
        if db is not None and abs(db - amount.value) > _DB_ROUNDING:
            return [f"is no step of the driver {control.driver}; the nearest is {db:g}dB"]
        return []
    percent = amount.unit == "%"
    number = number_of_percent(amount.value, volume.most) if percent else int(amount.value)
    state.numbers[control.name] = min(max(number, 0), volume.most)
    if not 0 <= number <= volume.most:
        return [f"is clipped; {_allowed(control)}"]
    if volume.db:
        db = volume.db_of(number)
        return [f"is {'silent' if db is None else f'{db:g} dB'} ({control.driver}); write the dB that are meant"]
    return []


def _set_switch(state: MixerState, control: MixerControl, switch: Switch, value: str, means: str) -> list[str]:
    on = switch_words(switch.capture)[value]
    state.switches[control.name] = on
    effect = switch.effect(on)
    if means and means != effect:
        does = f"{value} does this: {effect}" if effect else "the table does not say what it does"
        return [f"is said to mean '{means}'; in the driver {control.driver} {does}"]
    if switch.opposite and not means:
        return [
            f"the driver {control.driver} has it the other way round: {value} does this: {effect}; say with "
            'means = "..." what is meant'
        ]
    return []


def _allowed(control: MixerControl) -> str:
    """Return the allowed values, as the end of a sentence."""
    found = []
    if control.volume is not None and control.volume.db:
        found.append("dB from {:g} to {:g}".format(*control.volume.range_db))
    elif control.volume is not None:
        found.append(f"a whole number from 0 to {control.volume.most}")
    if control.switch is not None:
        found.append(" or ".join(switch_words(control.switch.capture)))
    return f"{', '.join(found)} {'are' if len(found) > 1 or control.switch else 'is'} allowed"
