"""An option type for levels in dBu."""

from __future__ import annotations

import math
from typing import Any

import click
from nampedal.board.profiles.hats import LIMITS


class Dbu(click.FloatRange):
    """A click type for the level in dBu of a full-scale signal (0 dBFS), limited as in HAT profiles. NaN is refused."""

    name = "level"

    def __init__(self) -> None:
        low, high = LIMITS["input_full_scale_dbu"]
        super().__init__(low, high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is no level; {self.min:g} to {self.max:+g} dBu can be.", param, ctx)
        return number
