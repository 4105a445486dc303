"""An image on a card, in an emulated machine that was set up as a player would: by nampedal.toml."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bank_maker import amp
from conftest import ROOT
from emulated_machine import CARD_AT_BYTES, Machine, firmware, overlay, running
from nampedal.firmware import preset
from nampedal.firmware.preset import Gain, Nam, Preset, Tone

GUEST = ROOT / "tests" / "image" / "guest"
# Debian's Python, as the daemon runs it.
PYTHON = "PYTHONPATH=/tmp/guest /opt/nampedal/runtime/bin/python3 -B"
BANKS = "/var/lib/nampedal/banks"
BOOT_S = 240.0
# There is no HAT, and nothing but the kernel's own cable to play through.
WORDS = ("modules_load=snd-aloop", "systemd.log_target=kmsg")


class Pedal:
    """Somebody who is logged in."""

    def __init__(self, machine: Machine, key: Path) -> None:
        self.machine = machine
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30")
        self._options = ["-i", str(key), *(word for option in options for word in ("-o", option))]

    def run(self, command: str, *, check: bool = True, patience_s: float = 120.0) -> str:
        done = subprocess.run(
            ["ssh", *self._options, "-p", str(self.machine.port), "root@127.0.0.1", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def copy(self, *paths: Path, to: str) -> None:
        command = ["scp", "-q", "-r", *self._options, "-P", str(self.machine.port), *map(str, paths)]
        subprocess.run([*command, f"root@127.0.0.1:{to}"], check=True, timeout=120)

    def status(self) -> dict[str, Any]:
        """Empty while nobody answers."""
        said = self.run("nampedal status --json", check=False)
        return dict(json.loads(said)) if said.startswith("{") else {}

    def plays(self, name: str) -> bool:
        return bool(self.status().get("preset") == name)

    def wait_for(self, what: Callable[[], Any], patience_s: float = 60.0) -> Any:
        """The first answer that is true."""
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            if answer := what():
                return answer
            time.sleep(0.5)
        said = self.run("systemctl status 'nampedal*' --no-pager -l; journalctl -b --no-pager | tail -40", check=False)
        raise AssertionError(f"{what} did not come true in {patience_s} s:\n{said}")


@pytest.fixture(scope="session")
def image() -> Path:
    named = os.environ.get("NAMPEDAL_IMAGE")
    if named is None:
        pytest.skip("there is no image: 'make test-image' builds one")
    return Path(named)


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def make_rock(folder: Path) -> Path:
    """A bank that an emulator has time for, and one preset that it has not."""
    folder.mkdir(parents=True)
    (folder / "amp.stomp").write_bytes(amp())
    preset.write(Preset("Half", (Gain(-6.0),)), folder / "1-half.toml")
    preset.write(Preset("Double", (Gain(6.0), Tone(bass=6.0))), folder / "2-double.toml")
    preset.write(Preset("Amp", (Nam("amp.stomp"),), level_db=-6.0), folder / "3-amp.toml")
    return folder


@pytest.fixture(scope="session")
def prepared(image: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image, with what a player puts on a card: settings, and a bank to take over."""
    folder = tmp_path_factory.mktemp("card")
    card = folder / "pedal.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, card], check=True)
    public = ssh_key.with_suffix(".pub").read_text().strip()
    (folder / "nampedal.toml").write_text(f'host_name = "stage-left"\r\nssh_key = "{public}"\r\n')
    rock = make_rock(folder / "import" / "rock")
    put(card, folder / "nampedal.toml", rock.parent)
    return card


def put(card: Path, *paths: Path) -> None:
    """On the partition that any computer reads."""
    where = f"{card}@@{CARD_AT_BYTES}"
    subprocess.run(["mcopy", "-s", "-o", "-D", "o", "-i", where, *map(str, paths), "::/"], check=True)


@pytest.fixture(scope="session")
def pedal(prepared: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pedal]:
    """Most of the tests are one evening's, in their order."""
    folder = tmp_path_factory.mktemp("virt")
    started = firmware(prepared, folder / "firmware", "virt")
    with running(Machine("virt", started, overlay(prepared, folder / "card.qcow2"), folder, WORDS)) as machine:
        machine.wait_for_ssh(BOOT_S)
        booted = Pedal(machine, ssh_key)
        booted.wait_for(lambda: booted.status().get("preset"), BOOT_S)
        yield booted
