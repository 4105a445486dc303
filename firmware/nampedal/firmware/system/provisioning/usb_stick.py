"""Imports banks from a USB stick as soon as it is plugged in: mount, import, announce the result, unmount."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.actions.led_state import CARD_TROUBLE, TAKEN_OVER
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import CardError, ControlRequestError, ControlSocketError, ImportStoppedError
from nampedal.firmware.system.bank_import import import_launcher
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import shown
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import ROOT, under_root

# The import folder of a stick.
FOLDER = "nampedal"
STICKS = system_paths.CARD_RUN / "usb"
SOCKET = system_paths.RUN / "control.sock"
_PLAIN = "ro,nosuid,nodev,noexec"
# The mount options by file system. noload: do not replay the journal, which would write to the stick.
KINDS = {
    "vfat": f"{_PLAIN},utf8=1,fmask=0133,dmask=0022",
    "exfat": f"{_PLAIN},fmask=0133,dmask=0022",
    "ext4": f"{_PLAIN},noload",
}
# Retries of a request to a pedal that is just starting, and the pause between them, in seconds.
KNOCKS, KNOCK_S = 30, 0.5

_log = logging.getLogger(__name__)


def import_stick(system: CardHost, device: Path, root: Path = ROOT) -> ImportResult:
    """Import the banks on a stick's partition and announce the result. device: such as /dev/sda1.

    Does nothing with a partition that is mounted, such as the boot disk, or whose file system is not in KINDS.
    Raises CardError, ProgramError.
    """
    if not system.is_device(device):
        raise CardError(f"{device}: is no block device; name a partition, as /dev/sda1")
    kind = "" if system.is_mounted(device) else system.kind(device)
    if kind not in KINDS:
        return ImportResult()
    with _mounted(system, device, under_root(root, STICKS) / device.name, kind) as folder:
        try:
            outcome = import_launcher.run_import(system, root, folder / FOLDER, [folder])
        except ImportStoppedError as error:
            outcome = ImportResult(problems=[str(error)])
        outcome.problems = [shown(line).replace(f"{folder}/", f"{device.name}: ") for line in outcome.problems]
    for problem in outcome.problems:
        _log.warning("%s", problem)
    announce(system, under_root(root, SOCKET), outcome)
    return outcome


@contextlib.contextmanager
def _mounted(system: CardHost, device: Path, folder: Path, kind: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        system.mount(device, folder, kind, KINDS[kind])
        try:
            yield folder
        finally:
            system.unmount(folder)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def announce(system: CardHost, socket: Path, outcome: ImportResult) -> bool:
    """Have the running pedal rescan its banks and show the result with its LEDs.

    Return True if the pedal answered.
    """
    requests: list[dict[str, object]] = []
    if outcome.taken:
        requests += [{"do": "rescan"}, {"do": "announce", "code": TAKEN_OVER}]
    if outcome.problems:
        requests.append({"do": "announce", "code": CARD_TROUBLE})
    return all(_ask(system, socket, request) for request in requests)


def _ask(system: CardHost, socket: Path, request: dict[str, object]) -> bool:
    """Send a request and return True if the pedal answered. A pedal that starts later reads its banks by itself."""
    for _ in range(KNOCKS):
        try:
            ask(socket, request)
            return True
        except ControlRequestError as error:
            _log.warning("%s", error)
            return True
        except ControlSocketError:
            system.pause(KNOCK_S)
    return False
