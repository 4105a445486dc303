"""Reports what a boot found to a player without a screen: in a text file on the card, and with LEDs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from nampedal.firmware.actions.led_state import CARD_TROUBLE, TAKEN_OVER
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.atomic_write import sync_folder
from nampedal.firmware.base.files.toml_schema import os_error_text, replace_file
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import under_root, write_volatile

_HEAD = (
    "What is wrong with this card. nampedal looks at every start; when all is well, this file is gone.",
    "",
)

# The problems that the boot has reported, one line each.
REPORTED = system_paths.CARD_RUN / "problems"

_log = logging.getLogger(__name__)


def write_report(
    system: CardHost, root: Path, problems: Sequence[str], taken: Sequence[str], *, has_card: bool = True
) -> None:
    """Report the problems of a boot and the new banks. The card is written only if its error file has to change.

    taken: the new banks.  has_card: True if the card is mounted.
    Raises FileAccessError, ProgramError, SettingsError, OSError.
    """
    for problem in problems:
        _log.warning("%s", problem)
    try:
        write_volatile(under_root(root, system_paths.CARD_ANNOUNCEMENT), "")
        add_blink_codes(root, problems, taken)
        write_volatile(under_root(root, REPORTED), "".join(f"{problem}\n" for problem in problems))
    finally:
        if has_card:
            _write_errors(system, under_root(root, system_paths.CARD_ERRORS), problems)


def fresh(root: Path, problems: Sequence[str]) -> list[str]:
    """Return the problems that the boot has not reported."""
    reported = _read_reported(under_root(root, REPORTED))
    return [problem for problem in problems if problem not in reported]


def add(system: CardHost, root: Path, problems: Sequence[str]) -> None:
    """Report more problems, in addition to those of the boot. Raises as `write_report`."""
    for problem in problems:
        _log.warning("%s", problem)
    _write_errors(
        system, under_root(root, system_paths.CARD_ERRORS), [*_read_reported(under_root(root, REPORTED)), *problems]
    )


def add_blink_codes(root: Path, problems: Sequence[str], taken: Sequence[str]) -> None:
    """Add the blink codes that the pedal's LEDs show when it starts to play. taken: new banks. Raises OSError."""
    path = under_root(root, system_paths.CARD_ANNOUNCEMENT)
    codes = [CARD_TROUBLE] * bool(problems) + [TAKEN_OVER] * bool(taken)
    before = path.read_text(encoding="ascii") if path.exists() else ""
    write_volatile(path, before + "".join(f"{code}\n" for code in codes))


def _read_reported(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        # Not an error: the boot has reported its problems, but could not store them here.
        return []


def text_of(problems: Sequence[str]) -> bytes:
    """Return the content of the error file, with Windows line ends (CR LF)."""
    return "".join(f"{line}\r\n" for line in (*_HEAD, *problems)).encode("utf-8", "replace")


def _write_errors(system: CardHost, path: Path, problems: Sequence[str]) -> None:
    try:
        before = path.read_bytes() if path.exists() else None
        if not problems and before is not None:
            with system.writable(path.parent):
                path.unlink()
                sync_folder(path.parent)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be removed: {os_error_text(error)}") from error
    text = text_of(problems)
    if problems and text != before:
        with system.writable(path.parent):
            replace_file(text, path)
