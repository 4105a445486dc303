"""A pedal's root in a folder, and fakes of its programs: what the daemon does depends on its version.

The launcher is the real one and selects the daemon. Python runs a fake nampedal that only prints its version.
"""

from __future__ import annotations

import hashlib
import os
import platform
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ControlSocketError, ProgramError
from nampedal.firmware.base.files.signature import UPDATE, sign
from nampedal.firmware.system.image import image_manifest
from nampedal.firmware.system.image.image_manifest import ImageManifest, dump_manifest
from nampedal.firmware.system.launcher import launcher_script
from nampedal.firmware.system.update.pinned_file import PinnedFile
from nampedal.firmware.system.update.update_host import UpdateHost, run_program

from support.makers.signing_keys import maker, maker_public

OLD, NEW = "0.1.0", "0.2.0"
PYTHON = f"python3.{sys.version_info.minor}"
DISK = "deadbeef"
CONFIG = b"# mine\ndtparam=audio=off\nos_prefix=A/\n[all]\nauto_initramfs=1\n"
# The behaviours of a daemon.
PLAYS, CRASHES, HANGS, BREAKS_UP, STOPS_LATER = "plays", "crashes", "hangs", "breaks up", "stops later"
# The daemon runs, but no preset can be played.
DRY = "dry"


def package(version: str, requires: Sequence[str] = ()) -> dict[str, str]:
    """Return the files of a wheel of a fake nampedal."""
    info = f"nampedal-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    main = f"import sys\nprint('{version}', *sys.argv[1:])\n"
    return {
        "nampedal/firmware/cli/__init__.py": "",
        "nampedal/firmware/cli/__main__.py": main,
        "nampedal/firmware/cli/main.py": "",
        "nampedal/firmware/engine/inference.py": "def isas():\n    return []\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: nampedal\nVersion: {version}\n{needs}",
        f"{info}/RECORD": f"made of {version}\n",
    }


def put(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def make_wheel(
    folder: Path,
    version: str = NEW,
    requires: Sequence[str] = (),
    more: Mapping[str, str] | None = None,
    tags: str = "py3-none-any",
) -> Path:
    """Make a wheel that is signed by the maker."""
    path = folder / f"nampedal-{version}-{tags}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**package(version, requires), **(more or {})}.items():
            archive.writestr(name, text)
    sign(path, maker(), UPDATE)
    return path


def pin(path: Path) -> PinnedFile:
    """Return a pinned file after its first pass, in which it is read once before it is used."""
    pinned = PinnedFile(path)
    for _ in pinned.first_pass():
        pass
    return pinned


def make_runtime(folder: Path, version: str = OLD, requires: Sequence[str] = ()) -> None:
    put(folder / "lib" / PYTHON / "site-packages", package(version, requires))
    python = Path(sys.base_prefix, "bin", "python3")
    put(folder, {"pyvenv.cfg": f"home = {python.parent}\ninclude-system-site-packages = true\n"})
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to(python)


class FakePedal:
    """A fake pedal. does: the behaviour of the daemon, by version.  commands: calls of the system's programs."""

    def __init__(self, folder: Path, *, image: bool = True, base: str = "raspios") -> None:
        self.root = folder
        make_runtime(self.at(system_paths.RUNTIME))
        self.put(
            system_paths.SETTINGS, f"NAMPEDAL_PEDAL=stage\nNAMPEDAL_BASE={base}\nNAMPEDAL_IMAGE={image:d}\n".encode()
        )
        self.put(system_paths.TRUSTED, maker_public().line().encode())
        self.at(system_paths.DATA).mkdir(parents=True)
        self.put(system_paths.COMMAND, launcher_script(folder).encode())
        self.at(system_paths.COMMAND).chmod(0o755)
        self.does: dict[str, str] = {}
        self.commands: list[str] = []
        self.daemon = ""
        self.pid = 0
        self.time_s = self.since_s = 0.0
        self.system = UpdateHost(folder, self._run, self._status, self._pause, lambda: self.time_s)

    def at(self, path: Path) -> Path:
        return self.root / path.relative_to("/")

    def put(self, path: Path, data: bytes) -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_bytes(data)

    def launch(self, *arguments: str, service: bool = False) -> str:
        """Run the launcher, and return what its nampedal prints."""
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        if service:
            environment["NOTIFY_SOCKET"] = "/run/systemd/notify"
        done = subprocess.run(
            [str(self.at(system_paths.COMMAND)), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Start the daemon as systemd does: again if it ends."""
        self.since_s = self.time_s
        for _ in range(5):
            self.daemon = self.launch("play", service=True).split()[0]
            self.pid += 1
            if self.does.get(self.daemon) != CRASHES:
                return
        self.daemon = ""

    def cut_power(self) -> None:
        """Cut the power and restore it."""
        self.time_s += 100.0
        self.pid = 0
        self.start()

    def _pause(self, seconds: float) -> None:
        self.time_s += seconds
        if self.does.get(self.daemon) == STOPS_LATER and self.time_s - self.since_s > 10.0:
            self.start()

    def _status(self) -> Mapping[str, Any]:
        does = self.does.get(self.daemon, PLAYS)
        if not self.daemon or does == HANGS:
            raise ControlSocketError("nobody answers")
        xruns = int(self.time_s) if does == BREAKS_UP else 3
        return {"playing": True, "preset": does, "last_resort": does == DRY, "xruns": xruns}

    def _run(self, command: Sequence[str]) -> str:
        line = " ".join(command)
        if command[0] not in ("systemctl", "mount"):
            return run_program(command)
        self.commands.append(line)
        if "MainPID" in line:
            return f"{self.pid if self.daemon else 0}\n"
        if line.startswith("systemctl restart"):
            self.start()
            if not self.daemon or self.does.get(self.daemon) == HANGS:
                raise ProgramError("systemctl restart nampedal.service: failed")
        return ""


class PowerCutError(BaseException):
    """A simulated power cut: nothing runs after it."""


@contextmanager
def power_cut_after(steps: int) -> Iterator[list[str]]:
    """Cut the power before the next change of the disk after so many steps. Yields the list of the steps that were
    done.

    Renames happen in order, as on a disk with a journal. File contents are on the disk after a sync, and every write
    here is followed by one.
    """
    done: list[str] = []

    def watched(name: str, real: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            if len(done) >= steps:
                raise PowerCutError
            done.append(f"{name} {arguments[-1] if name in ('symlink', 'replace') else arguments[0]}")
            return real(*arguments, **more)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("symlink", "replace", "unlink", "rmdir", "mkdir", "write", "pwrite"):
            patch.setattr(os, name, watched(name, getattr(os, name)))
        yield done


class FlashedPedal(FakePedal):
    """A fake pedal with two system slots; the old system is in A. Its firmware boots from the card, and obeys tryboot
    once.
    """

    def __init__(self, folder: Path, *, base: str = "raspios") -> None:
        super().__init__(folder, base=base)
        self.card = self.at(system_paths.CARD)
        make_slot_folder(self.card / "A", OLD, root_of(OLD))
        (self.card / "config.txt").write_bytes(CONFIG)
        self.disks = self.at(Path("/dev/disk/by-partuuid"))
        self.disks.mkdir(parents=True)
        (self.disks / f"{DISK}-02").write_bytes(root_of(OLD).ljust(1 << 20, b"\0"))
        (self.disks / f"{DISK}-03").write_bytes(bytes(1 << 20))
        own = (self.card / "A" / "cmdline.txt").read_text().replace("01234567", DISK)
        (self.card / "A" / "cmdline.txt").write_text(own)
        self.boot()

    def boot(self) -> None:
        """Boot as the firmware does after power-on, or after the last request to systemd."""
        asked = bool(self.commands) and self.commands.pop().endswith("0 tryboot")
        config = self.card / ("tryboot.txt" if asked else "config.txt")
        assert config.read_bytes() in (CONFIG, CONFIG.replace(b"=A/", b"=B/"))
        folder = self.card / config.read_text().split("os_prefix=")[1][0]
        version = (folder / "kernel8.img").read_text().split()[-1]
        assert (folder / "bcm2711-rpi-4-b.dtb").read_text() == "device tree"
        assert (folder / "initramfs8").read_text() == f"initramfs of {version}"
        (disk,) = (word for word in (folder / "cmdline.txt").read_text().split() if word.startswith("root=PARTUUID="))
        assert (self.disks / disk.removeprefix("root=PARTUUID=")).read_bytes().startswith(root_of(version))
        self.put(Path("/proc/cmdline"), f"coherent_pool=1M {(folder / 'cmdline.txt').read_text()}".encode())
        self.pid += 1
        self.daemon = version


def root_of(version: str) -> bytes:
    """Return bytes that stand for a root file system."""
    return b"hsqs" + hashlib.sha512(version.encode()).digest() * 5000


def make_slot_folder(folder: Path, version: str, root: bytes, **others: str) -> ImageManifest:
    """Make a slot's folder as an image has it. others: other facts."""
    put(
        folder,
        {
            "kernel8.img": f"kernel of {version}",
            "initramfs8": f"initramfs of {version}",
            "bcm2711-rpi-4-b.dtb": "device tree",
            "overlays/README": "overlays",
            "overlays/hifiberry-dac.dtbo": "overlay",
            "cmdline.txt": "console=tty1 root=PARTUUID=01234567-02 rootfstype=squashfs ro quiet\n",
        },
    )
    told = {"version": version, "base": "raspios", "machine": platform.machine(), "pedal": "stage", **others}
    facts = ImageManifest(**told, root_bytes=len(root), root_sha256=hashlib.sha256(root).hexdigest())
    (folder / image_manifest.MANIFEST_NAME).write_bytes(dump_manifest(facts))
    return facts


def make_image(path: Path, folder: Path, root: bytes, room: int = 1 << 20) -> None:
    """Make an image. folder: its slot A.  root: its root file system.  room: bytes for the root."""
    card = path.with_suffix(".card")
    card.write_bytes(bytes(4 << 20))
    subprocess.run(["mformat", "-i", str(card), "-T", str((4 << 20) // 512), "-h", "16", "-s", "32", "::"], check=True)
    subprocess.run(["mcopy", "-s", "-i", str(card), str(folder), "::A"], check=True)
    parts = [(0x0C, 1 << 20, 4 << 20), (0x83, 5 << 20, room), (0x83, (5 << 20) + room, room), (0x83, 9 << 20, 1 << 20)]
    table = b"".join(struct.pack("<4xB3xII", kind, start // 512, size // 512) for kind, start, size in parts)
    data = bytearray((bytes(446) + table + b"\x55\xaa").ljust(10 << 20, b"\0"))
    data[1 << 20 : 5 << 20] = card.read_bytes()
    data[5 << 20 : (5 << 20) + len(root)] = root
    path.write_bytes(data)
    card.unlink()
