"""The command `nampedal update`: installs a newer nampedal or system, tries it, and keeps it if it works."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.files.signature import read_public_key
from nampedal.firmware.cli.exit_codes import EXIT_FAILED
from nampedal.firmware.cli.groups import Group
from nampedal.firmware.cli.progress import fraction_bar
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, print_json, verbose
from nampedal.firmware.system.update import trial
from nampedal.firmware.system.update.image_update import install_image
from nampedal.firmware.system.update.runtime_update import install_wheel, try_runtime
from nampedal.firmware.system.update.signed import UNSIGNED, trust
from nampedal.firmware.system.update.update_host import UpdateHost

SYSTEM = UpdateHost()


class _FileOrCommand(Group):
    """A group that takes an argument that is none of its commands as a file. Options may also stand before the file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        word = next((word for word in args if not word.startswith("-")), None)
        of_a_file = word is not None and word not in self.commands and args[0].startswith("-")
        return super().parse_args(ctx, ["file", *args] if of_a_file else args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args if args[0] in self.commands else ["file", *args])


@click.group(
    "update",
    cls=_FileOrCommand,
    subcommand_metavar="IMAGE|WHEEL|COMMAND",
    epilog=examples(
        "sudo nampedal update nampedal-0.2.0-cp311-cp311-linux_aarch64.whl",
        "sudo nampedal update pedal.img.zst",
        "nampedal update status",
        "sudo nampedal update trust ann.pub",
        "sudo nampedal update back",
    ),
)
def update_command() -> None:
    """Bring a newer nampedal (WHEEL) or a newer system (IMAGE).

    It is tried, and stays if it plays for 30 s. It has to be signed by somebody whom this pedal trusts: its signature
    is in FILE.sig, beside it.

    Otherwise the one before is back by itself, also after a power cut at any moment. Presets stay as they are.
    """


@update_command.command("file", hidden=True)
@click.argument("path", metavar="IMAGE|WHEEL", type=FILE)
@click.option(UNSIGNED, "unsigned", is_flag=True, help="Install it though nobody whom this pedal trusts signed it.")
@verbose
def file_command(path: Path, unsigned: bool) -> int:
    """Bring what is in a file, and try it."""
    wheel = trial.is_wheel(path)
    SYSTEM.settings()

    def say(said: str) -> None:
        console.print(f"{path}: {said}")

    with SYSTEM.alone():
        trial.check_untried(SYSTEM)
        if not wheel:
            facts = install_image(SYSTEM, path, say, unsigned=unsigned)
            console.print(
                f"starting into {facts.version}; it stays if it plays for 30 s, or else this one is back: "
                "'nampedal update status' tells"
            )
            SYSTEM.reboot(tryboot=True)
            return 0
        new = install_wheel(SYSTEM, path, say, unsigned=unsigned)
        console.print(f"nampedal {new.version} is started; it stays if it plays for 30 s")
        with fraction_bar(f"nampedal {new.version}") as told:
            last = try_runtime(SYSTEM, told)
    console.print(str(last))
    return 0 if last.kept else EXIT_FAILED


@update_command.command("health", epilog=examples("sudo nampedal update health"))
@verbose
def health_command() -> int:
    """Decide about what is on trial. A service does it after each start; it says nothing if nothing is."""
    if not SYSTEM.under_root(system_paths.SETTINGS).exists():
        return 0
    with SYSTEM.alone(wait=True):
        last = trial.judge(SYSTEM)
    if last is None:
        return 0
    console.print(str(last))
    return 0 if last.kept else EXIT_FAILED


@update_command.command("status", epilog=examples("nampedal update status", "nampedal update status --json"))
@as_json
@verbose
def status_command(as_json: bool) -> None:
    """Show what runs, what ran before, and the last update."""
    SYSTEM.settings()
    found = trial.read_status(SYSTEM)
    if as_json:
        print_json(found.json_values())
        return
    for name, text in found.lines():
        console.print(f"{name:10}{text}")


@update_command.command(
    "trust", epilog=examples("sudo nampedal update trust ann.pub", "sudo nampedal update trust key.pub --as ann")
)
@click.argument("key", metavar="KEY.pub", type=FILE)
@click.option("--as", "name", metavar="NAME", default="", help="Whose it is. Default: the key's comment.")
@verbose
def trust_command(key: Path, name: str) -> None:
    """Take updates that are signed with this key, from now on."""
    SYSTEM.settings()
    public = read_public_key(key, name)
    with SYSTEM.alone():
        path = trust(SYSTEM, public)
    console.print(f"{path}: updates and banks of {public.name} are trusted")


@update_command.command("back", epilog=examples("sudo nampedal update back"))
@verbose
def back_command() -> None:
    """Go back to the version before this one."""
    SYSTEM.settings()
    with SYSTEM.alone():
        version, reboots = trial.go_back(SYSTEM)
        if not reboots:
            console.print(f"{version} plays")
            return
        console.print(f"starting into {version}; it stays if it plays for 30 s, or else this one is back")
        SYSTEM.reboot(tryboot=True)
