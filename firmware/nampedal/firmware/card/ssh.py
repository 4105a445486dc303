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
from nampedal.firmware.card.where import SYSTEM, placed, write_run

AUTHORIZED = places.CARD_RUN / "authorized_keys"
# What a machine is known by: made once, and kept.
HOST_KEYS = SYSTEM / "ssh"
HOST_KEY = HOST_KEYS / "ssh_host_ed25519_key"
UNIT = "ssh.service"
# On an image only: elsewhere SSH is its owner's affair.
DROP_IN = Path("/etc/ssh/sshd_config.d/nampedal.conf")
DROP_IN_TEXT = f"""# Written by nampedal: with a key from nampedal.toml on the card, and by nothing else.
HostKey {HOST_KEY}
AuthorizedKeysFile {AUTHORIZED}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers root
"""


def set_up(system: System, root: Path, keys: tuple[str, ...]) -> None:
    """Raises CommandFailedError, DataFolderError, OSError."""
    if not keys:
        return
    write_run(placed(root, AUTHORIZED), "".join(f"{key}\n" for key in keys), 0o600)
    _make_host_key(system, placed(root, HOST_KEYS))
    system.start(UNIT)


def _make_host_key(system: System, folder: Path) -> None:
    """Whole or not at all: the folder gets its name last."""
    if (folder / HOST_KEY.name).exists():
        return
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        key = partial / HOST_KEY.name
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
