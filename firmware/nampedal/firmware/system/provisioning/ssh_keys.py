"""Sets up SSH: it is off unless the card has a public key. Then root may log in with that key, and in no other way.

Root logs in, because on a read-only system only root can do useful work. A second user with sudo would have the same
rights and need more parts.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_file
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import under_root, write_volatile

UNIT = "ssh.service"
# Network by cable. It is started only for SSH: nothing else needs it.
NETWORK_UNIT = "systemd-networkd.service"


def set_up(system: CardHost, root: Path, keys: tuple[str, ...]) -> None:
    """Install the keys and start SSH; do nothing without keys. Raises ProgramError, FileAccessError, OSError."""
    if not keys:
        return
    write_volatile(under_root(root, system_paths.SSH_KEYS), "".join(f"{key}\n" for key in keys), 0o600)
    _make_host_key(system, under_root(root, system_paths.SSH_HOST_KEY.parent))
    system.start(NETWORK_UNIT, UNIT)


def _make_host_key(system: CardHost, folder: Path) -> None:
    """Make the SSH host key if it is missing. The folder gets its final name last, so it is never incomplete."""
    if (folder / system_paths.SSH_HOST_KEY.name).exists():
        return
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        key = partial / system_paths.SSH_HOST_KEY.name
        system.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
        for path in (key, key.with_name(f"{key.name}.pub")):
            sync_file(path)
        move_into_place(partial, folder)
    except OSError as error:
        raise FileAccessError(f"{folder}: this machine's SSH keys can't be kept: {os_error_text(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
