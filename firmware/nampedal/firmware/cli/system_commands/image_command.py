"""The command `nampedal image`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.firmware.base.system_paths import CARD_SETTINGS
from nampedal.firmware.cli import words
from nampedal.firmware.cli.groups import Group, SectionedCommand
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, force, print_json, print_text, verbose
from nampedal.firmware.cli.system_commands.flash_command import flash_command
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.system.image.image_builder import ImageOptions, build
from nampedal.firmware.system.image.sources import root_packages
from nampedal.firmware.system.image.sources.mirrors import Mirrors
from nampedal.firmware.system.image.sources.suites import BASES
from nampedal.firmware.system.provisioning.card_settings import template


@click.group(
    "image",
    cls=Group,
    epilog=examples(
        "nampedal image build --pedal zero-2-w-codec-zero -o pedal.img", "nampedal image flash pedal.img /dev/sdb"
    ),
)
def image_command() -> None:
    """Build an image for a pedal's card, and write it."""


@image_command.command(
    "build",
    cls=SectionedCommand,
    sections={
        "What is made": ("pedal", "out", "base", "wheel", "banks", "radio", "tflite", "for_emulator", "force"),
        "Who made it": ("key", "trusted"),
        "Where packages come from": ("mirror", "pi_mirror", "pi_key", "cache", "fresh"),
    },
    epilog=examples(
        "nampedal image build --pedal zero-2-w-codec-zero -o pedal.img",
        "nampedal image build --pedal mine.toml --bank rock -o pedal.img --pi-mirror URL --pi-key raspberrypi.gpg.key",
        "nampedal image build --pedal pi-4-dac-adc --sign ~/.ssh/id_ed25519 -o pedal.img",
    ),
)
@click.option(
    "--pedal",
    metavar="NAME",
    required=True,
    shell_complete=words.pedals,
    help="What it is for: a pedal's name, or its .toml.",
)
@click.option("-o", "--output", "out", metavar="FILE", type=FILE, required=True, help="The image: a .img.")
@click.option("--base", type=click.Choice(sorted(BASES)), default="raspios", show_default=True, help="Whose kernel.")
@click.option("--wheel", metavar="FILE", type=FILE, help="Of nampedal, for aarch64. Default: the newest in dist/.")
@click.option("--bank", "banks", metavar="FOLDER", type=FILE, multiple=True, help="To have from the first boot.")
@click.option(
    *("--radio", "radio"),
    type=click.Choice(["on", "off"]),
    default="off",
    show_default=True,
    help="on: Wi-Fi may be switched on by nampedal.toml; off: never.",
)
@click.option("--tflite", is_flag=True, help="With LiteRT, which plays .tflite files: 44 MB more.")
@click.option("--sign", "key", metavar="KEY", type=FILE, help="An SSH key: signs the image, whose pedal trusts it.")
@click.option("--trust", "trusted", metavar="KEY.pub", type=FILE, multiple=True, help="Whose updates it takes, too.")
@click.option("--mirror", metavar="URL", help="Of Debian. Default: this computer's.")
@click.option("--pi-mirror", metavar="URL", help="Of Raspberry Pi's archive. Default: this computer's.")
@click.option(
    "--pi-key", metavar="FILE", type=FILE, help="Public key of Raspberry Pi's archive. Default: what apt uses."
)
@click.option(
    "--for-emulator", is_flag=True, help="Make a card without the HAT's overlay: it makes no sound on a board."
)
@click.option("--cache", metavar="FOLDER", type=FILE, help="Where packages are kept. Default: in ~/.cache.")
@click.option("--fresh", is_flag=True, help="Fetch packages again.")
@force
@as_json
@verbose
def build_command(
    pedal: str,
    out: Path,
    base: str,
    wheel: Path | None,
    banks: tuple[Path, ...],
    radio: str,
    tflite: bool,
    key: Path | None,
    trusted: tuple[Path, ...],
    mirror: str | None,
    pi_mirror: str | None,
    pi_key: Path | None,
    for_emulator: bool,
    cache: Path | None,
    fresh: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make an image for a pedal. It takes some minutes the first time, and seconds as long as packages are kept."""
    if not BASES[base].pi:
        refuse_options(
            "pi_mirror", "pi_key", todo=f"the base {base} has nothing from Raspberry Pi's archive; leave it out"
        )
    order = ImageOptions(
        pedal=pedal,
        base=base,
        wheel=wheel or newest_wheel(Path("dist")),
        out=out,
        radio=radio == "on",
        card={CARD_SETTINGS.name: template()},
        banks=banks,
        mirrors=Mirrors(mirror, pi_mirror, pi_key),
        cache=cache or root_packages.cache_folder(),
        fresh=fresh,
        tflite=tflite,
        for_emulator=for_emulator,
        key=key,
        trusted=trusted,
    )
    built = build(order, lambda said: print_text(f"== {said}", err=as_json), force=force)
    if as_json:
        files = [{"path": path, "bytes": path.stat().st_size} for path in built.files]
        print_json({"files": files, "root_bytes": built.root_bytes})
        return
    for path in built.files:
        console.print(f"{path}: {path.stat().st_size:,} bytes")
    console.print(f"the root is {built.root_bytes / 1e6:.0f} MB unpacked")


image_command.add_command(flash_command)


def newest_wheel(folder: Path) -> Path:
    """Return the newest aarch64 wheel of nampedal in a folder. If there is none, return the name pattern of such a
    wheel.
    """
    found = sorted(folder.glob("nampedal-*aarch64.whl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else folder / "nampedal-*aarch64.whl"
