"""An emulated pedal from an image: its card as a player sets it up, and somebody who is logged in."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_bank import write_bomb
from conftest import ROOT
from emulated_machine import CARD_AT_BYTES, Machine
from nam_maker import a1, write
from nampedal.converter import nam_file
from nampedal.firmware import artifact, preset
from nampedal.firmware.preset import Gain, Nam, Preset, Tone

GUEST = ROOT / "tests" / "image" / "guest"
# Debian's Python, as the daemon runs it.
PYTHON = "PYTHONPATH=/tmp/guest /opt/nampedal/runtime/bin/python3 -B"
BANKS = "/var/lib/nampedal/banks"
BOOT_S = 240.0
BOMB = "bomb.nampedal-bank"
ERRORS = "/boot/firmware/nampedal-errors.txt"
# There is no HAT, and nothing but the kernel's own cable to play through.
WORDS = ("modules_load=snd-aloop", "systemd.log_target=kmsg")


# As `nampedal status --json` has it, in a tenth of the time.
_ASK = (
    'import socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/nampedal/control.sock");'
    's.sendall(b"{\\"do\\": \\"status\\"}\\n"); print(s.makefile().readline())'
)


class Pedal:
    """Somebody who is logged in. told: what nampedal-errors.txt said after the first boot."""

    def __init__(self, machine: Machine, key: Path) -> None:
        self.machine = machine
        self.told = ""
        # An emulator takes a second and more for each login: all commands go through the first one's connection.
        options = (
            *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30"),
            *("ControlMaster=auto", "ControlPersist=yes", f"ControlPath={key.parent}/%p"),
        )
        self._options = ["-i", str(key), *(word for option in options for word in ("-o", option))]

    def run(self, command: str, *, check: bool = True, patience_s: float = 120.0) -> str:
        done = subprocess.run(self.ssh(command), capture_output=True, text=True, check=False, timeout=patience_s)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def ssh(self, command: str) -> list[str]:
        return ["ssh", *self._options, "-p", str(self.machine.port), "root@127.0.0.1", command]

    def copy(self, *paths: Path, to: str) -> None:
        command = ["scp", "-q", "-r", *self._options, "-P", str(self.machine.port), *map(str, paths)]
        subprocess.run([*command, f"root@127.0.0.1:{to}"], check=True, timeout=120)

    def change_card(self, command: str) -> None:
        """Run a command while the card's first partition can be written. Then the pedal looks at it, as at a boot."""
        writable, locked = "mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"
        self.run(f"{writable} && {command} && {locked} && systemctl restart nampedal-card.service")

    def fetch(self, path: str, folder: Path) -> None:
        command = ["scp", "-q", *self._options, "-P", str(self.machine.port), f"root@127.0.0.1:{path}", str(folder)]
        subprocess.run(command, check=True, timeout=120)

    def status(self) -> dict[str, Any]:
        """Empty while nobody answers."""
        said = self.run(f"/usr/bin/python3 -I -S -c '{_ASK}'", check=False)
        return dict(json.loads(said)) if said.startswith("{") else {}

    def plays(self, name: str) -> bool:
        return bool(self.status().get("preset") == name)

    def wait_for(self, what: Callable[[], Any], patience_s: float = 180.0) -> Any:
        """The first answer that is true."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            if answer := what():
                return answer
            time.sleep(0.5)
        said = self.run("systemctl status 'nampedal*' --no-pager -l; journalctl -b --no-pager | tail -40", check=False)
        raise AssertionError(f"{what} did not come true in {patience_s} s:\n{said}")


class Pins:
    """Of a header that the kernel makes up, which the pedal's lamps and footswitches are on from now on."""

    def __init__(self, pedal: Pedal) -> None:
        self._pedal = pedal
        pedal.run("mkdir -p /tmp/guest && modprobe -a configfs gpio-sim")
        pedal.run("mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config")
        pedal.copy(GUEST / "gpio_sim.py", to="/tmp/guest/")
        chip = self.run("make")
        self.run("pull", 5, "up")
        self.run("pull", 6, "up")
        # The library knows a Raspberry Pi by its revision, and its pins by the driver's name: neither is here.
        drop_in(pedal, "pins", f"Environment=RPI_LGPIO_REVISION=a020d3 RPI_LGPIO_CHIP={chip}")

    def run(self, *words: object, patience_s: float = 120.0) -> str:
        """As guest/gpio_sim.py has them."""
        command = f"{PYTHON} /tmp/guest/gpio_sim.py {' '.join(map(str, words))}"
        return self._pedal.run(command, patience_s=patience_s)


def drop_in(pedal: Pedal, name: str, *lines: str) -> None:
    """For nampedal.service, until the machine is switched off."""
    folder = "/run/systemd/system/nampedal.service.d"
    text = "".join(f"{line}\\n" for line in ("[Service]", *lines))
    pedal.run(f"mkdir -p {folder} && printf '{text}' > {folder}/{name}.conf")
    pedal.run("systemctl daemon-reload && systemctl restart nampedal.service")
    pedal.wait_for(pedal.status)


def make_key(folder: Path) -> Path:
    """A private one, its public one beside it."""
    key = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def make_rock(folder: Path) -> Path:
    """A bank that an emulator has time for: its capture is a WaveNet as small as they come."""
    folder.mkdir(parents=True)
    nam = write(folder / "amp.nam", a1((4, 2), tuple(1 << power for power in range(10))))
    (folder / "amp.stomp").write_bytes(artifact.pack(nam_file.read(nam)))
    nam.unlink()
    preset.write(Preset("Half", (Gain(-6.0),)), folder / "1-half.toml")
    preset.write(Preset("Double", (Gain(6.0), Tone(bass=6.0))), folder / "2-double.toml")
    preset.write(Preset("Amp", (Nam("amp.stomp"),), level_db=20.0), folder / "3-amp.toml")
    return folder


def prepare(image: Path, key: Path, folder: Path) -> Path:
    """The image, with what a player puts on a card: settings, a bank to take over, and one that was made to do harm."""
    card = folder / "pedal.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, card], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    (folder / "nampedal.toml").write_text(f'host_name = "stage-left"\r\nssh_key = "{public}"\r\n')
    rock = make_rock(folder / "import" / "rock")
    # By name it comes before the good one.
    write_bomb(rock.parent / BOMB, 10)
    put(card, folder / "nampedal.toml", rock.parent)
    return card


def put(card: Path, *paths: Path) -> None:
    """On the partition that any computer reads."""
    where = f"{card}@@{CARD_AT_BYTES}"
    subprocess.run(["mcopy", "-s", "-o", "-D", "o", "-i", where, *map(str, paths), "::/"], check=True)
