"""nampedal bank: folders of presets made, looked at, changed, packed and unpacked."""

from __future__ import annotations

import os
from pathlib import Path

import click
from nampedal.board.errors import SettingsUnreadableError
from nampedal.board.settings import reason
from nampedal.board.signature import read_public_key
from nampedal.firmware import bank_edit, bank_file, bank_signature
from nampedal.firmware.bank import (
    Bank,
    Entry,
    banks_in,
    is_bank,
    look_at,
    read_any_bank,
    read_bank,
    reordered,
    write_order,
)
from nampedal.firmware.cli.control import verbose
from nampedal.firmware.memory_limit import limited

FOLDER = click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
HERE = Path()


@click.group("bank")
def bank_command() -> None:
    """Banks: folders of presets, with the artifacts and impulse responses that they name."""


@bank_command.command("new", epilog='\b\nExamples:\n  nampedal bank new rock --name "Rock, loud"')
@FOLDER
@click.option("--name", help="For people. Default: what the folder is called.")
@verbose
def new_command(folder: Path, name: str | None) -> None:
    """Make an empty bank."""
    bank_edit.make_bank(folder, name)
    _give(folder, folder.absolute().parent)
    click.echo(f"{folder}: an empty bank; 'nampedal bank add {folder} FILE...' puts something in")


@bank_command.command("list", epilog="\b\nExamples:\n  nampedal bank list rock\n  nampedal bank list banks/")
@click.argument("folder", metavar="[FOLDER]", default=HERE, type=click.Path(path_type=Path))
@verbose
def list_command(folder: Path) -> None:
    """List a bank's presets, what they need and what is wrong with them; or the banks in a folder of banks."""
    try:
        one = is_bank(folder)
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {reason(error)}") from error
    banks = [] if one else banks_in(folder)
    for path in banks:
        bank = read_any_bank(path)
        click.echo(f"{path}: {bank.name}: {_presets(bank)}")
    if not banks:
        # What is no bank has no presets, and is told so.
        click.echo("\n".join(page(read_any_bank(folder) if one else read_bank(folder))))


def page(bank: Bank) -> list[str]:
    """A bank as lines of text."""
    entries = look_at(bank)
    paths = {bank.folder / name for entry in entries for name in entry.files} | set(bank.presets)
    size = sum(path.stat().st_size for path in paths if path.is_file())
    lines = [f"{bank.name}: {_presets(bank)}, {size:,} bytes"]
    lines += _wrong(bank.problem)
    for number, entry in enumerate(entries, 1):
        lines.append(f"{number:3} {_preset(bank, entry)}")
        for trouble in (*bank_edit.troubles(entry), entry.warning):
            lines += _wrong(trouble)
    return lines


def _preset(bank: Bank, entry: Entry) -> str:
    if entry.preset is None:
        return f"{entry.path.stem}: can't be read"
    needs = ", ".join(_file(bank.folder / name, name) for name in entry.files) or "nothing"
    return f"{entry.path.stem}: {entry.preset.name}; needs {needs}"


def _file(path: Path, name: str) -> str:
    return f"{name} ({path.stat().st_size:,} bytes)" if path.is_file() else name


def _wrong(what: str) -> list[str]:
    return [f"    ! {what}"] if what else []


def _presets(bank: Bank) -> str:
    number = len(bank.presets)
    return f"{number} preset{'s' * (number > 1)}" if number else "no presets yet"


@bank_command.command(
    "add",
    epilog="\b\nExamples:\n  nampedal bank add rock amp.stomp cab.wav\n  nampedal bank add rock blues/crunch.toml",
)
@FOLDER
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@verbose
def add_command(folder: Path, files: tuple[Path, ...]) -> None:
    """Put in artifacts, impulse responses, or presets with the files that they name.

    An artifact also gets a preset of its name, which plays it.
    """
    with limited(", ".join(map(str, files))):
        done = bank_edit.add(folder, files)
    for added in done:
        click.echo(f"{folder / added.name}: {added.what}{'' if added.new else ', was there already'}")
    _give(folder, folder)


@bank_command.command("remove", epilog="\b\nExamples:\n  nampedal bank remove rock crunch")
@FOLDER
@click.argument("preset")
@verbose
def remove_command(folder: Path, preset: str) -> None:
    """Take out a preset, by its name or number, and the files that no other preset names."""
    removal = bank_edit.plan_removal(bank_edit.open_bank(folder), preset)
    click.echo(f"{removal.preset}: goes")
    for path in removal.files:
        click.echo(f"{path}: goes, no other preset names it")
    if removal.kept:
        unclear = ", ".join(removal.unclear)
        click.echo(f"{', '.join(removal.kept)}: stays, {unclear} can't be read and may name it")
    bank_edit.carry_out(removal)


@bank_command.command("reorder", epilog="\b\nExamples:\n  nampedal bank reorder rock lead crunch")
@FOLDER
@click.argument("presets", metavar="PRESET...", nargs=-1, required=True)
@verbose
def reorder_command(folder: Path, presets: tuple[str, ...]) -> None:
    """Have these presets come first, by name or number; the others stay in order behind them."""
    bank = reordered(bank_edit.open_bank(folder), presets)
    write_order(bank)
    for number, name in enumerate(bank.preset_names, 1):
        click.echo(f"{number:3} {name}")


@bank_command.command(
    "export", epilog="\b\nExamples:\n  nampedal bank export rock\n  nampedal bank export rock -o for-ann.nampedal-bank"
)
@FOLDER
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: the folder's name.")
@verbose
def export_command(folder: Path, output: Path | None) -> None:
    """Pack a bank into one file, to be mailed or kept."""
    path = output if output is not None else Path(folder.resolve().name + bank_file.SUFFIX)
    size = bank_file.export_bank(folder, path)
    click.echo(f"{path}: {_presets(read_bank(folder))}, {size:,} bytes")


@bank_command.command(
    "import", epilog="\b\nExamples:\n  nampedal bank import rock.nampedal-bank --into banks/ --as rock-2"
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--into", metavar="FOLDER", default=HERE, type=click.Path(path_type=Path), help="Of banks. Default: here."
)
@click.option("--as", "name", metavar="NAME", help="What the bank's folder is to be called. Default: as the file.")
@verbose
def import_command(file: Path, into: Path, name: str | None) -> None:
    """Unpack a bank, if it is whole and every preset in it can be played. FILE.sig beside it tells who made it."""
    signer = bank_signature.signer_of(file)
    if signer:
        click.echo(f"{file}: signed by {signer}")
    with limited(file):
        bank = bank_file.import_bank(file, into, name, tell=click.echo)
    _give(bank.folder, into)
    click.echo(f"{bank.folder}: {bank.name}: {_presets(bank)}")


@bank_command.command("trust", epilog="\b\nExamples:\n  nampedal bank trust ann.pub --as ann")
@click.argument("key", metavar="KEY.pub", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", default="", help="Whose it is. Default: the key's comment.")
@verbose
def trust_command(key: Path, name: str) -> None:
    """Know whose banks those are that are signed with this key. It is not trusted with updates."""
    public = read_public_key(key, name)
    path = bank_signature.know(public)
    click.echo(f"{path}: banks of {public.name} are known")


def _give(bank: Path, like: Path) -> None:
    """As root, give the bank to the owner of `like`: on a pedal the player has to be able to save there.

    fwalk() does not follow a link, also not one that the player puts there meanwhile.
    """
    if os.geteuid() != 0:
        return
    owner = like.stat()
    for _, folders, files, here in os.fwalk(bank):
        os.fchown(here, owner.st_uid, owner.st_gid)
        for name in (*folders, *files):
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=here, follow_symlinks=False)
