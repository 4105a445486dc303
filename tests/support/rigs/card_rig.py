"""A pedal's root in a folder, and a fake of the host that changes nothing on this machine."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ProgramError
from nampedal.firmware.system.bank_import.bank_importer import import_items
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import scan_folder
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import under_root
from nampedal.firmware.system.provisioning.import_service import UNIT, import_card
from nampedal.firmware.system.provisioning.pedal_change import Installer
from nampedal.firmware.system.provisioning.provisioning_boot import Boot

START_IMPORT = f"systemctl --no-block start {UNIT}"
ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))


class TestSystem(CardHost):
    """A fake CardHost. said: what was requested.

    Programs that only read or write files really run. The player's user is the one who runs the tests.
    """

    __test__ = False

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fails: set[str] = set()
        self.read_only: set[Path] = set()
        self.kinds: dict[str, str] = {}
        self.mounted: set[Path] = set()
        # Partitions whose devices are not there yet.
        self.late: set[Path] = set()
        self.stick: Path | None = None
        self.name = ""

    def run(self, *command: str, **options: Any) -> str:
        program = Path(command[0]).name
        if program in self.fails:
            raise ProgramError(f"{program}: failed: it was to")
        if program.startswith("python"):
            self.said.append("take")
            return super().run(*command, **options)
        if program == "ssh-keygen":
            self.said.append(program)
            return super().run(*command, **options)
        self.said.append(" ".join(command))
        return ""

    def owner(self, user: str) -> tuple[int, int]:
        assert user == system_paths.USER
        return os.geteuid(), pwd.getpwuid(os.geteuid()).pw_gid

    def kind(self, device: Path) -> str:
        return self.kinds.get(device.name, "")

    def is_device(self, path: Path) -> bool:
        return path.name.startswith("sd")

    def is_mounted(self, device: Path) -> bool:
        return device in self.mounted

    def is_mount_point(self, folder: Path) -> bool:
        return folder not in self.late

    def mount(self, device: Path, folder: Path, kind: str, options: str) -> None:
        """Mount: the stick's folder is moved to the mount point."""
        super().mount(device, folder, kind, options)
        assert self.stick is not None
        folder.rmdir()
        os.rename(self.stick, folder)

    def unmount(self, folder: Path) -> None:
        super().unmount(folder)
        assert self.stick is not None
        os.rename(folder, self.stick)
        folder.mkdir()

    def remount(self, folder: Path, *, writable: bool) -> None:
        super().remount(folder, writable=writable)
        (self.read_only.discard if writable else self.read_only.add)(folder)

    def is_read_only(self, folder: Path) -> bool:
        return folder in self.read_only

    def set_host_name(self, name: str) -> None:
        self.name = name

    def set_radio(self, *, on: bool) -> None:
        self.said.append(f"radio {'on' if on else 'off'}")

    def pause(self, seconds: float) -> None:
        return


@dataclass
class Booted:
    """The result of a boot. problems: errors, a line each.  taken: new banks.  restarts: the machine restarts next.

    missing, is_outdated: as in `Boot`.
    """

    problems: list[str]
    taken: list[str]
    restarts: bool
    missing: list[Path]
    is_outdated: Callable[[], bool]


class Card:
    """A pedal and its memory card. root: the folder that stands for the pedal's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.system = TestSystem()
        self.installer: Installer | None = None
        self.folder = self.at(system_paths.CARD)
        self.settings = self.at(system_paths.CARD_SETTINGS)
        self.errors = self.at(system_paths.CARD_ERRORS)
        self.banks, self.config = self.at(system_paths.BANKS), self.at(system_paths.CONFIG)
        self.imports = self.folder / "import"
        self.imports.mkdir(parents=True)
        self.at(system_paths.DATA).mkdir(parents=True)
        self.system.read_only.add(self.folder)
        self.install("NAMPEDAL_PEDAL=zero-2-w-codec-zero\nNAMPEDAL_IMAGE=1\n")

    def at(self, place: Path) -> Path:
        return under_root(self.root, place)

    def install(self, env: str) -> None:
        path = self.at(system_paths.SETTINGS)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(env)

    def enqueue(self, text: str) -> None:
        """Write nampedal.toml."""
        self.settings.write_text(text)

    def boot(self) -> Booted:
        """Boot the pedal: only what is on disk is kept. If the boot starts the unit for the import, the import runs to
        its end.
        """
        self.system.said.clear()
        boot = Boot(self.system, self.installer, self.root)
        boot.run()
        booted = Booted(list(boot.problems), list(boot.taken), boot.restarts, boot.missing, boot.is_outdated)
        if START_IMPORT in self.system.said:
            self.system.said.remove(START_IMPORT)
            outcome = import_card(self.system, self.root)
            booted.problems += outcome.problems
            booted.taken += outcome.taken
        return booted

    def wrong(self) -> list[str]:
        """Return the errors that the player can read on the card."""
        if not self.errors.exists():
            return []
        return self.errors.read_bytes().decode().split("\r\n")[2:-1]

    def bank_names(self) -> list[str]:
        return sorted(path.name for path in self.banks.iterdir())


def bring(source: Path, banks: Path) -> ImportResult:
    """Import a folder in which the scan finds no problem. The ledger is kept beside the banks."""
    found, problems = scan_folder(source)
    assert problems == []
    return import_items(found, banks, banks.parent / "card.toml")
