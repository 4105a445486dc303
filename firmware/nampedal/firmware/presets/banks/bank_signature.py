"""Tells who signed a bank file, if there is a signature beside it. A bank without one is imported all the same.

A bank is only data, and players pass banks on. A signature gives it a name that nobody else can use.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nampedal.board.profiles.profile_files import config_folder
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError, UnsignedError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.open_file import open_to_read
from nampedal.firmware.base.files.signature import BANK, PublicKey, read_signature, read_trusted
from nampedal.firmware.base.files.toml_schema import os_error_text

_PIECE_BYTES = 1 << 20


def own_list() -> Path:
    """Return the path of the user's own list of known bank signers. The list does not apply to updates."""
    return config_folder() / system_paths.TRUSTED.name


def signer_of(path: Path) -> str:
    """Return who signed a bank file, as part of a sentence; empty: nobody.

    Raises SignatureError, also if the key is known for other kinds of files only; FileAccessError, ProgramError.
    """
    try:
        own = read_signature(path)
    except UnsignedError:
        return ""
    known = read_trusted((system_paths.TRUSTED, system_paths.TRUSTED_ADDED, own_list()))
    signer = signature.identify_signer(path, _pieces(path), own, known, BANK)
    return signer.name or f"somebody whose key is not known here ({signer.fingerprint})"


def trust_bank_key(key: PublicKey) -> Path:
    """Add a key to the user's list, so that banks signed with it have a name. Return the path of the list.

    Raises FileAccessError, SettingsUnwritableError.
    """
    signature.trust(own_list(), key, [BANK])
    return own_list()


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with open(open_to_read(path), "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
