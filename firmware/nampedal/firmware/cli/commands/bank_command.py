"""The command `nampedal bank`: makes, lists, changes, packs and unpacks banks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from nampedal.firmware.base.errors import SettingsUnreadableError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.signature import read_public_key
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.memory_limit import limit_memory
from nampedal.firmware.base.one_line import one_line
from nampedal.firmware.cli import words
from nampedal.firmware.cli.groups import Group
from nampedal.firmware.cli.shared import as_json, examples, print_json, print_text, verbose
from nampedal.firmware.presets.banks import bank_edit, bank_file, bank_signature, pack
from nampedal.firmware.presets.banks.bank import (
    Bank,
    BankEntry,
    banks_in,
    check_all_presets,
    is_bank,
    read_any_bank,
    read_bank,
    reordered,
    write_order,
)

FOLDER = click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
HERE = Path()


@click.group(
    "bank",
    cls=Group,
    epilog=examples("nampedal bank new rock", "nampedal bank add rock amp.stomp cab.wav", "nampedal bank list rock"),
)
def bank_command() -> None:
    """Make, look at, change, pack and unpack banks.

    A bank is a folder of presets, with the artifacts (.stomp), .tflite files and impulse responses that they name.
    """


@bank_command.command("new", epilog=examples('nampedal bank new rock --name "Rock, loud"'))
@FOLDER
@click.option("--name", help="For people. Default: what the folder is called.")
@verbose
def new_command(folder: Path, name: str | None) -> None:
    """Make an empty bank."""
    bank_edit.make_bank(folder, name)
    _chown_like(folder, folder.absolute().parent)
    print_text(f"{folder}: an empty bank; 'nampedal bank add {folder} FILE...' puts something in")


@bank_command.command("list", epilog=examples("nampedal bank list rock", "nampedal bank list banks/"))
@click.argument("folder", metavar="[FOLDER]", default=HERE, type=click.Path(path_type=Path))
@as_json
@verbose
def list_command(folder: Path, as_json: bool) -> None:
    """List a bank's presets, or the banks in a folder of banks.

    Of each preset: which files it needs, and what is wrong with it.
    """
    try:
        one = is_bank(folder)
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error
    folders = [] if one else banks_in(folder)
    if folders:
        banks = [read_any_bank(path) for path in folders]
        if as_json:
            print_json({"banks": [{**_head(bank), "presets": len(bank.presets)} for bank in banks]})
            return
        for bank in banks:
            print_text(f"{bank.folder}: {bank.name}: {_presets(bank)}")
        return
    # read_bank() raises an error for a folder that is no bank.
    bank = read_any_bank(folder) if one else read_bank(folder)
    if as_json:
        print_json(bank_json(bank))
        return
    print_text("\n".join(map(one_line, bank_text(bank))))


def bank_json(bank: Bank) -> dict[str, Any]:
    """Return the description of a bank as JSON values."""
    entries = check_all_presets(bank)
    return {**_head(bank), "bytes": _bytes(bank, entries), "presets": [_entry_json(bank, one) for one in entries]}


def _head(bank: Bank) -> dict[str, Any]:
    return {"folder": bank.folder, "name": bank.name, "problem": bank.problem or None}


def _entry_json(bank: Bank, entry: BankEntry) -> dict[str, Any]:
    files = [(name, file_names.find_path(bank.folder, name)) for name in entry.files]
    return {
        "preset": entry.path.stem,
        "name": None if entry.preset is None else entry.preset.name,
        "files": [{"name": name, "bytes": path.stat().st_size if path.is_file() else None} for name, path in files],
        "problems": bank_edit.troubles(entry),
        "warning": entry.warning or None,
    }


def _bytes(bank: Bank, entries: Sequence[BankEntry]) -> int:
    paths = {file_names.find_path(bank.folder, name) for entry in entries for name in entry.files} | set(bank.presets)
    return sum(path.stat().st_size for path in paths if path.is_file())


def bank_text(bank: Bank) -> list[str]:
    """Return the description of a bank, as lines of text."""
    entries = check_all_presets(bank)
    lines = [f"{bank.name}: {_presets(bank)}, {_bytes(bank, entries):,} bytes"]
    lines += _wrong(bank.problem)
    for number, entry in enumerate(entries, 1):
        lines.append(f"{number:3} {_preset(bank, entry)}")
        for trouble in (*bank_edit.troubles(entry), entry.warning):
            lines += _wrong(trouble)
    return lines


def _preset(bank: Bank, entry: BankEntry) -> str:
    if entry.preset is None:
        return f"{entry.path.stem}: can't be read"
    needs = ", ".join(_file(file_names.find_path(bank.folder, name), name) for name in entry.files) or "nothing"
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
    epilog=examples("nampedal bank add rock amp.stomp cab.wav", "nampedal bank add rock blues/crunch.toml"),
)
@FOLDER
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@verbose
def add_command(folder: Path, files: tuple[Path, ...]) -> None:
    """Put in artifacts, .tflite files, impulse responses or presets.

    A preset brings the files that it names with it. An artifact or a .tflite also gets a preset of its name, which
    plays it. A folder or a .zip stands for what is in it; a .tflite is left out there if an artifact has its name.
    """
    with limit_memory(", ".join(map(str, files))):
        done = bank_edit.add(folder, files)
    for added in done:
        print_text(f"{folder / added.name}: {added.what}{'' if added.new else ', was there already'}")
    _chown_like(folder, folder)


@bank_command.command("remove", epilog=examples("nampedal bank remove rock crunch"))
@FOLDER
@click.argument("preset", shell_complete=words.bank_presets)
@verbose
def remove_command(folder: Path, preset: str) -> None:
    """Take out a preset, by its name or place.

    The files that no other preset names are deleted with it.
    """
    removal = bank_edit.plan_removal(bank_edit.open_bank(folder), preset)
    print_text(f"{removal.preset}: goes")
    for path in removal.files:
        print_text(f"{path}: goes, no other preset names it")
    for program in removal.programs:
        print_text(f"bank.toml: program {program} goes with it")
    if removal.kept:
        unclear = ", ".join(removal.unclear)
        print_text(f"{', '.join(removal.kept)}: stays, {unclear} can't be read and may name it")
    bank_edit.carry_out(removal)


@bank_command.command("reorder", epilog=examples("nampedal bank reorder rock lead crunch"))
@FOLDER
@click.argument("presets", metavar="PRESET...", nargs=-1, required=True, shell_complete=words.bank_presets)
@verbose
def reorder_command(folder: Path, presets: tuple[str, ...]) -> None:
    """Put these presets first, by name or place.

    The others stay in order behind them.
    """
    bank = reordered(bank_edit.open_bank(folder), presets)
    write_order(bank)
    for number, name in enumerate(bank.preset_names, 1):
        print_text(f"{number:3} {name}")


@bank_command.command(
    "export", epilog=examples("nampedal bank export rock", "nampedal bank export rock -o for-ann.nampedal-bank")
)
@FOLDER
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: the folder's name.")
@verbose
def export_command(folder: Path, output: Path | None) -> None:
    """Pack a bank into one file, to be mailed or kept."""
    path = output if output is not None else Path(folder.resolve().name + bank_file.SUFFIX)
    size = bank_file.export_bank(folder, path)
    print_text(f"{path}: {_presets(read_bank(folder))}, {size:,} bytes")


@bank_command.command("import", epilog=examples("nampedal bank import rock.nampedal-bank --into banks/ --as rock-2"))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--into", metavar="FOLDER", default=HERE, type=click.Path(path_type=Path), help="Of banks. Default: here."
)
@click.option("--as", "name", metavar="NAME", help="What the bank's folder is to be called. Default: as the file.")
@verbose
def import_command(file: Path, into: Path, name: str | None) -> None:
    """Unpack a bank, or a .zip of presets or artifacts.

    It has to be whole, and every preset in it playable. FILE.sig beside it tells who made it.

    A .zip is taken, too: each folder of presets in it becomes a bank, or else all its artifacts become one.
    """
    signer = bank_signature.signer_of(file)
    if signer:
        print_text(f"{file}: signed by {signer}")
    with limit_memory(file):
        if pack.is_pack(file):
            folders = pack.import_pack(file, into, bank_file.folder_name(file, name), on_note=print_text)
        else:
            folders = [bank_file.import_bank(file, into, name, on_note=print_text).folder]
    for folder in folders:
        bank = read_bank(folder)
        _chown_like(folder, into)
        print_text(f"{folder}: {bank.name}: {_presets(bank)}")


@bank_command.command("trust", epilog=examples("nampedal bank trust ann.pub --as ann"))
@click.argument("key", metavar="KEY.pub", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", default="", help="Whose it is. Default: the key's comment.")
@verbose
def trust_command(key: Path, name: str) -> None:
    """Name the person whose banks are signed with this key.

    The key is not trusted with updates.
    """
    public = read_public_key(key, name)
    path = bank_signature.trust_bank_key(public)
    print_text(f"{path}: banks of {public.name} are known")


def _chown_like(bank: Path, like: Path) -> None:
    """If run as root, give the bank to the owner of `like`. On a pedal the player has to be able to save into it.

    os.fwalk() does not follow a symbolic link, not even one that the player makes during the walk.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    owner = like.stat()
    for _, folders, files, here in os.fwalk(bank):
        os.fchown(here, owner.st_uid, owner.st_gid)
        for name in (*folders, *files):
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=here, follow_symlinks=False)
