"""One path of a root: how it stands, and how it is changed so that a cut leaves it as it was or as it is to be."""

from __future__ import annotations

import base64
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nampedal.board.install.errors import InstallError, OutsideRootError, PlaceTakenError, WritingFailedError
from nampedal.board.install.target import Target
from nampedal.board.settings import reason, sync_folder, write_through

# Every step, and the file of the journal, writes under one name: what a cut leaves there is found again.
_PARTIAL = ".nampedal-partial"


@dataclass(frozen=True, slots=True)
class State:
    """How a path stands. kind: absent, file, link or folder.  to: of a link.  mode, uid, gid: of a file."""

    kind: str
    data: bytes = b""
    to: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0

    def to_json(self) -> dict[str, Any]:
        if self.kind == "file":
            data = base64.b64encode(self.data).decode()
            return {"kind": self.kind, "data": data, "mode": self.mode, "uid": self.uid, "gid": self.gid}
        return {"kind": self.kind, "to": self.to} if self.kind == "link" else {"kind": self.kind}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> State:
        """Raises KeyError, TypeError, ValueError."""
        known = {key: values[key] for key in ("kind", "to", "mode", "uid", "gid") if key in values}
        return cls(**known, data=base64.b64decode(values.get("data", "")))


ABSENT = State("absent")


def root_file(data: bytes, mode: int) -> State:
    """Of root; of who runs this, where that is somebody else, who can't give it away."""
    return State("file", data, mode=mode, uid=os.geteuid(), gid=os.getegid())


def link(to: Path) -> State:
    return State("link", to=str(to))


def checked_place(target: Target, path: Path) -> Path:
    """Where it is from here. Raises OutsideRootError."""
    place, root = target.at(path), target.root.resolve()
    parent = place.parent.resolve()
    if not parent.is_relative_to(root):
        raise OutsideRootError(
            f"{place.parent}: leads to {parent}, out of {target.root}; make its links relative, or install on the "
            "running system"
        )
    return place


def state_of(place: Path) -> State:
    """Raises WritingFailedError."""
    with failing_at(place):
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        if stat.S_ISLNK(found.st_mode):
            return State("link", to=str(place.readlink()))
        if stat.S_ISDIR(found.st_mode):
            return State("folder")
        return State("file", place.read_bytes(), "", stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def put(place: Path, wanted: State) -> None:
    """Whatever stands there; the folder above is there. Raises PlaceTakenError, WritingFailedError."""
    if wanted.kind == "absent":
        remove(place)
        return
    if place.is_dir() and not place.is_symlink():
        raise PlaceTakenError(f"{place}: is a folder, and a file is needed there; move it away")
    partial = _partial(place)
    with failing_at(place):
        partial.unlink(missing_ok=True)
        if wanted.kind == "link":
            partial.symlink_to(wanted.to)
        else:
            write_through(wanted.data, partial)
            _own(partial, wanted)
        os.replace(partial, place)
        sync_folder(place.parent)


def remove(place: Path) -> None:
    """A file or a link, if it is there. Raises WritingFailedError."""
    with failing_at(place):
        try:
            place.unlink(missing_ok=True)
            sync_folder(place.parent)
        except (FileNotFoundError, NotADirectoryError):
            return


def remove_partial(place: Path) -> None:
    """What a cut has left beside it. Raises WritingFailedError."""
    with failing_at(place):
        try:
            _partial(place).unlink(missing_ok=True)
        except NotADirectoryError:
            return


def remove_tree(place: Path) -> None:
    """Raises WritingFailedError."""
    with failing_at(place):
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)


def missing_folders(place: Path) -> list[Path]:
    """Of those above it, the uppermost first."""
    missing = []
    for parent in place.parents:
        if parent.exists():
            break
        missing.append(parent)
    return missing[::-1]


def make_folders(place: Path) -> None:
    """Those above it. Raises WritingFailedError."""
    with failing_at(place):
        for folder in missing_folders(place):
            folder.mkdir(mode=0o755)
            folder.chmod(0o755)
            sync_folder(folder.parent)


@contextmanager
def failing_at(place: Path) -> Iterator[None]:
    """What the system refuses becomes a WritingFailedError."""
    try:
        yield
    except OSError as error:
        # Some errors of ours are of that kind, too.
        if isinstance(error, InstallError):
            raise
        raise WritingFailedError(
            f"{place}: can't be read or written: {reason(error)}; see to it, and run this again"
        ) from error


def _own(partial: Path, wanted: State) -> None:
    """A file on FAT has the mode and the owner of all others there, and refuses to change them."""
    found = partial.stat()
    if stat.S_IMODE(found.st_mode) != wanted.mode:
        partial.chmod(wanted.mode)
    if (found.st_uid, found.st_gid) != (wanted.uid, wanted.gid):
        os.chown(partial, wanted.uid, wanted.gid)


def _partial(place: Path) -> Path:
    return place.with_name(f".{place.name}{_PARTIAL}")
