"""An emulated pedal from an image: its memory card as a player sets it up, and a root login by SSH."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import ROOT
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Nam, Preset, Tone

from support.machines.emulated_machine import CARD_AT_BYTES, Machine
from support.makers.bad_bank import write_bomb
from support.makers.nam_maker import a1, write

GUEST = ROOT / "tests" / "image" / "guest"
# Debian's Python in the runtime's virtual environment, as for the daemon.
PYTHON = "PYTHONPATH=/tmp/guest /opt/nampedal/runtime/bin/python3 -B"
BANKS = "/var/lib/nampedal/banks"
BOOT_S = 240.0
BOMB = "bomb.nampedal-bank"
ERRORS = "/boot/firmware/nampedal-errors.txt"
# There is no HAT; the kernel's loopback sound card stands in for one. On a busy computer, an emulated systemd can be
# busy for longer than the 15 s that the pedal's hardware watchdog allows, and the watchdog ends the machine.
WORDS = ("modules_load=snd-aloop", "systemd.log_target=kmsg", "systemd.watchdog_sec=120")


# The same status as `nampedal status --json`, in a tenth of the time.
_ASK = (
    'import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/nampedal/control.sock");'
    's.sendall(b"{\\"do\\": \\"status\\"}\\n"); print(s.makefile().readline())'
)


class Pedal:
    """A root login on the pedal. told: the contents of nampedal-errors.txt after the first boot."""

    def __init__(self, machine: Machine, key: Path) -> None:
        self.machine = machine
        self.told = ""
        # A login takes a second or more in an emulator, so all commands share the first connection.
        options = (
            *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30"),
            *("ControlMaster=auto", "ControlPersist=yes", f"ControlPath={key.parent}/%p"),
        )
        self._options = ["-i", str(key), *(word for option in options for word in ("-o", option))]

    def run(self, command: str, *, check: bool = True, patience_s: float = 120.0) -> str:
        done = subprocess.run(self.ssh(command), capture_output=True, text=True, check=False, timeout=patience_s)
        if check and done.returncode != 0:
            ended = self.machine.process.poll()
            machine = f"the machine has ended with {ended}: " if ended is not None else ""
            raise AssertionError(f"{command}: {done.returncode}: {machine}{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def ssh(self, command: str) -> list[str]:
        return ["ssh", *self._options, "-p", str(self.machine.port), "root@127.0.0.1", command]

    def copy(self, *paths: Path, to: str) -> None:
        command = ["scp", "-q", "-r", *self._options, "-P", str(self.machine.port), *map(str, paths)]
        subprocess.run([*command, f"root@127.0.0.1:{to}"], check=True, timeout=120)

    def change_card(self, command: str) -> None:
        """Run a command while the card's first partition is writable. Then the pedal reads the card as at a boot."""
        writable, locked = "mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"
        self.run(f"{writable} && {command} && {locked} && systemctl restart nampedal-card.service")

    def fetch(self, path: str, folder: Path) -> None:
        command = ["scp", "-q", *self._options, "-P", str(self.machine.port), f"root@127.0.0.1:{path}", str(folder)]
        subprocess.run(command, check=True, timeout=120)

    def status(self) -> dict[str, Any]:
        """Return the pedal's status, or an empty dict if it does not answer."""
        said = self.run(f"/usr/bin/python3 -I -S -c '{_ASK}'", check=False)
        return dict(json.loads(said)) if said.startswith("{") else {}

    def plays(self, name: str) -> bool:
        return bool(self.status().get("preset") == name)

    def wait_for(self, what: Callable[[], Any], patience_s: float = 180.0) -> Any:
        """Wait until the function returns a true value, and return that. Raises AssertionError after the timeout."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            if answer := what():
                return answer
            time.sleep(0.5)
        said = self.run("systemctl status 'nampedal*' --no-pager -l; journalctl -b --no-pager | tail -40", check=False)
        raise AssertionError(f"{what} did not come true in {patience_s} s:\n{said}")


class Pins:
    """A simulated GPIO header (gpio-sim). The constructor connects the pedal's LEDs and footswitches to it."""

    def __init__(self, pedal: Pedal) -> None:
        self._pedal = pedal
        pedal.run("mkdir -p /tmp/guest && modprobe -a configfs gpio-sim")
        pedal.run("mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config")
        pedal.copy(GUEST / "gpio_sim.py", to="/tmp/guest/")
        chip = self.run("make")
        self.run("pull", 5, "up")
        self.run("pull", 6, "up")
        # rpi-lgpio detects a Raspberry Pi by its revision and its pins by the driver's name. The emulator has neither.
        drop_in(pedal, "pins", f"Environment=RPI_LGPIO_REVISION=a020d3 RPI_LGPIO_CHIP={chip}")

    def run(self, *words: object, patience_s: float = 120.0) -> str:
        """Run a command of guest/gpio_sim.py in the machine."""
        command = f"{PYTHON} /tmp/guest/gpio_sim.py {' '.join(map(str, words))}"
        return self._pedal.run(command, patience_s=patience_s)


def drop_in(pedal: Pedal, name: str, *lines: str) -> None:
    """Add settings to nampedal.service until the machine is switched off, and restart it."""
    folder = "/run/systemd/system/nampedal.service.d"
    text = "".join(f"{line}\\n" for line in ("[Service]", *lines))
    pedal.run(f"mkdir -p {folder} && printf '{text}' > {folder}/{name}.conf")
    pedal.run("systemctl daemon-reload && systemctl restart nampedal.service")
    pedal.wait_for(pedal.status)


def make_key(folder: Path) -> Path:
    """Make an SSH key, and return the private one. The public key is beside it."""
    key = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def make_rock(folder: Path) -> Path:
    """Make a bank that an emulator can play in real time: its capture is a minimal WaveNet."""
    folder.mkdir(parents=True)
    nam = write(folder / "amp.nam", a1((4, 2), tuple(1 << power for power in range(10))))
    (folder / "amp.stomp").write_bytes(artifact.pack(nam_file.read(nam)))
    nam.unlink()
    preset.write(Preset("Half", (Gain(-6.0),)), folder / "1-half.toml")
    preset.write(Preset("Double", (Gain(6.0), Tone(bass=6.0))), folder / "2-double.toml")
    # The output of this random network is mostly DC, which is not audible.
    preset.write(Preset("Amp", (Nam("amp.stomp", level_db=20.0),)), folder / "3-amp.toml")
    return folder


def prepare(image: Path, key: Path, folder: Path) -> Path:
    """Return a copy of the image with what a player puts on the card: settings, a bank to import,
    and a malicious bank.
    """
    card = folder / "pedal.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, card], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    (folder / "nampedal.toml").write_text(f'host_name = "stage-left"\r\nssh_key = "{public}"\r\n')
    rock = make_rock(folder / "import" / "rock")
    # Its name sorts before that of the good bank.
    write_bomb(rock.parent / BOMB, 10)
    put(card, folder / "nampedal.toml", rock.parent)
    return card


def put(card: Path, *paths: Path) -> None:
    """Copy files to the partition that any computer can read."""
    where = f"{card}@@{CARD_AT_BYTES}"
    subprocess.run(["mcopy", "-s", "-o", "-D", "o", "-i", where, *map(str, paths), "::/"], check=True)
