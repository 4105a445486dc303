"""Who made an update: it is installed if its signature is that of somebody whom this pedal trusts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nampedal.board import places, signature
from nampedal.board.errors import NoTrustedKeyError, UnsignedError
from nampedal.board.signature import UPDATE, PublicKey, names_in, read_signature, read_trusted
from nampedal.firmware.update.pinned import PinnedFile
from nampedal.firmware.update.system import System

Says = Callable[[str], None]
UNSIGNED = "--unsigned"


def check_signature(system: System, path: Path, say: Says, *, unsigned: bool = False) -> PinnedFile:
    """The file, whose bytes are fixed from now on. Nothing of it was unpacked or run.

    unsigned: its signature is not looked at. Raises SignatureError, UpdateUnreadableError, NotAnUpdateError.
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
        raise NoTrustedKeyError(
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


def trust(system: System, key: PublicKey) -> Path:
    """From now on this pedal takes updates that are signed with it. Where that is written.

    Raises SignatureFileError, SettingsUnwritableError.
    """
    path = system.at(places.TRUSTED_ADDED)
    signature.trust(path, key)
    # Whatever root's umask is: what takes banks over reads it, too.
    path.chmod(0o644)
    return path


def trusted_names(system: System) -> list[str]:
    """Whose updates this pedal takes. Raises SignatureFileError."""
    return names_in(_trusted(system))


def _trusted(system: System) -> list[str]:
    return read_trusted(system.at(place) for place in (places.TRUSTED, places.TRUSTED_ADDED))
