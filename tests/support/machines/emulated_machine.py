"""An emulated Raspberry Pi or generic Arm machine. Starts an image as the firmware would, and is reached by SSH."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CARD_AT_BYTES = 4 << 20
# QEMU needs cards whose size is a power of two. Real cards are larger than the image, too.
CARD_SIZE = "2G"
# raspi3b: its first UART is connected to Bluetooth, so the console is on the second one.
CONSOLES = {"virt": "ttyAMA0", "raspi3b": "ttyS1,115200"}


class MachineError(Exception):
    """The emulated machine did not do what it should. The message has the end of its console output."""


@dataclass(frozen=True)
class Started:
    """The files and the command line of a boot. kernel, initrd, tree: files.  words: the kernel's command line."""

    kernel: Path
    initrd: Path
    tree: Path | None
    words: str


def overlay(image: Path, card: Path) -> str:
    """Return a QEMU drive of CARD_SIZE that begins with the image. Writes go to `card`, not to the image."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.resolve()), str(card), CARD_SIZE]
    subprocess.run(command, check=True)
    return f"file={card},format=qcow2"


def firmware(image: Path, folder: Path, kind: str, config: str = "config.txt") -> Started:
    """Read config.txt of an image as the Raspberry Pi's firmware does, and extract the files that it names."""
    folder.mkdir(exist_ok=True)

    def take(name: str) -> Path:
        target = folder / name.rpartition("/")[2]
        command = ["mcopy", "-n", "-o", "-i", f"{image}@@{CARD_AT_BYTES}", f"::/{name}", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return target

    lines = take(config).read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    prefix = settings["os_prefix"]
    words = take(f"{prefix}cmdline.txt").read_text().strip()
    # Raspberry Pi's own kernel has the file names that the firmware uses by default.
    of_pi = settings.get("auto_initramfs") == "1"
    kernel, initrd = ("kernel8.img", "initramfs8") if of_pi else (settings["kernel"], "initrd.img")
    tree = take(f"{prefix}{'bcm2710' if of_pi else 'bcm2837'}-rpi-3-b.dtb") if kind == "raspi3b" else None
    return Started(take(f"{prefix}{kernel}"), take(f"{prefix}{initrd}"), tree, words)


class Machine:
    """A QEMU machine. kind: virt or raspi3b.  drive: file= and format= of its card, for QEMU's -drive; the card is
    written to.

    devices: for QEMU's -device, in a `virt` machine; sound devices use the audiodev `none`.
    """

    def __init__(
        self,
        kind: str,
        started: Started,
        drive: str,
        folder: Path,
        words: Sequence[str] = (),
        devices: Sequence[str] = (),
    ) -> None:
        self.log = folder / "console.log"
        # Left by the machine that ran before in this folder.
        self.log.unlink(missing_ok=True)
        self.port, self.usb_port = free_port(), free_port()
        console = f"console={CONSOLES[kind]}"
        line = " ".join((started.words.replace("quiet", ""), console, *words))
        program = shutil.which("qemu-system-aarch64")
        assert program is not None, "qemu-system-arm is not installed"
        self._monitor = folder / "monitor.socket"
        self._monitor.unlink(missing_ok=True)
        common = ["-kernel", str(started.kernel), "-initrd", str(started.initrd), "-append", line, "-no-reboot"]
        # The ports of SSH and of tests/image/guest/usb_port.py.
        ports = ((self.port, 22), (self.usb_port, 3240))
        forwarded = (f"hostfwd=tcp:127.0.0.1:{ours}-:{its}" for ours, its in ports)
        network = ",".join(("user,id=net,restrict=on", *forwarded))
        if kind == "virt":
            own = [
                *("-M", "virt,gic-version=3", "-cpu", "cortex-a53", "-smp", "4", "-m", "1024"),
                *("-accel", "tcg,thread=multi", "-drive", f"if=none,id=card,{drive}"),
                *("-device", "virtio-blk-pci,drive=card", "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"),
                *("-device", "i6300esb"),
                *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
                *("-serial", f"file:{self.log}"),
            ]
            if devices:
                own += ["-audiodev", "none,id=none", *(word for device in devices for word in ("-device", device))]
        else:
            own = [
                *("-M", "raspi3b", "-m", "1G", "-dtb", str(started.tree), "-drive", f"if=sd,{drive}"),
                *("-netdev", network, "-device", "usb-net,netdev=net"),
                *("-serial", "null", "-serial", f"file:{self.log}"),
            ]
        self._said = (folder / "qemu.log").open("wb")
        self.process = subprocess.Popen(
            [program, *own, *common, "-display", "none", "-monitor", f"unix:{self._monitor},server,nowait"],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )

    def wait_for(self, text: str, patience_s: float) -> None:
        """Wait until the console prints the text. Raises MachineError."""
        end_s = time.monotonic() + patience_s
        while text not in self.console():
            if self.process.poll() is not None or time.monotonic() > end_s:
                raise MachineError(f"{text!r} was not said; the end of the console:\n{self.console()[-3000:]}")
            time.sleep(0.2)

    def wait_for_ssh(self, patience_s: float) -> None:
        """Wait until an SSH server answers. A connection alone is no proof: QEMU accepts it before
        the machine listens.
        """
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2.0) as connection:
                if connection.recv(4) == b"SSH-":
                    return
            time.sleep(0.5)
        raise MachineError(f"nobody answers; the end of the console:\n{self.console()[-3000:]}")

    def plug(self, stick: Path) -> None:
        """Plug a USB stick with these contents into a `virt` machine."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self._monitor))
            for line in (
                f"drive_add 0 if=none,id={stick.stem},format=raw,file={stick}",
                f"device_add usb-storage,bus=usb.0,drive={stick.stem},id={stick.stem},removable=on",
            ):
                monitor.sendall(f"{line}\n".encode())
                time.sleep(0.5)

    def console(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """Kill the machine: a power cut."""
        self.process.kill()
        self.process.wait()
        self._said.close()


@contextlib.contextmanager
def running(machine: Machine) -> Iterator[Machine]:
    try:
        yield machine
    finally:
        machine.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
