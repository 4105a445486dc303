"""python -m nampedal.firmware.cli: what the pedal itself runs."""

from nampedal.firmware.cli.command_line import command_line, run
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS

run(command_line(PEDAL_COMMANDS))
