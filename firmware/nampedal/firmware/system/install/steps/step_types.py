"""Step types of an installation plan. Paths are absolute paths on the running pedal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A complete file that belongs to root."""

    path: Path
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; it enables or masks a unit."""

    path: Path
    to: Path


@dataclass(frozen=True, slots=True)
class Block:
    """A marked block of lines at the end of a text file that others edit as well."""

    path: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Words in a text file of a single line. dropped: words that must not be there."""

    path: Path
    added: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Users:
    """The user and groups that a file in sysusers.d defines. memberships: the groups that the user is in."""

    user: str
    memberships: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Python environment that nampedal runs in.

    wheel: its source; None: a copy of the environment that runs now.
    extras: the extras of nampedal that it has.
    """

    path: Path
    wheel: Path | None
    python_version: str
    machine: str
    extras: tuple[str, ...]


Kept = WholeFile | Link | Block | Words
Step = Kept | Users | Runtime
