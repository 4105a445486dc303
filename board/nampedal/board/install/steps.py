"""What a plan is made of. Paths are the pedal's, as they are when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class File:
    """A whole file, root's."""

    path: Path
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link: a unit that is enabled, or masked."""

    path: Path
    to: Path


@dataclass(frozen=True, slots=True)
class Block:
    """Marked lines at the end of a text file that others write, too."""

    path: Path
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Words in the one line of a text file. dropped: those that must not be there."""

    path: Path
    added: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Users:
    """What a file of sysusers.d asks for. memberships: of the user, by group."""

    user: str
    memberships: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The environment that nampedal runs in. wheel: None: a copy of the one that this runs in."""

    path: Path
    wheel: Path | None
    python_version: str
    machine: str


Kept = File | Link | Block | Words
Step = Kept | Users | Runtime
