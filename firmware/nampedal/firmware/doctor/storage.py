"""Checks of what is kept: the root, the data, who may write there, room, swap, the clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.doctor.case import Case, check
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError
from nampedal.firmware.doctor.finding import Finding, listed, ok, wrong

# Presets, states and a capture or two.
LEAST_FREE_MIB = 64
# Older than this nampedal is no clock that is right.
FIRST_YEAR = 2026
JOURNALLED = ("ext4", "ext3", "btrfs", "f2fs", "xfs")

_FAILING = "copy your banks away ('nampedal bank export'), then take a new card: this one begins to fail"


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/mounts (proc_pid_mounts(5), fstab(5))."""

    device: str
    place: Path
    kind: str
    options: tuple[str, ...]

    @property
    def writable(self) -> bool:
        return "rw" in self.options


@check("root")
def check_root(case: Case) -> Finding:
    """Whether a pulled plug can't hurt the system."""
    if not case.is_image:
        raise NotNeededError("only an image of ours has a system that is never written")
    mount = mount_of(case, Path("/"))
    if mount.writable:
        return wrong(f"the system is mounted writable ({mount.kind}): a pulled plug can damage it", "run 'sudo reboot'")
    return ok(f"is never written ({mount.kind})")


@check("data")
def check_data(case: Case) -> Finding:
    """Whether banks and presets can be written, and how safely."""
    mount = mount_of(case, places.DATA)
    if case.is_image and mount.place != places.DATA:
        return wrong(
            f"the data partition is not mounted at {places.DATA}: nothing that is saved stays",
            "read 'systemctl status var-lib-nampedal.mount' and do what it says",
        )
    if not mount.writable:
        return wrong(f"{mount.device} at {mount.place} can't be written: Linux met an error on it, mostly", _FAILING)
    name = Path(mount.device).name
    errors = case.machine.text(Path(f"/sys/fs/ext4/{name}/errors_count")) or "0"
    if errors != "0":
        return wrong(f"{mount.device} has {errors} errors in its file system", _FAILING)
    journals = case.machine.names(Path("/proc/fs/jbd2"))
    bare = mount.kind == "ext4" and journals and not any(one.startswith(f"{name}-") for one in journals)
    if mount.kind not in JOURNALLED or (bare and name != "root"):
        return wrong(
            f"{mount.device} at {mount.place} ({mount.kind}) has no journal: a pulled plug can damage what is saved",
            "keep the data on ext4, as a new card of ours does",
        )
    return ok(f"{mount.device} at {mount.place}: {mount.kind}, journalled, writable")


@check("owner")
def check_owner(case: Case) -> Finding:
    """Whether nampedal may write its own folders and each bank; the folder around them is root's."""
    users = case.machine.text(Path("/etc/passwd")) or ""
    user = re.search(rf"^{places.USER}:[^:]*:(\d+):", users, re.MULTILINE)
    if user is None:
        return wrong(f"there is no user {places.USER}", case.reinstall())
    owners = {path: case.machine.owner(path) for path in places.PLAYERS}
    others = [path for path, owner in owners.items() if owner not in (None, int(user[1]))]
    if places.BANKS not in others:
        others += [path for path in _folders_in(case, places.BANKS) if case.machine.owner(path) != int(user[1])]
    if others:
        return wrong(
            f"{listed(others)} {_verb(others, 'belongs', 'belong')} to another user: nampedal can't save there",
            f"run 'sudo chown -R {places.USER}: {' '.join(map(str, others))}'",
        )
    missing = [path for path, owner in owners.items() if owner is None]
    if missing and not case.is_booted:
        verb = _verb(missing, "is not there: it is", "are not there: they are")
        raise CantTellError(f"{listed(missing)} {verb} made at the first start")
    if missing:
        return wrong(f"{listed(missing)} {_verb(missing, 'is', 'are')} not there", case.reinstall())
    return ok(f"{listed(list(owners))} belong to {places.USER}")


def _verb(paths: Sequence[Path], one: str, several: str) -> str:
    return one if len(paths) == 1 else several


@check("room")
def check_room(case: Case) -> Finding:
    free = case.machine.free_bytes(places.DATA)
    if free is None:
        raise CantTellError(f"nobody tells how much room {places.DATA} has")
    if free >> 20 < LEAST_FREE_MIB:
        return wrong(
            f"{free >> 20} MiB are free at {places.DATA}; {LEAST_FREE_MIB} are needed",
            f"take away banks that you don't play: 'nampedal bank list {places.BANKS}'",
        )
    return ok(f"{free >> 20:,} MiB are free at {places.DATA}")


@check("swap")
def check_swap(case: Case) -> Finding:
    """Whether memory is ever written to the card: that makes gaps in the sound, and wears the card out."""
    text = case.machine.text(Path("/proc/swaps"))
    if text is None:
        raise CantTellError("/proc/swaps is not there")
    used = [line.split()[0] for line in text.splitlines()[1:] if line.strip()]
    written = [name for name in used if not name.startswith("/dev/zram")]
    if written:
        return wrong(f"memory is swapped to {listed(written)}", f"run 'sudo swapoff -a', then: {case.reinstall()}")
    return ok(f"in memory only: {listed(used)}" if used else "off")


@check("clock")
def check_clock(case: Case) -> Finding:
    """A pedal plays at any time; its log and the dates of its files are worth more with a right one."""
    now = case.machine.now()
    if now.year < FIRST_YEAR:
        return wrong(
            f"the clock says {now:%Y-%m-%d}: dates in the log and of presets are wrong; the sound does not mind",
            "connect it to a network for a minute, or run \"sudo date -s '2026-12-31 20:00'\" with what time it is",
        )
    return ok(f"{now:%Y-%m-%d %H:%M}")


def _folders_in(case: Case, folder: Path) -> list[Path]:
    return [folder / name for name in case.machine.names(folder) if case.machine.is_folder(folder / name)]


def mount_of(case: Case, path: Path) -> Mount:
    """Return what is mounted where this path is. Raises CantTellError."""
    best = None
    for line in (case.machine.text(Path("/proc/mounts")) or "").splitlines():
        fields = line.split()
        if len(fields) < 4:
            continue
        mount = Mount(fields[0], Path(fields[1].replace("\\040", " ")), fields[2], tuple(fields[3].split(",")))
        # The later one of two at one place hides the other.
        if path.is_relative_to(mount.place) and (best is None or mount.place.is_relative_to(best.place)):
            best = mount
    if best is None:
        raise CantTellError("nobody tells what is mounted (/proc/mounts)")
    return best
