"""Checks of the storage: root file system, data partition, owners, free space, swap; and of the clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.doctor.context import CheckContext, check
from nampedal.firmware.system.doctor.errors import NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, wrong

# Room for presets, saved states and one or two captures.
MIN_FREE_MIB = 64
# A clock before this year is wrong: nampedal did not exist then.
FIRST_YEAR = 2026
JOURNALLED = ("ext4", "ext3", "btrfs", "f2fs", "xfs")

_FAILING = "copy your banks away ('nampedal bank export'), then take a new card: this one begins to fail"


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/mounts (proc_pid_mounts(5), fstab(5)). place: the mount point.  kind: the file system type."""

    device: str
    place: Path
    kind: str
    options: tuple[str, ...]

    @property
    def writable(self) -> bool:
        return "rw" in self.options


@check("root")
def check_root(case: CheckContext) -> Finding:
    """Check that the root file system is read-only, so that a power cut can't damage it."""
    if not case.is_image:
        raise NotApplicableError("only an image of ours has a system that is never written")
    mount = mount_of(case, Path("/"))
    if mount.writable:
        return wrong(f"the system is mounted writable ({mount.kind}): a pulled plug can damage it", "run 'sudo reboot'")
    return ok(f"is never written ({mount.kind})")


@check("data")
def check_data(case: CheckContext) -> Finding:
    """Check that banks and presets can be written, to a file system with a journal and without errors."""
    mount = mount_of(case, system_paths.DATA)
    if case.is_image and mount.place != system_paths.DATA:
        return wrong(
            f"the data partition is not mounted at {system_paths.DATA}: nothing that is saved stays",
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
def check_owner(case: CheckContext) -> Finding:
    """Check that the user nampedal owns its folders and each bank. The parent folder belongs to root."""
    users = case.machine.text(Path("/etc/passwd")) or ""
    user = re.search(rf"^{system_paths.USER}:[^:]*:(\d+):", users, re.MULTILINE)
    if user is None:
        return wrong(f"there is no user {system_paths.USER}", case.reinstall_advice())
    owners = {path: case.machine.owner(path) for path in system_paths.PLAYERS}
    others = [path for path, owner in owners.items() if owner not in (None, int(user[1]))]
    if system_paths.BANKS not in others:
        others += [path for path in _folders_in(case, system_paths.BANKS) if case.machine.owner(path) != int(user[1])]
    if others:
        return wrong(
            f"{comma_list(others)} {_verb(others, 'belongs', 'belong')} to another user: nampedal can't save there",
            f"run 'sudo chown -R {system_paths.USER}: {' '.join(map(str, others))}'",
        )
    missing = [path for path, owner in owners.items() if owner is None]
    if missing and not case.is_booted:
        verb = _verb(missing, "is not there: it is", "are not there: they are")
        raise UnknownResultError(f"{comma_list(missing)} {verb} made at the first start")
    if missing:
        return wrong(f"{comma_list(missing)} {_verb(missing, 'is', 'are')} not there", case.reinstall_advice())
    return ok(f"{comma_list(list(owners))} belong to {system_paths.USER}")


def _verb(paths: Sequence[Path], one: str, several: str) -> str:
    return one if len(paths) == 1 else several


@check("room")
def check_room(case: CheckContext) -> Finding:
    free = case.machine.free_bytes(system_paths.DATA)
    if free is None:
        raise UnknownResultError(f"nobody tells how much room {system_paths.DATA} has")
    if free >> 20 < MIN_FREE_MIB:
        return wrong(
            f"{free >> 20} MiB are free at {system_paths.DATA}; {MIN_FREE_MIB} are needed",
            f"take away banks that you don't play: 'nampedal bank list {system_paths.BANKS}'",
        )
    return ok(f"{free >> 20:,} MiB are free at {system_paths.DATA}")


@check("swap")
def check_swap(case: CheckContext) -> Finding:
    """Check that there is no swap on the SD card: it causes xruns and wears the card out."""
    text = case.machine.text(Path("/proc/swaps"))
    if text is None:
        raise UnknownResultError("/proc/swaps is not there")
    used = [line.split()[0] for line in text.splitlines()[1:] if line.strip()]
    written = [name for name in used if not name.startswith("/dev/zram")]
    if written:
        return wrong(
            f"memory is swapped to {comma_list(written)}", f"run 'sudo swapoff -a', then: {case.reinstall_advice()}"
        )
    return ok(f"in memory only: {comma_list(used)}" if used else "off")


@check("clock")
def check_clock(case: CheckContext) -> Finding:
    """Check that the clock is plausible. Playing does not need it; the log and the dates of files do."""
    now = case.machine.now()
    if now.year < FIRST_YEAR:
        return wrong(
            f"the clock says {now:%Y-%m-%d}: dates in the log and of presets are wrong; the sound does not mind",
            "connect it to a network for a minute, or run \"sudo date -s '2026-12-31 20:00'\" with what time it is",
        )
    return ok(f"{now:%Y-%m-%d %H:%M}")


def _folders_in(case: CheckContext, folder: Path) -> list[Path]:
    return [folder / name for name in case.machine.names(folder) if case.machine.is_folder(folder / name)]


def mount_of(case: CheckContext, path: Path) -> Mount:
    """Return the mount that contains this path. Raises UnknownResultError."""
    best = None
    for line in (case.machine.text(Path("/proc/mounts")) or "").splitlines():
        fields = line.split()
        if len(fields) < 4:
            continue
        mount = Mount(fields[0], Path(fields[1].replace("\\040", " ")), fields[2], tuple(fields[3].split(",")))
        # If two mounts share a mount point, the later one hides the other.
        if path.is_relative_to(mount.place) and (best is None or mount.place.is_relative_to(best.place)):
            best = mount
    if best is None:
        raise UnknownResultError("nobody tells what is mounted (/proc/mounts)")
    return best
