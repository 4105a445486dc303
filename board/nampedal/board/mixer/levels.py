"""The levels of a HAT at 0 dBFS, from its chip's voltage at full scale and the gains of its mixer."""

from __future__ import annotations

import math

from nampedal.board.hats import Hat
from nampedal.board.mixer.check import guitar_path, output_path, state_of
from nampedal.board.mixer.drivers import FullScale, SoundCard, sound_card
from nampedal.board.mixer.paths import Path, gain_db
from nampedal.board.profiles import Fact

# 0 dBu is 1 mW in 600 ohm.
_DBU_VOLTS = math.sqrt(0.6)


def dbu(volts_rms: float) -> float:
    return 20.0 * math.log10(volts_rms / _DBU_VOLTS)


def input_gain_db(hat: Hat) -> float | None:
    """Return the gain from the guitar's jack to its channel; None if it is not known.

    Raises SettingsError of a table that is wrong, as all that follow.
    """
    card, path = _input(hat)
    return None if card is None or path is None else _gain(hat, card, path, hat.input_board_db)


def output_gain_db(hat: Hat) -> float | None:
    """Return the gain from output channel 1 to its jack; None if it is not known."""
    card, path = _output(hat)
    return None if card is None or path is None else _gain(hat, card, path, hat.output_board_db)


def input_full_scale_dbu(hat: Hat) -> float | None:
    """Return the dBu (RMS) of the sine at the guitar's jack that is 0 dBFS; None if it can't be told."""
    card, path = _input(hat)
    gain, scale = input_gain_db(hat), _full_scale(card, path)
    return None if gain is None or scale is None else dbu(scale.volts_rms) - gain


def output_full_scale_dbu(hat: Hat) -> float | None:
    """Return the dBu (RMS) that a sine of 0 dBFS comes out with; None if it can't be told."""
    card, path = _output(hat)
    gain, scale = output_gain_db(hat), _full_scale(card, path)
    return None if gain is None or scale is None else dbu(scale.volts_rms) + gain


def _input(hat: Hat) -> tuple[SoundCard | None, Path | None]:
    card = sound_card(hat.overlay)
    return card, None if card is None else guitar_path(hat, card, state_of(hat, card))


def _output(hat: Hat) -> tuple[SoundCard | None, Path | None]:
    card = sound_card(hat.overlay)
    return card, None if card is None else output_path(hat, card, state_of(hat, card), 1)


def _gain(hat: Hat, card: SoundCard, path: Path, board: Fact[float] | None) -> float | None:
    gain = gain_db(card, state_of(hat, card), path)
    return None if gain is None else gain + (board.value if board is not None else 0.0)


def _full_scale(card: SoundCard | None, path: Path | None) -> FullScale | None:
    """Of the pin that the way goes through."""
    if card is None or path is None:
        return None
    pins = [place for route in path.routes for place in (route.start, route.end)]
    return next((card.full_scale[pin] for pin in pins if pin in card.full_scale), None)
