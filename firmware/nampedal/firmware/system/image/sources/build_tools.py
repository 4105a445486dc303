"""Runs the external programs that build an image, and converts their failures to errors."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from nampedal.firmware.base.errors import DeployError, ProgramError

# Program -> Debian package.
PACKAGES = {
    "bmaptool": "bmap-tools",
    "depmod": "kmod",
    "fdtget": "device-tree-compiler",
    "mcopy": "mtools",
    "mkfs.vfat": "dosfstools",
    "mke2fs": "e2fsprogs",
    "mksquashfs": "squashfs-tools",
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64-static": "qemu-user-static",
    "systemctl": "systemd",
    "tar": "tar",
    "arch-test": "arch-test",
    "unshare": "util-linux",
    "zstd": "zstd",
}
# Debian has some of these programs in folders that are only in root's PATH.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
LAST_LINES = 6


def check_tools() -> None:
    """Check that all programs are installed. Raises ProgramError that names each missing package."""
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program, path=_PATH) is None})
    if missing:
        raise ProgramError(
            f"image: programs of {', '.join(missing)} are missing; on Debian: apt install {' '.join(missing)}"
        )


def run_binary(command: Sequence[str]) -> bytes:
    """Run a command and return its output as bytes. Raises ProgramError."""
    done = subprocess.run(list(command), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise ProgramError(f"image: {command[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
    explain: Callable[[str], DeployError | None] | None = None,
) -> str:
    """Run a command and return its output.

    text: its standard input.
    explain: converts the command's error output to an error, or returns None if it can't.
    Raises that error, or ProgramError with the last lines of the error output.
    """
    try:
        done = subprocess.run(
            list(command),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            env={**os.environ, "PATH": _PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ProgramError(f"image: {command[0]}: can't be run: {error.strerror}") from error
    if done.returncode != 0:
        complaint = done.stderr or done.stdout
        known = explain(complaint) if explain is not None else None
        if known is not None:
            raise known
        lines = [line for line in complaint.splitlines() if line.strip()]
        raise ProgramError(f"image: {command[0]} failed: {' / '.join(lines[-LAST_LINES:]) or done.returncode}")
    return done.stdout
