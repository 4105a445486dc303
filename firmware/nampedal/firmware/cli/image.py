"""nampedal image."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.board.image import packages
from nampedal.board.image.bases import BASES
from nampedal.board.image.build import Order, build
from nampedal.board.image.mirrors import Mirrors
from nampedal.board.places import CARD_SETTINGS
from nampedal.firmware.card.settings import template
from nampedal.firmware.cli.flash import flash_command
from nampedal.firmware.cli.shared import FILE, console, examples, force, verbose


@click.group("image")
def image_command() -> None:
    """Images: what a pedal's card is written from."""


@image_command.command(
    "build",
    epilog=examples(
        "nampedal image build --pedal zero-2-w-codec-zero -o pedal.img",
        "nampedal image build --pedal mine.toml --bank rock -o pedal.img --pi-mirror URL --pi-key raspberrypi.gpg.key",
        "nampedal image build --pedal pi-4-dac-adc --sign ~/.ssh/id_ed25519 -o pedal.img",
    ),
)
@click.option("--pedal", metavar="NAME", required=True, help="What it is for: a pedal's name, or its .toml.")
@click.option("-o", "--output", "out", metavar="FILE.img", type=FILE, required=True)
@click.option("--base", type=click.Choice(sorted(BASES)), default="raspios", show_default=True, help="Whose kernel.")
@click.option("--wheel", type=FILE, help="Of nampedal, for aarch64. Default: the newest in dist/.")
@click.option("--bank", "banks", metavar="FOLDER", type=FILE, multiple=True, help="To have from the first boot.")
@click.option("--radio", is_flag=True, help="Wi-Fi may be switched on by nampedal.toml; without it, never.")
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
@verbose
def build_command(
    pedal: str,
    out: Path,
    base: str,
    wheel: Path | None,
    banks: tuple[Path, ...],
    radio: bool,
    key: Path | None,
    trusted: tuple[Path, ...],
    mirror: str | None,
    pi_mirror: str | None,
    pi_key: Path | None,
    for_emulator: bool,
    cache: Path | None,
    fresh: bool,
    force: bool,
) -> None:
    """Make an image for a pedal. It takes some minutes the first time, and seconds as long as packages are kept."""
    order = Order(
        pedal=pedal,
        base=base,
        wheel=wheel or newest_wheel(Path("dist")),
        out=out,
        radio=radio,
        card={CARD_SETTINGS.name: template()},
        banks=banks,
        mirrors=Mirrors(mirror, pi_mirror, pi_key),
        cache=cache or packages.cache_folder(),
        fresh=fresh,
        for_emulator=for_emulator,
        key=key,
        trusted=trusted,
    )
    built = build(order, lambda said: console.print(f"== {said}"), force=force)
    for path in built.files:
        console.print(f"{path}: {path.stat().st_size:,} bytes")
    console.print(f"the root is {built.root_bytes / 1e6:.0f} MB unpacked")


image_command.add_command(flash_command)


def newest_wheel(folder: Path) -> Path:
    """Of nampedal's for aarch64; where there is none, what it would be called."""
    found = sorted(folder.glob("nampedal-*aarch64.whl"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else folder / "nampedal-*aarch64.whl"
