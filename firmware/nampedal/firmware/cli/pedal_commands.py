"""Lists the commands that every installation has, with or without the converter."""

from __future__ import annotations

from nampedal.firmware.cli.groups import BANKS, CAPTURES, MAKING, PLAYING, SETTING_UP, SHELL, LazyCommand


def _playing(purpose: str, name: str, subject: str, summary: str) -> LazyCommand:
    where = f"nampedal.firmware.cli.commands.{subject}_command:{name}_command"
    return LazyCommand(purpose, name, where, summary)


def _system(purpose: str, name: str, subject: str, summary: str) -> LazyCommand:
    where = f"nampedal.firmware.cli.system_commands.{subject}_command:{name}_command"
    return LazyCommand(purpose, name, where, summary)


def _shell(name: str, summary: str) -> LazyCommand:
    where = f"nampedal.firmware.cli.shell_commands.{name}_command:{name}_command"
    return LazyCommand(SHELL, name, where, summary)


PEDAL_COMMANDS = (
    _playing(PLAYING, "play", "play", "Play live: captures, presets, or a folder of them."),
    _playing(PLAYING, "status", "control", "Show what plays, how much time it takes, and the levels."),
    _playing(PLAYING, "preset", "control", "Go to a preset, or list them."),
    _playing(PLAYING, "set", "control", "Set a number of the preset that plays."),
    _playing(PLAYING, "save", "control", "Keep the numbers that were set in the preset that plays."),
    _playing(PLAYING, "do", "control", "Do what a footswitch could."),
    _playing(PLAYING, "bypass", "control", "Play dry, or through the blocks again."),
    _playing(PLAYING, "tuner", "control", "Tune: show the note that is played, until Ctrl-C."),
    _playing(PLAYING, "level", "level", "Make the presets of a bank equally loud for your guitar."),
    _playing(BANKS, "bank", "bank", "Make, look at, change, pack and unpack banks."),
    _system(BANKS, "card", "card", "Take over what the card and USB sticks bring."),
    _playing(SETTING_UP, "setup", "setup", "Write your own pedal's profile, by pressing and turning."),
    _playing(SETTING_UP, "learn", "learn", "Give the MIDI control that you move next something to do."),
    _playing(SETTING_UP, "latency", "latency", "Measure delay, level and noise through a cable."),
    _playing(SETTING_UP, "calibrate", "calibrate", "Measure what captures cost on this machine."),
    _system(SETTING_UP, "doctor", "doctor", "Find what is wrong with this pedal, and say how to mend it."),
    _system(MAKING, "install", "install", "Make a system into a pedal, or bring a pedal up to date."),
    _system(MAKING, "uninstall", "install", "Make a pedal into the system that it was."),
    _system(MAKING, "update", "update", "Bring a newer nampedal (WHEEL) or a newer system (IMAGE)."),
    _playing(CAPTURES, "verify", "verify", "Check that an artifact sounds here as where it was made."),
    _shell("help", "Show what a command does, and what it takes."),
    _shell("completion", "Print the script that completes nampedal's words in a shell."),
)
