"""The command line: the program nampedal and the helpers that its commands share. Only this package prints.

Imported by firmware.cli.capture_commands, firmware.cli.commands, firmware.cli.shell_commands,
firmware.cli.system_commands.
"""
