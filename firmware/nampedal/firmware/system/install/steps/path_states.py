"""The state of one path in a root, and atomic changes of it: an interruption leaves the old state or the new one."""

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

from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_folder, write_through
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.install.steps.target import InstallTarget

# All writes use the same suffix for the temporary file, so that one left by an interruption is found again.
_PARTIAL = ".nampedal-partial"


@dataclass(frozen=True, slots=True)
class PathState:
    """The state of a path.

    kind: absent, file, link or folder.
    to: target of a link.
    mode, uid, gid: of a file.
    """

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
    def from_json(cls, values: Mapping[str, Any]) -> PathState:
        """Build a state from its JSON values. Raises KeyError, TypeError, ValueError."""
        known = {key: values[key] for key in ("kind", "to", "mode", "uid", "gid") if key in values}
        return cls(**known, data=base64.b64decode(values.get("data", "")))


ABSENT = PathState("absent")


def root_owned_file(data: bytes, mode: int) -> PathState:
    """Return the state of a file that belongs to root; without root rights, to the user who runs this."""
    return PathState("file", data, mode=mode, uid=os.geteuid(), gid=os.getegid())


def link(to: Path) -> PathState:
    """Return the state of a symbolic link."""
    return PathState("link", to=str(to))


def checked_path(target: InstallTarget, path: Path) -> Path:
    """Return the path as seen from this computer, inside the target's root. Raises DeployError."""
    place, root = target.under_root(path), target.root.resolve()
    parent = place.parent.resolve()
    if not parent.is_relative_to(root):
        raise DeployError(
            f"{place.parent}: leads to {parent}, out of {target.root}; make its links relative, or install on the "
            "running system"
        )
    return place


def read_state(place: Path) -> PathState:
    """Return the state of a path. Raises FileAccessError."""
    with convert_os_errors(place):
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        if stat.S_ISLNK(found.st_mode):
            return PathState("link", to=str(place.readlink()))
        if stat.S_ISDIR(found.st_mode):
            return PathState("folder")
        return PathState("file", place.read_bytes(), "", stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def write_state(place: Path, wanted: PathState) -> None:
    """Replace what is at a path by the wanted state. Its parent folder must exist.

    Raises DeployError, FileAccessError.
    """
    if wanted.kind == "absent":
        remove(place)
        return
    if place.is_dir() and not place.is_symlink():
        raise DeployError(f"{place}: is a folder, and a file is needed there; move it away")
    partial = _partial(place)
    with convert_os_errors(place):
        partial.unlink(missing_ok=True)
        if wanted.kind == "link":
            partial.symlink_to(wanted.to)
        else:
            write_through(wanted.data, partial)
            _own(partial, wanted)
        move_into_place(partial, place)


def remove(place: Path) -> None:
    """Remove a file or a link if it exists. Raises FileAccessError."""
    with convert_os_errors(place):
        try:
            place.unlink(missing_ok=True)
            sync_folder(place.parent)
        except (FileNotFoundError, NotADirectoryError):
            return


def remove_partial(place: Path) -> None:
    """Remove the temporary file that an interrupted write has left beside a path. Raises FileAccessError."""
    with convert_os_errors(place):
        try:
            _partial(place).unlink(missing_ok=True)
        except NotADirectoryError:
            return


def remove_tree(place: Path) -> None:
    """Remove a file, a link, or a folder with its contents. Raises FileAccessError."""
    with convert_os_errors(place):
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)


def missing_folders(place: Path) -> list[Path]:
    """Return the parent folders of a path that do not exist, the uppermost first."""
    missing = []
    for parent in place.parents:
        if parent.exists():
            break
        missing.append(parent)
    return missing[::-1]


def make_folders(place: Path) -> None:
    """Make the missing parent folders of a path. Raises FileAccessError."""
    with convert_os_errors(place):
        for folder in missing_folders(place):
            folder.mkdir(mode=0o755)
            folder.chmod(0o755)
            sync_folder(folder.parent)


@contextmanager
def convert_os_errors(place: Path) -> Iterator[None]:
    """Convert an OSError of the body to FileAccessError."""
    try:
        yield
    except OSError as error:
        # FileAccessError is an OSError that says where already.
        if isinstance(error, NampedalError):
            raise
        raise FileAccessError(
            f"{place}: can't be read or written: {os_error_text(error)}; see to it, and run this again"
        ) from error


def _own(partial: Path, wanted: PathState) -> None:
    """Set mode and owner if they differ. FAT has one mode and owner for all files, and refuses to change them."""
    found = partial.stat()
    if stat.S_IMODE(found.st_mode) != wanted.mode:
        partial.chmod(wanted.mode)
    if (found.st_uid, found.st_gid) != (wanted.uid, wanted.gid):
        os.chown(partial, wanted.uid, wanted.gid)


def _partial(place: Path) -> Path:
    return place.with_name(f".{place.name}{_PARTIAL}")
