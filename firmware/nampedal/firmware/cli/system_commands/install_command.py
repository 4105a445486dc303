"""The commands `nampedal install` and `nampedal uninstall`: turn a system into a pedal, and restore it."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base.files.signature import read_public_key
from nampedal.firmware.cli import words
from nampedal.firmware.cli.shared import FILE, examples, verbose
from nampedal.firmware.system.install.installer import install, uninstall
from nampedal.firmware.system.install.steps.target import BASES, RUNNING, InstallTarget, base_of

ROOT = click.option(
    "--root", metavar="FOLDER", type=FILE, default=RUNNING, help="A system elsewhere. Default: the one that runs."
)
DRY = click.option("--dry-run", "dry", is_flag=True, help="Only tell what would be done.")


@click.command(
    "install",
    epilog=examples(
        "sudo nampedal install --pedal pi-4-dac-adc --dry-run",
        "nampedal install --pedal mine.toml --root rootfs --wheel nampedal-0.1.0-cp311-cp311-linux_aarch64.whl",
    ),
)
@click.option(
    "--pedal",
    "profile",
    metavar="NAME",
    required=True,
    shell_complete=words.pedals,
    help="What it is to be: a name, or a .toml file.",
)
@ROOT
@click.option("--base", type=click.Choice(BASES), help="Whose kernel and firmware. Default: as it is found there.")
@click.option("--image", is_flag=True, help="It will be read-only; the image says what it is started with.")
@click.option("--radio", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Wi-Fi and Bluetooth.")
@click.option("--tflite", is_flag=True, help="With LiteRT, which plays .tflite files: 44 MB more.")
@click.option("--wheel", metavar="FILE", type=FILE, help="Of nampedal. Default: what runs this is copied.")
@click.option("--trust", metavar="KEY.pub", type=FILE, multiple=True, help="Whose updates it is to take; several.")
@DRY
@verbose
def install_command(
    profile: str,
    root: Path,
    base: str | None,
    image: bool,
    radio: str,
    tflite: bool,
    wheel: Path | None,
    trust: tuple[Path, ...],
    dry: bool,
) -> None:
    """Make a system into a pedal, or bring a pedal up to date.

    How the system was before is written down: 'nampedal uninstall' goes back to it.
    """
    trusted = tuple(read_public_key(path).line() for path in trust)
    target = InstallTarget(
        root,
        base or base_of(root),
        image=image,
        radio=radio == "on",
        wheel=wheel,
        trusted=trusted,
        tflite=tflite,
    )
    install(profile, target, click.echo, dry=dry)


@click.command("uninstall", epilog=examples("sudo nampedal uninstall --dry-run", "sudo nampedal uninstall"))
@ROOT
@DRY
@verbose
def uninstall_command(root: Path, dry: bool) -> None:
    """Make a pedal into the system that it was. Presets, settings and what you have changed since stay."""
    uninstall(InstallTarget(root, base_of(root)), click.echo, dry=dry)
