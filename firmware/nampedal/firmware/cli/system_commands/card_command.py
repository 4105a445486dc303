"""The command `nampedal card`: applies settings and imports banks from the memory card and from USB sticks."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base import log
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.cli.exit_codes import EXIT_DONE, EXIT_FAILED
from nampedal.firmware.cli.groups import Group
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, print_json, verbose
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.provisioning.provisioning_boot import check
from nampedal.firmware.system.provisioning.reinstall import at_boot, import_now
from nampedal.firmware.system.provisioning.usb_stick import import_stick


@click.group("card", cls=Group, epilog=examples("nampedal card check /media/NAMPEDAL/nampedal.toml"))
def card_command() -> None:
    """Take over what the card and USB sticks bring.

    Settings and banks that any computer can put on the card's first partition, or on a stick.
    """


@card_command.command("check", epilog=examples("nampedal card check /media/NAMPEDAL/nampedal.toml"))
@click.argument("file", type=FILE)
@as_json
@verbose
def check_command(file: Path, as_json: bool) -> int:
    """Say what is wrong with a nampedal.toml. Exit code 1 if something is."""
    try:
        data = read_text_file(file)
    except OSError as error:
        raise FileAccessError(f"{file}: can't be read: {os_error_text(error)}") from error
    problems = check(data, file)
    if as_json:
        print_json({"file": file, "problems": [str(problem) for problem in problems]})
        return EXIT_FAILED if problems else EXIT_DONE
    for problem in problems:
        console.print(str(problem))
    if not problems:
        console.print(f"{file}: nothing is wrong with it")
    return EXIT_FAILED if problems else 0


@card_command.command("boot", epilog=examples("nampedal card boot"))
@verbose
def boot_command() -> None:
    """Do what the card asks for. A pedal runs it at every start, as root, before it plays; it never fails.

    What goes wrong is written into nampedal-errors.txt on the card. Banks are taken over behind that, while it plays.
    """
    at_boot()


@card_command.command("import", epilog=examples("nampedal card import"))
@verbose
def import_command() -> int:
    """Take over what is new in the card's folder for banks. A pedal runs it as root behind its sound.

    Exit code 1 if something there could not be.
    """
    outcome = import_now()
    for name in outcome.taken:
        console.print(f"bank {name}: taken over")
    return EXIT_FAILED if outcome.problems else 0


@card_command.command("usb", epilog=examples("nampedal card usb /dev/sda1"))
@click.argument("device", type=FILE)
@verbose
def usb_command(device: Path) -> int:
    """Take over what is on a USB stick. A pedal runs it as root when one is plugged.

    Exit code 1 if something on it could not be.
    """
    log.configure_logging()
    outcome = import_stick(CardHost(), device)
    for name in outcome.taken:
        console.print(f"bank {name}: taken over")
    return EXIT_FAILED if outcome.problems else 0
