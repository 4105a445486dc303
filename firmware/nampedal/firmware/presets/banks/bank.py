"""Banks: folders that hold presets together with the artifacts and impulse responses that they name.

Presets are in the order of their names, unless `bank.toml` in the folder sets another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nampedal.firmware.actions import bindings
from nampedal.firmware.base.errors import (
    BankError,
    ControlMapError,
    EmptyBankError,
    NampedalError,
    NoSuchPresetError,
    SettingsError,
    SettingsUnreadableError,
    SettingValueError,
)
from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.durable_toml import read_safely, update_safely
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_format,
    check_keys,
    load_toml,
    os_error_text,
    table_of,
    text_of,
    texts_of,
    to_toml,
)
from nampedal.firmware.base.listing import is_clutter
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.presets.preset import Preset

FORMAT = 1
OWN_FILE = file_names.BANK
# Maximum digits of a preset number. int() refuses more than 4300.
MAX_DIGITS = 6
# Settings for preparing presets as a test. Nobody hears them, so their loudness is not measured.
TRIED_RATE_HZ = 48_000.0
TRIED_FRAMES = 64


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank.

    presets: the preset files in the order of their numbers.
    name: for people.
    problem: what is wrong with bank.toml, which is then ignored, or with its newest version; empty: nothing.
    programs: short names of presets by MIDI program number, counted from 1. Program numbers that are not listed here
    are the preset's position in the bank.
    """

    folder: Path
    name: str
    presets: tuple[Path, ...]
    problem: str = ""
    programs: Mapping[int, str] = field(default_factory=dict)

    @property
    def preset_names(self) -> list[str]:
        return [path.stem for path in self.presets]


@dataclass(frozen=True, slots=True)
class BankEntry:
    """The result of checking one preset of a bank.

    preset: None if it can't be read.
    files: the files that it names, relative to the bank.
    missing: those of them that do not exist.
    problems: why it can't be played, apart from missing files.
    warning: what else a person should know; empty: nothing.
    """

    path: Path
    preset: Preset | None = None
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    warning: str = ""


def read_bank(folder: Path) -> Bank:
    """List a bank. The presets are not opened, so a damaged one keeps its position.

    Raises SettingsUnreadableError, EmptyBankError.
    """
    bank = read_any_bank(folder)
    if not bank.presets:
        raise EmptyBankError(f"{folder}: holds no presets; put at least one .toml there")
    return bank


def read_any_bank(folder: Path) -> Bank:
    """List a bank as `read_bank` does, but accept an empty one. Raises SettingsUnreadableError."""
    try:
        found = {path.stem: path for path in sorted(folder.iterdir()) if _is_preset(path)}
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error
    own = read_own(folder)
    names = dict.fromkeys((*file_names.matched(own.order, found), *found))
    bank = Bank(folder, own.name, tuple(found[one] for one in names), own.problem, own.programs)
    return bank if bank.problem else replace(bank, problem=unknown_program(bank))


def unknown_program(bank: Bank) -> str:
    """Return an error text if a program of bank.toml names a preset that does not exist; empty: none does."""
    for number, name in bank.programs.items():
        if name not in bank.preset_names:
            there = f"there are {', '.join(bank.preset_names)}" if bank.presets else "there is none"
            return f"{own_file(bank.folder)}: programs.{number}: preset {name!r} is not in the bank; {there}"
    return ""


def write_order(bank: Bank) -> None:
    """Write name, order and programs to bank.toml. In an existing file only what differs is changed.

    Raises SettingsError, also if the existing bank.toml can't be read: it may be a person's work.
    """
    path = own_file(bank.folder)
    if path.exists():
        _parse_own(read_safely(path).data, path)
    data = to_toml(_values(BankToml(bank.name, tuple(bank.preset_names), bank.programs)))
    _parse_own(data, path)

    def complete(text: bytes) -> Values:
        own = _parse_own(text, path)
        names = file_names.matched(own.order, bank.preset_names)
        if len(names) == len(own.order):
            # The presets that the order leaves out follow, in the order of their names.
            rest = (one.stem for one in sorted(bank.presets))
            own = replace(own, order=tuple(dict.fromkeys((*names, *rest))))
        return _values(replace(own, name=own.name or bank.folder.resolve().name))

    update_safely(path, data, complete)


def _values(own: BankToml) -> Values:
    programs = {"programs": {str(number): name for number, name in own.programs.items()}} if own.programs else {}
    return {"format": FORMAT, "name": own.name, "order": list(own.order), **programs}


def own_file(folder: Path) -> Path:
    """Return the path of a bank's bank.toml, even if it does not exist. On FAT its name may be BANK.TOML."""
    return file_names.find_path(folder, OWN_FILE)


def reordered(bank: Bank, first: Sequence[str]) -> Bank:
    """Return the bank with some presets moved to the front; the others keep their order.

    first: presets, in the form that `index_of` takes.
    Raises NoSuchPresetError.
    """
    known = bank.preset_names
    wanted = [bank.presets[index_of_preset(one, known)] for one in first]
    return replace(bank, presets=tuple(dict.fromkeys((*wanted, *bank.presets))))


def index_of_preset(asked: str, names: Sequence[str]) -> int:
    """Return the index of a preset that `index_of` finds. Raises NoSuchPresetError."""
    at = index_of(asked, names)
    if at is not None:
        return at
    there = f"; there are {', '.join(dict.fromkeys(names))}" if names else ", which has none"
    raise NoSuchPresetError(f"preset {_shown(asked)}: is not in the bank{there}{_hint(asked, names)}")


def index_of(asked: str, names: Sequence[str]) -> int | None:
    """Return the index of the preset or bank that a text asks for; None: there is none.

    asked: digits are a position counted from 1, even if a preset's name is that number, because MIDI and footswitches
    count. Any other text is a name, and so is everything after a leading '='.
    """
    if _counts(asked):
        number = int(asked) if len(asked) <= MAX_DIGITS else 0
        return number - 1 if 1 <= number <= len(names) else None
    # If a command line gives the same name twice, the later one counts.
    known = {name: at for at, name in enumerate(names)}
    name = asked.removeprefix("=")
    if name in known:
        return known[name]
    # Terminals, phones and macOS write accents in different Unicode forms.
    same = [at for one, at in known.items() if file_names.to_nfc(one) == file_names.to_nfc(name)]
    return same[0] if len(same) == 1 else None


def by_name(name: str) -> str:
    """Return the text that asks for a name, even if the name is a number."""
    return f"={name}" if _counts(name) or name.startswith("=") else name


def _counts(asked: str) -> bool:
    return asked.isascii() and asked.isdecimal()


def _shown(asked: str) -> str:
    return repr(asked if not _counts(asked) or len(asked) <= MAX_DIGITS else f"{asked[:MAX_DIGITS]}...")


def _hint(asked: str, names: Sequence[str]) -> str:
    """Return a hint if the text was read as a position but is also a name; empty: it is no name."""
    return f"; the one that is called {asked} is asked for as '={asked}'" if asked in names and _counts(asked) else ""


def find_bank(asked: str, banks: Sequence[Path], here: Path) -> Path:
    """Return the folder of a bank.

    asked: "next", "previous", or a text that `index_of` takes.
    banks: empty if one bank is played alone; `here` is then the first bank of one.
    Raises BankError.
    """
    if asked in ("next", "previous") and banks:
        at = banks.index(here) if here in banks else -1
        return banks[(at + (1 if asked == "next" else -1)) % len(banks)]
    folders = banks or [here]
    names = [folder.name for folder in folders]
    found = index_of(asked, names)
    if found is not None:
        return folders[found]
    if not banks:
        raise BankError(f"bank {_shown(asked)}: there is no other bank; play a folder of several")
    raise BankError(f"bank {_shown(asked)}: is not there; there are {', '.join(names)}{_hint(asked, names)}")


def banks_in(folder: Path) -> list[Path]:
    """Return the folders in a folder that hold a bank, in the order of their names. Raises SettingsUnreadableError."""
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and not is_clutter(path.name))
        return [path for path in found if is_bank(path)]
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error


def is_bank(folder: Path) -> bool:
    """Return True if a folder holds a preset or a bank.toml. Raises OSError."""
    return any(_is_preset(path) or file_names.is_bank_toml(path.name) for path in folder.iterdir())


def check_all_presets(bank: Bank) -> list[BankEntry]:
    """Check every preset of a bank, including its files, by preparing it."""
    return [check_preset(path) for path in bank.presets]


def check_preset(path: Path) -> BankEntry:
    """Check one preset. Any error in it becomes a problem of the entry, except MemoryError."""
    try:
        return _read_entry(path)
    except MemoryError:
        raise
    except Exception as error:
        # An unexpected error in one file must not stop the check of the others.
        return BankEntry(path, problems=(describe_failure(path, "nampedal itself went wrong", error),))


def _read_entry(path: Path) -> BankEntry:
    try:
        stored = read_safely(path)
        read = preset.parse(stored.data, str(path))
    except SettingsError as error:
        return BankEntry(path, problems=(str(error),))
    files = preset.files_of(read)
    changed = f"{path}: was changed since nampedal wrote it, by hand or by a card that fails" if stored.changed else ""
    entry = BankEntry(path, read, files, warning=stored.warning or changed)
    missing = tuple(name for name in files if not file_names.find_path(path.parent, name).is_file())
    if missing:
        return replace(entry, missing=missing)
    try:
        Chain.prepare(
            *(read, path.parent), sample_rate=TRIED_RATE_HZ, max_frames=TRIED_FRAMES, loudness_lufs=LOUDNESS_LUFS
        )
    except NampedalError as error:
        return replace(entry, problems=(str(error),))
    return entry


def _is_preset(path: Path) -> bool:
    return file_names.is_preset(path.name)


@dataclass(frozen=True, slots=True)
class BankToml:
    """The contents of bank.toml; see `Bank` for the fields."""

    name: str = ""
    order: tuple[str, ...] = ()
    programs: Mapping[int, str] = field(default_factory=dict)
    problem: str = ""


def read_own(folder: Path) -> BankToml:
    """Read the bank.toml of a folder; it may be damaged or missing."""
    path = own_file(folder)
    plain = BankToml(folder.resolve().name)
    try:
        stored = read_safely(path)
        own = _parse_own(stored.data, path)
    except SettingsError as error:
        there = not isinstance(error.__cause__, FileNotFoundError)
        return replace(plain, problem=f"{error}; presets are in the order of their names") if there else plain
    except Exception as error:
        # The presets of the bank can still be played.
        said = describe_failure(path, "can't be read", error)
        return replace(plain, problem=f"{said}; presets are in the order of their names")
    return replace(own, name=own.name or plain.name, problem=stored.warning)


def _parse_own(data: bytes, path: Path) -> BankToml:
    where = str(path)
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format",), ("name", "order", "programs"))
    return BankToml(
        text_of(where, "name", values) if "name" in values else "",
        texts_of(where, "order", values) if "order" in values else (),
        _programs(where, values) if "programs" in values else {},
    )


def _programs(where: str, values: Values) -> dict[int, str]:
    found = {}
    for key, name in table_of(where, "programs", values, "names of presets by program numbers").items():
        try:
            number = bindings.number_of(key, "programs", f"{where}: programs.{key}")
        except ControlMapError as error:
            raise SettingValueError(str(error)) from error
        found[number] = text_of(where, f"programs.{key}", {key.rpartition(".")[2]: name})
    return found
