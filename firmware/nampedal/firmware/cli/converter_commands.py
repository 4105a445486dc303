"""Lists the commands that exist only where the converter is installed."""

from __future__ import annotations

from nampedal.firmware.cli.groups import CAPTURES, MAKING, LazyCommand


def _command(purpose: str, folder: str, name: str, summary: str) -> LazyCommand:
    where = f"nampedal.firmware.cli.{folder}.{name}_command:{name}_command"
    return LazyCommand(purpose, name, where, summary)


def _capture(name: str, summary: str) -> LazyCommand:
    return _command(CAPTURES, "capture_commands", name, summary)


CAPTURE_COMMANDS = (
    _capture("convert", "Convert captures into artifacts, or into .tflite files."),
    _capture("inspect", "Tell what a capture, an artifact or a .tflite is."),
    _capture("compare", "Measure how one recording or model differs from another."),
    _capture("render", "Play a dry recording through a capture, into a file."),
    _capture("bench", "Measure how much of one core of this machine a capture takes."),
    _capture("boards", "List the boards, or what of a capture each has time for."),
)
IMAGE_COMMANDS = (
    _command(MAKING, "system_commands", "image", "Build an image for a pedal's card, and write it."),
    _command(MAKING, "system_commands", "sign", "Sign updates (wheels, images) and banks."),
)
