"""How a player without a screen learns what a boot found out: a text file on the card, and lights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from nampedal.board import places
from nampedal.board.settings import reason, replace_file, sync_folder
from nampedal.firmware.card.errors import CardFileError
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import placed, write_run
from nampedal.firmware.lamps import CARD_TROUBLE, TAKEN_OVER

_HEAD = (
    "What is wrong with this card. nampedal looks at every start; when all is well, this file is gone.",
    "",
)

# What the boot has told, a line each.
TOLD = places.CARD_RUN / "problems"

_log = logging.getLogger(__name__)


def tell(system: System, root: Path, problems: Sequence[str], taken: Sequence[str], *, has_card: bool = True) -> None:
    """What a boot has found wrong, and which banks are new. The card is written only where something has changed.

    has_card: it is mounted.
    Raises CardFileError, CommandFailedError, SettingsError, OSError.
    """
    for problem in problems:
        _log.warning("%s", problem)
    try:
        write_run(placed(root, places.CARD_NEWS), "")
        leave(root, problems, taken)
        write_run(placed(root, TOLD), "".join(f"{problem}\n" for problem in problems))
    finally:
        if has_card:
            _write_errors(system, placed(root, places.CARD_ERRORS), problems)


def fresh(root: Path, problems: Sequence[str]) -> list[str]:
    """What of this the boot has not told."""
    told = _told(placed(root, TOLD))
    return [problem for problem in problems if problem not in told]


def add(system: System, root: Path, problems: Sequence[str]) -> None:
    """Tell this beside what the boot has told. Raises as `tell`."""
    for problem in problems:
        _log.warning("%s", problem)
    _write_errors(system, placed(root, places.CARD_ERRORS), [*_told(placed(root, TOLD)), *problems])


def leave(root: Path, problems: Sequence[str], taken: Sequence[str]) -> None:
    """What lights are to say when a pedal starts to play. Raises OSError."""
    path = placed(root, places.CARD_NEWS)
    codes = [CARD_TROUBLE] * bool(problems) + [TAKEN_OVER] * bool(taken)
    before = path.read_text(encoding="ascii") if path.exists() else ""
    write_run(path, before + "".join(f"{code}\n" for code in codes))


def _told(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        # A boot that could not keep it has told it all the same.
        return []


def text_of(problems: Sequence[str]) -> bytes:
    """For Windows, too."""
    return "".join(f"{line}\r\n" for line in (*_HEAD, *problems)).encode("utf-8", "replace")


def _write_errors(system: System, path: Path, problems: Sequence[str]) -> None:
    try:
        before = path.read_bytes() if path.exists() else None
        if not problems and before is not None:
            with system.writable(path.parent):
                path.unlink()
                sync_folder(path.parent)
    except OSError as error:
        raise CardFileError(f"{path}: can't be removed: {reason(error)}") from error
    text = text_of(problems)
    if problems and text != before:
        with system.writable(path.parent):
            replace_file(text, path)
