"""A USB stick, as soon as it is plugged: looked at, taken over, told of, and let go."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.card import apart
from nampedal.firmware.card.errors import ImportStoppedError, StickError
from nampedal.firmware.card.found import shown
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import ROOT, placed
from nampedal.firmware.control import ask
from nampedal.firmware.errors import ControlRequestError, ControlSocketError
from nampedal.firmware.lamps import CARD_TROUBLE, TAKEN_OVER

# What of a stick is ours without a doubt.
FOLDER = "nampedal"
STICKS = places.CARD_RUN / "usb"
SOCKET = places.RUN / "control.sock"
_PLAIN = "ro,nosuid,nodev,noexec"
# By filesystem; noload: a journal is not played back, which would write.
KINDS = {
    "vfat": f"{_PLAIN},utf8=1,fmask=0133,dmask=0022",
    "exfat": f"{_PLAIN},fmask=0133,dmask=0022",
    "ext4": f"{_PLAIN},noload",
}
# A pedal that is just starting: how often it is asked, and how long it takes at most.
KNOCKS, KNOCK_S = 30, 0.5

_log = logging.getLogger(__name__)


def plugged(system: System, device: Path, root: Path = ROOT) -> Outcome:
    """What came of it. One that is in use, as the one that was booted from, or is no filesystem of KINDS, is let be.

    Raises StickError, CommandFailedError.
    """
    if not system.is_device(device):
        raise StickError(f"{device}: is no block device; name a partition, as /dev/sda1")
    kind = "" if system.is_mounted(device) else system.kind(device)
    if kind not in KINDS:
        return Outcome()
    with _mounted(system, device, placed(root, STICKS) / device.name, kind) as folder:
        try:
            outcome = apart.bring(system, root, folder / FOLDER, [folder])
        except ImportStoppedError as error:
            outcome = Outcome(problems=[str(error)])
        outcome.problems = [shown(line).replace(f"{folder}/", f"{device.name}: ") for line in outcome.problems]
    for problem in outcome.problems:
        _log.warning("%s", problem)
    announce(system, placed(root, SOCKET), outcome)
    return outcome


@contextlib.contextmanager
def _mounted(system: System, device: Path, folder: Path, kind: str) -> Iterator[Path]:
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


def announce(system: System, socket: Path, outcome: Outcome) -> bool:
    """Have the pedal that plays look for its banks again, and say by light what came of it.

    Return True if the pedal answered.
    """
    requests: list[dict[str, object]] = []
    if outcome.taken:
        requests += [{"do": "rescan"}, {"do": "announce", "code": TAKEN_OVER}]
    if outcome.problems:
        requests.append({"do": "announce", "code": CARD_TROUBLE})
    return all(_ask(system, socket, request) for request in requests)


def _ask(system: System, socket: Path, request: dict[str, object]) -> bool:
    """Where no pedal plays, nobody has to be told: the next one looks for itself."""
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
