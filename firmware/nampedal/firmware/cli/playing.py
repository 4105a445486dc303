"""python -m nampedal.firmware.cli.playing: `nampedal play`, which the player waits for, without all other commands."""

from nampedal.firmware.cli.command_line import command_line, run
from nampedal.firmware.cli.play import play_command

run(command_line((play_command,)))
