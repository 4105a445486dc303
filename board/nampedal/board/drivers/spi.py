"""Opens /dev/spidevBUS.DEVICE for all drivers on an SPI bus, and reports its errors."""

from __future__ import annotations

import importlib
from typing import Any

from nampedal.board.errors import ControlsError
from nampedal.firmware.base.files.toml_schema import os_error_text


def path_of(bus: int, device: int) -> str:
    """Return the path of an SPI device in Linux."""
    return f"/dev/spidev{bus}.{device}"


def open_spi(name: str, bus: int, device: int, hertz: int) -> Any:
    """Return an open spidev.SpiDev in mode 0. name: the driver's name, for errors.  hertz: maximum clock.

    Raises ControlsError.
    """
    path = path_of(bus, device)
    try:
        spi = importlib.import_module("spidev").SpiDev()
    except ImportError as error:
        raise ControlsError(f"{name}: the Python package spidev is needed: pip install spidev") from error
    try:
        spi.open(bus, device)
    except FileNotFoundError as error:
        raise ControlsError(
            f"{name}: {path} is not there: SPI is off, or has another number: add dtparam=spi=on to "
            "/boot/firmware/config.txt and restart"
        ) from error
    except PermissionError as error:
        raise ControlsError(f"{name}: {path} may not be used: add whoever runs nampedal to the group spi") from error
    except OSError as error:
        raise spi_error(name, path, error) from error
    try:
        spi.mode = 0
        spi.max_speed_hz = hertz
    except OSError as error:
        spi.close()
        raise spi_error(name, path, error) from error
    return spi


def spi_error(name: str, path: str, error: OSError) -> ControlsError:
    """Return the error to raise for an OSError of the SPI device. name: the driver's name."""
    return ControlsError(
        f"{name}: {path} fails: {os_error_text(error)}: check its wiring, and that nothing else uses it"
    )
