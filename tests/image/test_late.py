"""A slow card: systemd sees its partitions only when the guitar has been sounding dry for a while."""

from __future__ import annotations

import dataclasses
import json
import stat
from importlib import resources
from pathlib import Path

from nampedal.firmware.system.image.initramfs import CpioEntry, cpio
from support.machines.emulated_machine import Machine, firmware, overlay, running
from support.machines.emulated_pedal import BOMB, BOOT_S, ERRORS, WORDS, Pedal

# udev holds both partitions back until the pedal listens, and ten seconds more; the fstab waits for 5 s, not 60.
LATE = r"""
mkdir -p /run/udev/rules.d
cat > /run/udev/rules.d/10-late.rules << 'RULES'
KERNEL=="vda[14]", PROGRAM="/bin/sh -c 'until [ -e /run/nampedal/control.sock ]; do sleep 1; done; sleep 10'"
RULES
sed -i s/device-timeout=60s/device-timeout=5s/ /run/fstab
"""


def slowed(initrd: Path, target: Path) -> Path:
    """The same initramfs with another /init: of several archives one behind the other, the last one counts."""
    script = (resources.files("nampedal.firmware.system.image") / "init.sh").read_text()
    end = "\nmount -t squashfs"
    assert script.count(end) == 1
    first = initrd.read_bytes()
    init = CpioEntry("init", stat.S_IFREG | 0o755, script.replace(end, LATE + end).encode())
    target.write_bytes(first + bytes(-len(first) % 512) + cpio([init]))
    return target


def test_a_card_that_is_seen_late_is_used_then(prepared: Path, ssh_key: Path, tmp_path: Path) -> None:
    started = firmware(prepared, tmp_path / "firmware", "virt")
    started = dataclasses.replace(started, initrd=slowed(started.initrd, tmp_path / "initrd"))
    with running(Machine("virt", started, overlay(prepared, tmp_path / "card.qcow2"), tmp_path, WORDS)) as machine:
        # Nobody can log in before the card with the key is mounted.
        machine.wait_for_ssh(2 * BOOT_S)
        pedal = Pedal(machine, ssh_key)
        pedal.wait_for(lambda: pedal.plays("1-half"))
        said = pedal.run("journalctl -b -o cat -u nampedal -u nampedal-card -u nampedal-late")
        assert "/var/lib/nampedal: its partition is not mounted" in said
        assert said.index("preset dry") < said.index("preset 1-half")
        for place, kind in (("/boot/firmware", "vfat"), ("/var/lib/nampedal", "ext4")):
            assert pedal.run(f"findmnt -no FSTYPE {place}") == kind
        # It tells of the bad bank alone, not of a partition.
        pedal.wait_for(lambda: BOMB in pedal.run(f"cat {ERRORS}", check=False))
        (line,) = pedal.run(f"cat {ERRORS}").splitlines()[2:]
        assert line.startswith(f"import/{BOMB}: ")
        pedal.change_card(f"rm /boot/firmware/import/{BOMB}")
        pedal.wait_for(lambda: pedal.run(f"test -e {ERRORS} || echo gone") == "gone")
        assert pedal.run("ls /run/nampedal-card/late 2>&1", check=False).count("No such file") == 1
        assert pedal.run("systemctl show nampedal-late nampedal-card -P Result") == "success\n\nsuccess"
        found = {one["name"]: one for one in json.loads(pedal.run("nampedal doctor --json", check=False))["findings"]}
        for name in ("boot helpers", "card", "data", "nampedal", "plays"):
            assert found[name]["state"] == "ok", found[name]
