"""DATA's folders: made where they are missing, each with its right owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nampedal.board import places
from nampedal.board.settings import reason
from nampedal.firmware.card.errors import DataFolderError
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import SYSTEM, placed


def make(system: System, root: Path) -> None:
    """Raises NoUserError, DataFolderError."""
    player = system.owner(places.USER)
    ours = os.geteuid(), os.getegid()
    # Who may write what root runs is root.
    for place in (places.DATA, places.RUNTIMES):
        _own(placed(root, place), ours, 0o755)
    _own(placed(root, SYSTEM), ours, 0o700)
    for place in places.PLAYERS:
        _own(placed(root, place), player, 0o755)


def _own(folder: Path, owner: tuple[int, int], mode: int) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(f"{folder} is no folder")
        if (found.st_uid, found.st_gid) != owner:
            os.chown(folder, *owner, follow_symlinks=False)
        if stat.S_IMODE(found.st_mode) != mode:
            folder.chmod(mode)
    except OSError as error:
        raise DataFolderError(f"{folder}: can't be made: {reason(error)}; nampedal keeps nothing") from error
