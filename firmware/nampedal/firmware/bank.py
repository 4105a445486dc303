"""Banks: folders of presets with the artifacts and impulse responses that they name, side by side in one folder.

The order of the presets is that of their names, unless `bank.toml` in the folder says another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nampedal.board.errors import NampedalError, SettingsError, SettingsUnreadableError
from nampedal.board.settings import check_format, check_keys, load_toml, reason, text_of, texts_of, to_toml
from nampedal.firmware import file_names, preset
from nampedal.firmware.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.errors import EmptyBankError, NoSuchPresetError
from nampedal.firmware.preset import Preset
from nampedal.firmware.store import read_safely, write_safely

FORMAT = 1
OWN_FILE = file_names.BANK
# What presets are prepared for when they are tried. Nobody hears them, so their loudness need not be measured.
TRIED_RATE_HZ = 48_000.0
TRIED_FRAMES = 64


@dataclass(frozen=True, slots=True)
class Bank:
    """presets: their files, in the order in which they are numbered.  name: for people.

    problem: what is wrong with bank.toml, which then has no say, or with its newest version; empty: nothing.
    """

    folder: Path
    name: str
    presets: tuple[Path, ...]
    problem: str = ""

    @property
    def preset_names(self) -> list[str]:
        return [path.stem for path in self.presets]


@dataclass(frozen=True, slots=True)
class Entry:
    """One preset of a bank, looked at. preset: None where it can't be read.

    files: what it names, relative to the bank.  missing: those of them that are not there.
    problems: why it can't be played, missing files aside.  warning: what else a person should know; empty: nothing.
    """

    path: Path
    preset: Preset | None = None
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    warning: str = ""


def read_bank(folder: Path) -> Bank:
    """Presets are not looked into: a damaged one keeps its place.

    Raises SettingsUnreadableError, EmptyBankError.
    """
    bank = read_any_bank(folder)
    if not bank.presets:
        raise EmptyBankError(f"{folder}: holds no presets; put at least one .toml there")
    return bank


def read_any_bank(folder: Path) -> Bank:
    """As `read_bank`, of a bank that may be empty still. Raises SettingsUnreadableError."""
    try:
        found = {path.stem: path for path in sorted(folder.iterdir()) if _is_preset(path)}
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {reason(error)}") from error
    name, order, problem = _read_own(folder)
    names = dict.fromkeys((*(one for one in order if one in found), *found))
    return Bank(folder, name, tuple(found[one] for one in names), problem)


def write_order(bank: Bank) -> None:
    """Keeps name and order. Raises SettingsError, also of a bank.toml that can't be read: it may be a person's work."""
    path = bank.folder / OWN_FILE
    if path.exists():
        _parse_own(read_safely(path).data, path)
    data = to_toml({"format": FORMAT, "name": bank.name, "order": bank.preset_names})
    _parse_own(data, path)
    write_safely(path, data)


def reordered(bank: Bank, first: Sequence[str]) -> Bank:
    """first: names or numbers of presets that come before all others, which stay as they are.

    Raises NoSuchPresetError.
    """
    known = bank.preset_names
    wanted = [bank.presets[which(one, known)] for one in first]
    return replace(bank, presets=tuple(dict.fromkeys((*wanted, *bank.presets))))


def which(asked: str, names: Sequence[str]) -> int:
    """The index of a preset by its short name, or its number from 1 on. Raises NoSuchPresetError."""
    # Of two with one name, which a command line may name, the later one.
    known = {name: at for at, name in enumerate(names)}
    if asked in known:
        return known[asked]
    if asked.isdecimal() and 1 <= int(asked) <= len(names):
        return int(asked) - 1
    there = f"; there are {', '.join(known)}" if known else ", which has none"
    raise NoSuchPresetError(f"preset {asked!r}: is not in the bank{there}")


def banks_in(folder: Path) -> list[Path]:
    """The folders beside one another that hold a bank, in the order of their names. Raises SettingsUnreadableError."""
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
        return [path for path in found if is_bank(path)]
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {reason(error)}") from error


def is_bank(folder: Path) -> bool:
    """Whether it holds a preset, or says that it is a bank. Raises OSError."""
    return any(_is_preset(path) or path.name == OWN_FILE for path in folder.iterdir())


def look_at(bank: Bank) -> list[Entry]:
    """Every preset, its files, and whether it can be played, by preparing it."""
    return [look_at_preset(path) for path in bank.presets]


def look_at_preset(path: Path) -> Entry:
    """One preset, whatever is wrong with it. Raises MemoryError."""
    try:
        return _look_at_preset(path)
    except MemoryError:
        raise
    except Exception as error:
        # One file that nobody has thought of keeps no other from being looked at.
        said = " ".join(str(error).split())
        return Entry(path, problems=(f"{path}: nampedal itself went wrong: {type(error).__name__}: {said}",))


def _look_at_preset(path: Path) -> Entry:
    try:
        stored = read_safely(path)
        read = preset.parse(stored.data, str(path))
    except SettingsError as error:
        return Entry(path, problems=(str(error),))
    files = preset.files_of(read)
    changed = f"{path}: was changed since nampedal wrote it, by hand or by a card that fails" if stored.changed else ""
    entry = Entry(path, read, files, warning=stored.warning or changed)
    missing = tuple(name for name in files if not (path.parent / name).is_file())
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
    return path.suffix == preset.SUFFIX and path.name[0] != "." and path.name != OWN_FILE


def _read_own(folder: Path) -> tuple[str, tuple[str, ...], str]:
    """Name, order, problem."""
    path = folder / OWN_FILE
    plain = folder.resolve().name
    try:
        stored = read_safely(path)
        name, order = _parse_own(stored.data, path)
    except SettingsError as error:
        there = not isinstance(error.__cause__, FileNotFoundError)
        return plain, (), f"{error}; presets are in the order of their names" if there else ""
    return name or plain, order, stored.warning


def _parse_own(data: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    where = str(path)
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format",), ("name", "order"))
    name = text_of(where, "name", values) if "name" in values else ""
    return name, texts_of(where, "order", values) if "order" in values else ()
