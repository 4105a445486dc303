"""SSH: off unless the card has a key. Then root may log in with that key, and by nothing else.

On a read-only root nobody but root can do anything of use; a second user with sudo would be the same with more parts.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nampedal.board import places
from nampedal.board.settings import reason, sync_folder
from nampedal.firmware.card.errors import DataFolderError
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import placed, write_run

UNIT = "ssh.service"
# Of a cable: without somebody who may log in nobody waits for a network.
NETWORK_UNIT = "systemd-networkd.service"


def set_up(system: System, root: Path, keys: tuple[str, ...]) -> None:
    """Raises CommandFailedError, DataFolderError, OSError."""
    if not keys:
        return
    write_run(placed(root, places.SSH_KEYS), "".join(f"{key}\n" for key in keys), 0o600)
    _make_host_key(system, placed(root, places.SSH_HOST_KEY.parent))
    system.start(NETWORK_UNIT, UNIT)


def _make_host_key(system: System, folder: Path) -> None:
    """Whole or not at all: the folder gets its name last."""
    if (folder / places.SSH_HOST_KEY.name).exists():
        return
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        key = partial / places.SSH_HOST_KEY.name
        system.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        for path in (key, key.with_name(f"{key.name}.pub")):
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        sync_folder(partial)
        os.rename(partial, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise DataFolderError(f"{folder}: this machine's SSH keys can't be kept: {reason(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
