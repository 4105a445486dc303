"""The entry point of the program nampedal. A pedal has no converter, so the converter's commands are left out there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nampedal.firmware.cli.command_line import command_line, run
from nampedal.firmware.cli.converter_commands import CAPTURE_COMMANDS, IMAGE_COMMANDS
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS

if TYPE_CHECKING:
    from nampedal.firmware.engine.capture import Capture

# A pedal's runtime is without the converter and without its commands.
_HAS_CONVERTER = find_spec("nampedal.firmware.cli.capture_commands") is not None
cli = command_line((*CAPTURE_COMMANDS, *PEDAL_COMMANDS, *IMAGE_COMMANDS) if _HAS_CONVERTER else PEDAL_COMMANDS)


def _read_nam(path: Path) -> Capture:
    capture: Capture = import_module("nampedal.converter.nam.open_capture").open_capture(path).capture
    return capture


# The function that `nampedal play` reads .nam files with; None without a converter.
cli.context_settings["obj"] = _read_nam if _HAS_CONVERTER else None


def main() -> None:
    """Run the command line. An error prints one line to stderr and ends with exit code 2."""
    run(cli)
