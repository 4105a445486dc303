"""Calculates the analog levels of a HAT at 0 dBFS, from the chip's full-scale voltage and the gains of the mixer.

All public functions that take a HAT raise SettingsError if a driver table is wrong.
"""

from __future__ import annotations

import math

from nampedal.board.mixer.driver_tables import FullScale, SoundCard, sound_card
from nampedal.board.mixer.mixer_check import final_state, guitar_path, output_path
from nampedal.board.mixer.signal_paths import SignalPath, gain_db
from nampedal.board.profiles.hats import Hat
from nampedal.board.profiles.profile_files import Fact

# 0 dBu is 1 mW in 600 ohm.
_DBU_VOLTS = math.sqrt(0.6)


def volts_to_dbu(volts_rms: float) -> float:
    """Convert an RMS voltage to dBu."""
    return 20.0 * math.log10(volts_rms / _DBU_VOLTS)


def input_gain_db(hat: Hat) -> float | None:
    """Return the gain in dB from the guitar's jack to its input channel; None if unknown."""
    card, path = _input(hat)
    return None if card is None or path is None else _gain(hat, card, path, hat.input_board_db)


def output_gain_db(hat: Hat) -> float | None:
    """Return the gain in dB from output channel 1 to its jack; None if unknown."""
    card, path = _output(hat)
    return None if card is None or path is None else _gain(hat, card, path, hat.output_board_db)


def input_full_scale_dbu(hat: Hat) -> float | None:
    """Return the level in dBu (RMS) of a sine at the guitar's jack that reaches 0 dBFS; None if unknown."""
    card, path = _input(hat)
    gain, scale = input_gain_db(hat), _full_scale(card, path)
    return None if gain is None or scale is None else volts_to_dbu(scale.volts_rms) - gain


def output_full_scale_dbu(hat: Hat) -> float | None:
    """Return the level in dBu (RMS) of a sine of 0 dBFS at output 1; None if unknown."""
    card, path = _output(hat)
    gain, scale = output_gain_db(hat), _full_scale(card, path)
    return None if gain is None or scale is None else volts_to_dbu(scale.volts_rms) + gain


def _input(hat: Hat) -> tuple[SoundCard | None, SignalPath | None]:
    card = sound_card(hat.overlay)
    return card, None if card is None else guitar_path(hat, card, final_state(hat, card))


def _output(hat: Hat) -> tuple[SoundCard | None, SignalPath | None]:
    card = sound_card(hat.overlay)
    return card, None if card is None else output_path(hat, card, final_state(hat, card), 1)


def _gain(hat: Hat, card: SoundCard, path: SignalPath, board: Fact[float] | None) -> float | None:
    gain = gain_db(card, final_state(hat, card), path)
    return None if gain is None else gain + (board.value if board is not None else 0.0)


def _full_scale(card: SoundCard | None, path: SignalPath | None) -> FullScale | None:
    """Return the full-scale voltage of the first pin on the path that has one."""
    if card is None or path is None:
        return None
    pins = [place for route in path.routes for place in (route.start, route.end)]
    return next((card.full_scale[pin] for pin in pins if pin in card.full_scale), None)
