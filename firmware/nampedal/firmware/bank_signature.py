"""Who made a bank file: told if it has a signature beside it. A bank without one is taken over all the same.

A bank is only data, and players pass banks on. What a signature is good for: a name that nobody else can give.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nampedal.board import places, signature
from nampedal.board.errors import UnsignedError
from nampedal.board.profiles import config_folder
from nampedal.board.settings import reason
from nampedal.board.signature import BANK, PublicKey, read_signature, read_trusted
from nampedal.firmware.errors import BankFileUnreadableError

_PIECE_BYTES = 1 << 20


def own_list() -> Path:
    """The user's own list of whose banks are known. It says nothing about updates."""
    return config_folder() / places.TRUSTED.name


def signer_of(path: Path) -> str:
    """Who has signed a bank file, as a part of a sentence; empty: nobody.

    Raises WrongSignatureError, UntrustedKeyError where a key is known for other files only; SignatureFileError,
    SignatureToolError, BankFileUnreadableError.
    """
    try:
        own = read_signature(path)
    except UnsignedError:
        return ""
    known = read_trusted((places.TRUSTED, places.TRUSTED_ADDED, own_list()))
    signer = signature.look_at(path, _pieces(path), own, known, BANK)
    return signer.name or f"somebody whose key is not known here ({signer.fingerprint})"


def know(key: PublicKey) -> Path:
    """From now on banks that are signed with it have a name. Where that is written.

    Raises SignatureFileError, SettingsUnwritableError.
    """
    signature.trust(own_list(), key, [BANK])
    return own_list()


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise BankFileUnreadableError(f"{path}: can't be read: {reason(error)}") from error
