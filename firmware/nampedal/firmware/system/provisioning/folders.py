"""Makes the missing folders of the data partition (system_paths.DATA) and sets their owners."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import SYSTEM, under_root


def make(system: CardHost, root: Path) -> None:
    """Make all folders with their owners and modes. Raises CardError, FileAccessError."""
    player = system.owner(system_paths.USER)
    ours = os.geteuid(), os.getegid()
    # Root runs the code in these folders, so only root may write there.
    for place in (system_paths.DATA, system_paths.RUNTIMES):
        _own(under_root(root, place), ours, 0o755)
    _own(under_root(root, SYSTEM), ours, 0o700)
    for place in system_paths.PLAYERS:
        _own(under_root(root, place), player, 0o755)


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
        raise FileAccessError(f"{folder}: can't be made: {os_error_text(error)}; nampedal keeps nothing") from error
