"""Cuts the power of an emulated pedal repeatedly while it saves presets. Its card loses what was not flushed."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT
from nampedal.firmware.system.image import mbr
from nampedal.firmware.system.image.disk_layout import MIB

from support.machines.emulated_machine import Machine, Started, firmware
from support.machines.emulated_pedal import BANKS, BOOT_S, GUEST, PYTHON, WORDS, Pedal

CARD_BYTES = 2 << 30
PRESET = f"{BANKS}/rock/1-half.toml"
# Maximum time for which presets are saved before the power is cut.
SAVING_S = 3.0


@dataclass
class Cut:
    """One power cut. saves: completed saves.  saved: the last value that the pedal reported as saved.

    saving: the value that it was saving.  lost: what the card lost.  found: the value at the next boot.
    """

    saves: int
    saved: float
    saving: float
    lost: str
    found: float = 0.0
    boot_s: float = 0.0
    fsck: str = ""


class PulledPlug:
    """One card. seed: for the time of each power cut, and for what is lost."""

    def __init__(self, prepared: Path, key: Path, folder: Path, seed: int) -> None:
        self._key, self._folder = key, folder
        self._luck = random.Random(seed)
        self._started: Started = firmware(prepared, folder / "firmware", "virt")
        self._card = folder / "card.raw"
        subprocess.run(["cp", "--sparse=always", prepared, self._card], check=True)
        os.truncate(self._card, CARD_BYTES)
        self._next = 1

    def run(self, cuts: int) -> list[Cut]:
        """Cut the power so many times, and check each cut at the next boot. Raises AssertionError, MachineError."""
        done: list[Cut] = []
        for number in range(cuts + 1):
            cut = self._evening(done[-1] if done else None, last=number == cuts)
            if cut is not None:
                done.append(cut)
                print(f"cut {len(done)}: {cut.saves} saves, {cut.lost}", flush=True)
        return done

    def _evening(self, before: Cut | None, *, last: bool) -> Cut | None:
        address = self._folder / "card.socket"
        address.unlink(missing_ok=True)
        script, seed = ROOT / "tests" / "support" / "fakes" / "forgetful_card.py", str(self._luck.randrange(1 << 30))
        command = [sys.executable, str(script), str(self._card), str(address), seed]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while not address.exists():
            time.sleep(0.05)
        began_s = time.monotonic()
        drive = f"file=nbd:unix:{address},format=raw"
        machine = Machine("virt", self._started, drive, self._folder, WORDS)
        try:
            machine.wait_for_ssh(BOOT_S)
            pedal = Pedal(machine, self._key)
            pedal.wait_for(lambda: pedal.plays("1-half"), BOOT_S)
            if before is not None:
                before.boot_s = time.monotonic() - began_s
                self._judge(before, pedal)
            cut = None if last else self._save_until_dark(pedal, machine)
        finally:
            machine.kill()
            server.send_signal(signal.SIGTERM)
            said = server.communicate()[0].strip()
        if cut is not None:
            cut.lost = said
            cut.fsck = self._fsck()
        return cut

    def _judge(self, cut: Cut, pedal: Pedal) -> None:
        text = pedal.run(f"cat {PRESET}")
        match = re.search(r"^gain_db = (-?[\d.]+)$", text, re.MULTILINE)
        assert match is not None, text
        cut.found = float(match[1])
        assert cut.found in (cut.saved, cut.saving), cut
        assert pedal.status()["numbers"]["1.gain_db"] in (cut.saved, cut.saving), cut
        assert pedal.run("systemctl --failed --no-legend --plain") == ""

    def _save_until_dark(self, pedal: Pedal, machine: Machine) -> Cut:
        pedal.run("mkdir -p /tmp/guest")
        pedal.copy(GUEST / "save_on.py", to="/tmp/guest/")
        log = self._folder / "saves.log"
        with log.open("w") as said:
            command = pedal.ssh(f"{PYTHON} /tmp/guest/save_on.py {self._next}")
            saver = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
            end_s = time.monotonic() + 60.0
            while "saved" not in log.read_text():
                assert time.monotonic() < end_s, log.read_text()
                time.sleep(0.05)
            time.sleep(self._luck.uniform(0.0, SAVING_S))
            machine.kill()
            saver.kill()
            saver.wait()
        lines = [line.split() for line in log.read_text().splitlines(keepends=False) if line.startswith("sav")]
        saved = [float(line[1]) for line in lines if line[0] == "saved" and len(line) == 2]
        saving = [float(line[1]) for line in lines if line[0] == "saving" and len(line) == 2]
        self._next += len(saving) + 10
        return Cut(len(saved), saved[-1], saving[-1], "")

    def _fsck(self) -> str:
        """Check the data partition, and return what the replay of its journal reported. Raises AssertionError."""
        with self._card.open("rb") as card:
            table = mbr.unpack(card.read(512))
            assert table is not None
            data = table[3]
        part = self._folder / "data.ext4"
        copy = [
            "dd",
            f"if={self._card}",
            f"of={part}",
            "bs=1M",
            f"skip={data.start * 512 // MIB}",
            "conv=sparse",
            "status=none",
        ]
        subprocess.run([*copy, f"count={data.sectors * 512 // MIB}"], check=True)
        replayed = subprocess.run(["/sbin/e2fsck", "-p", str(part)], capture_output=True, text=True, check=False)
        # Exit code 1: something was corrected, such as the time of the last check.
        assert replayed.returncode <= 1, replayed.stdout
        checked = subprocess.run(["/sbin/e2fsck", "-fn", str(part)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
        part.unlink()
        return replayed.stdout.strip().splitlines()[-1]
