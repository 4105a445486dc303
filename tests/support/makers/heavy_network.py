"""Networks that take much computing time and little memory."""

from __future__ import annotations

import numpy as np
from nampedal.firmware.engine.network import Activation, ActivationKind, Conv, ConvNet, ConvNetBlock

WIDTH = 256


def heavy_network(layers: int = 48) -> ConvNet:
    """Return a network of wide layers without memory.

    Each layer makes 65,536 multiply-accumulates for one frame. At 48 kHz, 48 of them are 150 G in a second: more than
    twice what one core of a fast PC computes.
    """
    rng = np.random.default_rng(1)

    def block(width: int) -> ConvNetBlock:
        weight = rng.normal(0.0, width**-0.5, (WIDTH, width, 1)).astype(np.float32)
        return ConvNetBlock(Conv(weight), Activation(ActivationKind.TANH))

    head = Conv(rng.normal(0.0, 0.01, (1, WIDTH, 1)).astype(np.float32))
    return ConvNet((block(1), *(block(WIDTH) for _ in range(layers))), head)
