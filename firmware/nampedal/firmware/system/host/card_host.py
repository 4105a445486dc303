"""The root-level calls to the operating system, collected in one class so that tests can replace it."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nampedal.firmware.base.errors import CardError, ProgramError
from nampedal.firmware.base.files.toml_schema import os_error_text

# A program that runs longer than this is taken as hanging.
PATIENCE_S = 30.0
# struct rfkill_event, RFKILL_OP_CHANGE_ALL, RFKILL_TYPE_ALL and RFKILL_TYPE_WLAN (Linux, include/uapi/linux/rfkill.h).
# The operation also applies to radios that appear later.
_RFKILL = struct.Struct("=IBBBB")
_CHANGE_ALL, _ALL_TYPES, _WIFI = 3, 0, 1

_log = logging.getLogger(__name__)


class CardHost:
    """The running system. All methods raise ProgramError unless their docstring says otherwise."""

    def run(
        self, *command: str, patience_s: float = PATIENCE_S, user: str | None = None, fails: Sequence[int] = ()
    ) -> str:
        """Run a program and return its output.

        patience_s: timeout in seconds.
        user: the user who runs it; None: root.
        fails: exit codes other than 0 that are not a failure.
        """
        who = {} if user is None else self._as(user)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=patience_s,
                **who,  # type: ignore[call-overload]
            )
        except OSError as error:
            raise ProgramError(f"{command[0]}: can't be run: {os_error_text(error)}") from error
        except subprocess.TimeoutExpired as error:
            raise ProgramError(f"{command[0]}: did not end in {patience_s:g} s, and was ended") from error
        if done.returncode != 0 and done.returncode not in fails:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise ProgramError(f"{' '.join(command[:2])}: failed: {said}")
        for line in done.stderr.splitlines():
            _log.info("%s", line)
        return str(done.stdout)

    def owner(self, user: str) -> tuple[int, int]:
        """Return the numeric user id and group id of a user. Raises CardError."""
        try:
            found = pwd.getpwnam(user)
        except KeyError as error:
            raise CardError(f"user {user!r}: is not there; install nampedal with 'nampedal install'") from error
        return found.pw_uid, found.pw_gid

    def kind(self, device: Path) -> str:
        """Return the filesystem type of a device; empty if unknown."""
        # blkid exits with 2 if it finds nothing (blkid(8)).
        return self.run("blkid", "-p", "-o", "value", "-s", "TYPE", str(device), fails=(2,)).strip()

    def is_device(self, path: Path) -> bool:
        try:
            return stat.S_ISBLK(path.lstat().st_mode)
        except OSError:
            return False

    def is_mounted(self, device: Path) -> bool:
        """Return True if the device is mounted anywhere."""
        number = device.stat().st_rdev
        wanted = f"{os.major(number)}:{os.minor(number)}"
        # The third field of each line is MAJOR:MINOR (proc_pid_mountinfo(5)).
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return any(line.split()[2] == wanted for line in lines)

    def is_mount_point(self, folder: Path) -> bool:
        """Return True if another filesystem is mounted here. A folder that is bound onto itself does not count."""
        return os.path.ismount(folder)

    def mount(self, device: Path, folder: Path, kind: str, options: str) -> None:
        self.run("mount", "-t", kind, "-o", options, str(device), str(folder))

    def unmount(self, folder: Path) -> None:
        try:
            self.run("umount", str(folder))
        except ProgramError:
            # A lazy unmount takes effect as soon as no process uses the filesystem.
            self.run("umount", "--lazy", str(folder))

    def remount(self, folder: Path, *, writable: bool) -> None:
        self.run("mount", "-o", f"remount,{'rw' if writable else 'ro'}", str(folder))

    def is_read_only(self, folder: Path) -> bool:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)

    @contextlib.contextmanager
    def writable(self, folder: Path) -> Iterator[None]:
        """Keep a mount writable inside the `with` block; if it was read-only, it is read-only again afterwards."""
        if not self.is_read_only(folder):
            yield
            return
        self.remount(folder, writable=True)
        try:
            yield
        finally:
            self.remount(folder, writable=False)

    def set_host_name(self, name: str) -> None:
        """Set the host name until power-off. Raises CardError."""
        try:
            if socket.gethostname() != name:
                socket.sethostname(name)
        except OSError as error:
            raise CardError(f"host name {name}: is not taken: {os_error_text(error)}") from error

    def set_radio(self, *, on: bool) -> None:
        """Switch the radios: on enables Wi-Fi alone, off disables all radios.

        This also applies to radios that are found later. Without a radio nothing happens. Raises CardError.
        """
        try:
            with Path("/dev/rfkill").open("wb", buffering=0) as switch:
                switch.write(_RFKILL.pack(0, _ALL_TYPES, _CHANGE_ALL, 1, 0))
                if on:
                    switch.write(_RFKILL.pack(0, _WIFI, _CHANGE_ALL, 0, 0))
        except FileNotFoundError:
            return
        except OSError as error:
            raise CardError(f"radio: can't be switched {'on' if on else 'off'}: {os_error_text(error)}") from error

    def start(self, *units: str) -> None:
        """Start units without waiting for them."""
        self.run("systemctl", "--no-block", "start", *units)

    def restart(self, unit: str) -> None:
        """Restart a unit, even if it has reached its limit of failures. Does not wait for it."""
        self.run("systemctl", "reset-failed", unit)
        self.run("systemctl", "--no-block", "restart", unit)

    def reboot(self) -> None:
        self.run("systemctl", "--no-block", "reboot")

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _as(self, user: str) -> dict[str, object]:
        uid, gid = self.owner(user)
        # Switching to the current user needs no privilege, so do nothing.
        return {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}
