"""Checks of what can be played: presets and artifacts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NampedalError, SettingsUnreadableError
from nampedal.firmware.bank import banks_in, look_at, read_bank
from nampedal.firmware.bank_edit import troubles
from nampedal.firmware.doctor.case import AS_ROOT, Case, check
from nampedal.firmware.doctor.errors import CantTellError
from nampedal.firmware.doctor.finding import Finding, ok, wrong
from nampedal.firmware.errors import NoGoldenVectorsError
from nampedal.firmware.verify import verify

# Of all presets, and of all artifacts: what is not looked at by then is not looked at.
MOST_S = 60.0


@check("presets")
def check_presets(case: Case) -> Finding:
    """Whether every preset of every bank can be played, each prepared as it would be."""
    folder = _folder(case)
    with as_owner(folder):
        return _check_presets(case, folder)


def _check_presets(case: Case, folder: Path) -> Finding:
    until_s = case.machine.passed_s() + MOST_S
    try:
        banks = banks_in(folder)
    except SettingsUnreadableError as error:
        if not case.is_booted and not case.machine.is_folder(places.BANKS):
            raise CantTellError(f"{places.BANKS} is not there: it is made at the first start") from error
        return wrong(str(error), case.reinstall())
    if not banks:
        return wrong(
            f"{places.BANKS} holds no bank: there is nothing to play",
            f"put one there: 'sudo nampedal bank import FILE.nampedal-bank --into {places.BANKS}'",
        )
    found: list[str] = []
    good = skipped = 0
    for bank in banks:
        if case.machine.passed_s() > until_s:
            skipped += 1
            continue
        bad, count = _look_at(bank)
        found, good = found + bad, good + count
    if found:
        return wrong("; ".join(found), f"'nampedal bank list {places.BANKS}/BANK' shows it; remove or copy them again")
    return ok(
        f"{_count(good, 'preset')} in {_count(len(banks) - skipped, 'bank')} can be played" + _rest(skipped, "bank")
    )


@check("artifacts")
def check_artifacts(case: Case) -> Finding:
    """Whether every artifact sounds here as it did where it was made."""
    folder = _folder(case)
    with as_owner(folder):
        return _check_artifacts(case, folder)


def _check_artifacts(case: Case, folder: Path) -> Finding:
    until_s = case.machine.passed_s() + MOST_S
    paths = sorted(folder.rglob("*.stomp"))
    failed, good, plain, skipped = [], 0, 0, 0
    for path in paths:
        if case.machine.passed_s() > until_s:
            skipped += 1
            continue
        try:
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
    """Have root look with the rights of the folder's owner: a link in it leads to nothing that others must not read."""
    try:
        owner = folder.stat()
    except OSError:
        # The check says so.
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


def _folder(case: Case) -> Path:
    """Where banks can be opened. Raises CantTellError where only others may."""
    if case.machine.denied(places.BANKS):
        raise CantTellError(f"{places.BANKS} can't be read", AS_ROOT)
    return case.machine.real(places.BANKS)


def _look_at(folder: Path) -> tuple[list[str], int]:
    """What is wrong with a bank, and how many of its presets can be played."""
    try:
        bank = read_bank(folder)
    except NampedalError as error:
        return [str(error)], 0
    entries = look_at(bank)
    bad = [f"{entry.path}: {trouble}" for entry in entries for trouble in troubles(entry)]
    return bad, sum(not troubles(entry) for entry in entries)


def _rest(skipped: int, what: str) -> str:
    return f"; {_count(skipped, what)} not looked at: that takes too long" if skipped else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
