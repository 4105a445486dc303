"""The command `nampedal image flash`: writes an image onto a memory card."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base.system_paths import CARD_SETTINGS
from nampedal.firmware.cli.exit_codes import EXIT_FAILED
from nampedal.firmware.cli.progress import progress_bar
from nampedal.firmware.cli.shared import FILE, examples, print_text, verbose
from nampedal.firmware.system.flash.card_writer import UNUSABLE, check_fits, open_card, write_image
from nampedal.firmware.system.flash.disks import Disk, check_disk, find_disk, size_text
from nampedal.firmware.system.flash.first_settings import check_tools, copy_settings, fat_offset, read_settings
from nampedal.firmware.system.flash.image_reader import Image, read_image
from nampedal.firmware.system.provisioning.provisioning_boot import check

MAX_GB = 128


@click.command(
    "flash",
    epilog=examples(
        "nampedal image flash pedal.img.zst /dev/sdb",
        "nampedal image flash pedal.img.zst /dev/mmcblk0 --settings nampedal.toml",
    ),
)
@click.argument("path", metavar="IMAGE", type=FILE)
@click.argument("device", metavar="DEVICE", type=FILE)
@click.option(
    "--max-gb",
    type=click.IntRange(min=1),
    default=MAX_GB,
    show_default=True,
    help="The largest card that is written, as printed on it.",
)
@click.option("--yes", is_flag=True, help="Do not ask before everything on the card is lost.")
@click.option("--settings", "file", metavar="FILE", type=FILE, help=f"Put this onto the card as {CARD_SETTINGS.name}.")
@verbose
def flash_command(path: Path, device: Path, max_gb: int, yes: bool, file: Path | None) -> None:
    """Write an image onto a whole card, and read it back.

    An image is a .img, .img.zst or .img.xz. A .sha256 and a .bmap beside it are checked first.

    What is mounted, the system's own disk, what is built in, and what is larger than a card is refused. 'lsblk' lists
    which DEVICE is the card.
    """
    disk = find_disk(device)
    check_disk(disk, max_gb)
    settings = read_settings(file) if file is not None else None
    if settings is not None:
        check_tools(settings)
    with open_card(disk) as card:
        image = read_image(path, progress_bar)
        check_fits(image, disk)
        offset = fat_offset(image) if settings is not None else 0
        _show(image, disk)
        for problem in check(settings.data, settings.path) if settings is not None else ():
            print_text(f"wrong     {problem}")
        if not yes:
            _ask(disk)
        try:
            write_image(image, card, progress_bar)
        except KeyboardInterrupt:
            print_text(f"{disk.path}: was not written to the end; {UNUSABLE}: write it again", err=True)
            raise
        print_text(f"written   {size_text(image.used)}, read back and found the same")
        if settings is not None:
            copy_settings(settings, card, offset)
            beside = "".join(f", and {name}" for name, _ in settings.beside)
            print_text(f"settings  {settings.path}, as {CARD_SETTINGS.name}{beside}")
    print_text(f"{disk.path} can be pulled out")


def _show(image: Image, disk: Disk) -> None:
    beside = ", ".join(file.name for file in image.beside)
    print_text(f"image     {image.path}: {size_text(image.size)}, {size_text(image.used)} of it to write")
    print_text(f"checked   {f'right by {beside}' if beside else 'it has no .sha256 and no .bmap beside it'}")
    print_text(f"card      {disk.path}: {disk.model or 'no model known'}, {size_text(disk.size)}, {disk.kind}")


def _ask(disk: Disk) -> None:
    answer = click.prompt(
        f"Everything on it will be lost. Type {disk.name} to write it", default="", show_default=False
    )
    if answer not in (disk.name, str(disk.path)):
        print_text("nothing is written")
        raise click.exceptions.Exit(EXIT_FAILED)
