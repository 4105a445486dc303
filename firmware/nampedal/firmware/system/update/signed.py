"""Checks the signature of an update: it is installed only if this pedal trusts the signer's key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import SignatureError, UnsignedError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.signature import UPDATE, PublicKey, names_in, read_signature, read_trusted
from nampedal.firmware.system.update.pinned_file import PinnedFile
from nampedal.firmware.system.update.update_host import UpdateHost

Says = Callable[[str], None]
UNSIGNED = "--unsigned"


def check_signature(system: UpdateHost, path: Path, say: Says, *, unsigned: bool = False) -> PinnedFile:
    """Check an update's signature and return the pinned file: later changes of its bytes are detected.

    Nothing of the file is unpacked or run. unsigned: do not check the signature.
    Raises SignatureError, FileAccessError, DeployError.
    """
    pinned = PinnedFile(path)
    pinned.check_readable()
    if unsigned:
        for _ in pinned.first_pass():
            pass
        say(f"its signature is not checked ({UNSIGNED})")
        return pinned
    trusted = _trusted(system)
    if not trusted:
        raise SignatureError(
            f"{path}: can't be checked: this pedal trusts no key; 'sudo nampedal update trust KEY.pub' adds the one of "
            f"who made the file, {UNSIGNED} installs it unchecked"
        )
    try:
        own = read_signature(path)
    except UnsignedError as error:
        raise UnsignedError(f"{error}; copy it too, or say {UNSIGNED} to install the file unchecked") from error
    signer = signature.check(path, pinned.first_pass(), own, trusted, UPDATE)
    say(f"signed by {signer.name}")
    return pinned


def trust(system: UpdateHost, key: PublicKey) -> Path:
    """Add a public key to the keys that this pedal trusts. Return the file that it was written to.

    Raises FileAccessError, SettingsUnwritableError.
    """
    path = system.under_root(system_paths.TRUSTED_ADDED)
    signature.trust(path, key)
    # Independent of root's umask: the bank import, which runs as an unprivileged user, reads the file, too.
    path.chmod(0o644)
    return path


def trusted_names(system: UpdateHost) -> list[str]:
    """Return the names of the signers whose updates this pedal accepts. Raises FileAccessError."""
    return names_in(_trusted(system))


def _trusted(system: UpdateHost) -> list[str]:
    return read_trusted(system.under_root(place) for place in (system_paths.TRUSTED, system_paths.TRUSTED_ADDED))
