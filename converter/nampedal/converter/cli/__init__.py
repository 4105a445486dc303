"""The command line of a computer: the converter's commands and the pedal's."""

from __future__ import annotations

from nampedal.converter.cli.bench import bench_command
from nampedal.converter.cli.boards import boards_command
from nampedal.converter.cli.compare import compare_command
from nampedal.converter.cli.convert import convert_command
from nampedal.converter.cli.inspect import inspect_command
from nampedal.converter.cli.render import render_command
from nampedal.firmware.cli.command_line import command_line, run
from nampedal.firmware.cli.image import image_command
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS
from nampedal.firmware.cli.sign import sign_command

cli = command_line(
    (
        convert_command,
        inspect_command,
        compare_command,
        render_command,
        bench_command,
        boards_command,
        image_command,
        sign_command,
        *PEDAL_COMMANDS,
    )
)


def main() -> None:
    """Run it; a mistake is one line and exit code 2."""
    run(cli)
