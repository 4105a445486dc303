"""Checks of presets and artifacts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import NampedalError, NoGoldenVectorsError, SettingsUnreadableError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.listing import is_among_clutter, suffix_of
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.golden_check import verify
from nampedal.firmware.presets.banks.bank import banks_in, check_all_presets, read_bank
from nampedal.firmware.presets.banks.bank_edit import troubles
from nampedal.firmware.system.doctor.context import AS_ROOT, CheckContext, check
from nampedal.firmware.system.doctor.errors import UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, ok, wrong

# Time limit of each of the two checks. Banks and artifacts that are left after it are skipped.
MAX_S = 60.0


@check("presets")
def check_presets(case: CheckContext) -> Finding:
    """Check that every preset of every bank can be played. Each preset is prepared as for playing."""
    folder = _folder(case)
    with as_owner(folder):
        return _check_presets(case, folder)


def _check_presets(case: CheckContext, folder: Path) -> Finding:
    until_s = case.machine.passed_s() + MAX_S
    try:
        banks = banks_in(folder)
    except SettingsUnreadableError as error:
        if not case.is_booted and not case.machine.is_folder(system_paths.BANKS):
            raise UnknownResultError(f"{system_paths.BANKS} is not there: it is made at the first start") from error
        return wrong(str(error), case.reinstall_advice())
    if not banks:
        return wrong(
            f"{system_paths.BANKS} holds no bank: there is nothing to play",
            f"put one there: 'sudo nampedal bank import FILE.nampedal-bank --into {system_paths.BANKS}'",
        )
    found: list[str] = []
    good = skipped = 0
    for bank in banks:
        if case.machine.passed_s() > until_s:
            skipped += 1
            continue
        bad, count = _examine(bank)
        found, good = found + bad, good + count
    if found:
        return wrong(
            "; ".join(found), f"'nampedal bank list {system_paths.BANKS}/BANK' shows it; remove or copy them again"
        )
    return ok(
        f"{_count(good, 'preset')} in {_count(len(banks) - skipped, 'bank')} can be played" + _rest(skipped, "bank")
    )


@check("artifacts")
def check_artifacts(case: CheckContext) -> Finding:
    """Check that every artifact gives the output here that it gave where it was made (its golden vectors).

    A .tflite has none: its checksum and its graph are checked.
    """
    folder = _folder(case)
    with as_owner(folder):
        return _check_artifacts(case, folder)


def _is_artifact(name: Path) -> bool:
    return suffix_of(name) in file_names.PLAYABLE and not is_among_clutter(name)


def _check_artifacts(case: CheckContext, folder: Path) -> Finding:
    until_s = case.machine.passed_s() + MAX_S
    paths = sorted(path for path in folder.rglob("*") if _is_artifact(path.relative_to(folder)))
    failed, good, plain, skipped = [], 0, 0, 0
    for path in paths:
        if case.machine.passed_s() > until_s:
            skipped += 1
            continue
        try:
            if suffix_of(path) == file_names.TFLITE:
                tflite_artifact.read(path)
                plain += 1
                continue
            passed = all(one.passed for one in verify(path))
        except NoGoldenVectorsError:
            plain += 1
        except NampedalError as error:
            failed.append(str(error))
        else:
            good += passed
            failed += [] if passed else [f"{path}: sounds other than where it was made"]
    if failed:
        return wrong("; ".join(failed), "convert these captures again, or copy them again; a card may be failing")
    bare = f"; {plain} can't be verified: they have no golden vectors" if plain else ""
    return ok(f"{good} verified{bare}" + _rest(skipped, "artifact"))


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Run a block with the rights of the folder's owner if this process is root.

    A symbolic link in the folder can then not make root read a file that the owner must not read.
    """
    try:
        owner = folder.stat()
    except OSError:
        # The check itself reports a missing folder.
        owner = None
    if owner is None or os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _folder(case: CheckContext) -> Path:
    """Return the path at which the banks can be opened here. Raises UnknownResultError without permission."""
    if case.machine.denied(system_paths.BANKS):
        raise UnknownResultError(f"{system_paths.BANKS} can't be read", AS_ROOT)
    return case.machine.real(system_paths.BANKS)


def _examine(folder: Path) -> tuple[list[str], int]:
    """Return the problems of a bank, and the number of its presets that can be played."""
    try:
        bank = read_bank(folder)
    except NampedalError as error:
        return [str(error)], 0
    entries = check_all_presets(bank)
    bad = [f"{entry.path}: {trouble}" for entry in entries for trouble in troubles(entry)]
    return bad, sum(not troubles(entry) for entry in entries)


def _rest(skipped: int, what: str) -> str:
    return f"; {_count(skipped, what)} not looked at: that takes too long" if skipped else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
