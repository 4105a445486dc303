"""Signing keys for tests, made by the real ssh-keygen."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from nampedal.firmware.base.files.signature import PublicKey, read_public_key


def make_key(path: Path, comment: str) -> Path:
    """Make a private key without a passphrase, and return it. Its public key is beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@cache
def maker() -> Path:
    """Return the key of the maker of updates, the same in all tests."""
    return make_key(Path(mkdtemp(prefix="nampedal-test-")) / "maker", "maker@home")


@cache
def maker_public() -> PublicKey:
    return read_public_key(maker())
