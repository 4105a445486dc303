"""What all drivers on an SPI bus have in common: to open /dev/spidevBUS.DEVICE, and what may be wrong with it."""

from __future__ import annotations

import importlib
from typing import Any

from nampedal.board.errors import SpiAccessError, SpidevMissingError, SpiFailedError, SpiOffError
from nampedal.board.settings import reason


def path_of(bus: int, device: int) -> str:
    """As Linux calls it."""
    return f"/dev/spidev{bus}.{device}"


def connect(name: str, bus: int, device: int, hertz: int) -> Any:
    """An open spidev.SpiDev in mode 0, with that clock at most. name: the driver's.

    Raises SpidevMissingError, SpiOffError, SpiAccessError, SpiFailedError.
    """
    path = path_of(bus, device)
    try:
        spi = importlib.import_module("spidev").SpiDev()
    except ImportError as error:
        raise SpidevMissingError(f"{name}: the Python package spidev is needed: pip install spidev") from error
    try:
        spi.open(bus, device)
    except FileNotFoundError as error:
        raise SpiOffError(
            f"{name}: {path} is not there: SPI is off, or has another number: add dtparam=spi=on to "
            "/boot/firmware/config.txt and restart"
        ) from error
    except PermissionError as error:
        raise SpiAccessError(f"{name}: {path} may not be used: add whoever runs nampedal to the group spi") from error
    except OSError as error:
        raise failed(name, path, error) from error
    try:
        spi.mode = 0
        spi.max_speed_hz = hertz
    except OSError as error:
        spi.close()
        raise failed(name, path, error) from error
    return spi


def failed(name: str, path: str, error: OSError) -> SpiFailedError:
    """To be raised for what the system says."""
    return SpiFailedError(f"{name}: {path} fails: {reason(error)}: check its wiring, and that nothing else uses it")
