"""nampedal update: a newer nampedal or a newer system, tried before it stays."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.board import places
from nampedal.firmware.cli.shared import EXIT_FAILED, FILE, console, examples, share, verbose
from nampedal.firmware.update import trial
from nampedal.firmware.update.image import install_image
from nampedal.firmware.update.runtime import install_wheel, try_runtime
from nampedal.firmware.update.system import System

SYSTEM = System()


class _FileOrCommand(click.Group):
    """What is none of its commands is a file."""

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
        "sudo nampedal update back",
    ),
)
def update_command() -> None:
    """Bring a newer nampedal (WHEEL) or a newer system (IMAGE). It is tried, and stays if it plays for 30 s.

    Otherwise the one before is back by itself, also after a power cut at any moment. Presets stay as they are.
    """


@update_command.command("file", hidden=True)
@click.argument("path", metavar="IMAGE|WHEEL", type=FILE)
@verbose
def file_command(path: Path) -> int:
    """Bring what is in a file, and try it."""
    wheel = trial.is_wheel(path)
    SYSTEM.settings()
    with SYSTEM.alone():
        trial.check_untried(SYSTEM)
        if not wheel:
            facts = install_image(SYSTEM, path, lambda said: console.print(f"{path}: {said}"))
            console.print(
                f"starting into {facts.version}; it stays if it plays for 30 s, or else this one is back: "
                "'nampedal update status' tells"
            )
            SYSTEM.reboot(tryboot=True)
            return 0
        console.print(f"{path}: is made ready and checked")
        new = install_wheel(SYSTEM, path)
        console.print(f"nampedal {new.version} is started; it stays if it plays for 30 s")
        with share(f"nampedal {new.version}") as told:
            last = try_runtime(SYSTEM, told)
    console.print(str(last))
    return 0 if last.kept else EXIT_FAILED


@update_command.command("health")
@verbose
def health_command() -> int:
    """Decide about what is on trial. A service does it after each start; it says nothing if nothing is."""
    if not SYSTEM.at(places.SETTINGS).exists():
        return 0
    with SYSTEM.alone(wait=True):
        last = trial.judge(SYSTEM)
    if last is None:
        return 0
    console.print(str(last))
    return 0 if last.kept else EXIT_FAILED


@update_command.command("status")
@verbose
def status_command() -> None:
    """Show what runs, what was there before, and how the last update went."""
    SYSTEM.settings()
    for name, text in trial.page(SYSTEM):
        console.print(f"{name:10}{text}")


@update_command.command("back")
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
