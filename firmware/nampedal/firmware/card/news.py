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

_log = logging.getLogger(__name__)


def tell(system: System, root: Path, problems: Sequence[str], taken: Sequence[str], *, has_card: bool = True) -> None:
    """The card is written only where something has changed. has_card: it is mounted.

    Raises CardFileError, CommandFailedError, SettingsError.
    """
    for problem in problems:
        _log.warning("%s", problem)
    for name in taken:
        _log.info("bank %s was taken over", name)
    codes = [CARD_TROUBLE] * bool(problems) + [TAKEN_OVER] * bool(taken)
    try:
        write_run(placed(root, places.CARD_NEWS), "".join(f"{code}\n" for code in codes))
    finally:
        if has_card:
            _write_errors(system, placed(root, places.CARD_ERRORS), problems)


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
