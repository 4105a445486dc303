"""A bank of 1 MB that unpacks to 1 GiB, beside a good one, in a machine of 1 GiB: a line, four blinks, and it plays."""

from __future__ import annotations

import re
from pathlib import Path

from nampedal.firmware.presets.banks.bank_file import export_bank
from support.machines.emulated_pedal import BANKS, BOMB, ERRORS, Pedal, Pins, make_rock
from support.makers.bad_bank import GIB, write_bomb

LINE = f"import/{{}}: 'big.wav' is not what the manifest says: {GIB:,} bytes of 10, or others; have it sent again"
PEAK_MIB = 64
IMPORT = "nampedal-import.service"


def spent(pedal: Pedal, name: str) -> list[tuple[float, int]]:
    """Seconds and MiB of each step of an import, by the log."""
    log = pedal.run(f"journalctl -b --no-pager -o cat -u {IMPORT}")
    return [(float(one[1]), int(one[2])) for one in re.finditer(rf"{re.escape(name)}: ([0-9.]+) s, (\d+) MiB", log)]


def test_the_first_boot_refuses_it_and_takes_the_good_one(pedal: Pedal) -> None:
    assert pedal.told.splitlines()[2:] == [LINE.format(BOMB)]
    assert pedal.run(f"ls -A {BANKS}").split() == ["rock"]
    assert pedal.status()["bank"] == "rock"
    assert f"Finished {IMPORT}" in pedal.machine.console()
    steps = spent(pedal, BOMB)
    print("seconds and MiB of each step:", steps)
    # Its contents are hashed, then looked into.
    assert len(steps) == 2
    assert max(mib for _, mib in steps) < PEAK_MIB


def test_the_sound_does_not_wait_for_it(pedal: Pedal) -> None:
    console = pedal.machine.console()
    assert 0 < console.index("Started nampedal.service") < console.index(f"Starting {IMPORT}")


def test_while_it_plays_lights_say_both(pedal: Pedal, tmp_path: Path) -> None:
    """Five blinks for the good one, then four for the bad one, each twice."""
    pins = Pins(pedal)
    # The first lamp is dark then.
    pedal.run("nampedal preset 2-double")
    pedal.wait_for(lambda: pedal.plays("2-double"))
    before = pedal.run("systemctl show nampedal.service -P MainPID")
    write_bomb(tmp_path / "again.nampedal-bank", 11)
    export_bank(make_rock(tmp_path / "jazz"), tmp_path / "jazz.nampedal-bank")
    pedal.copy(tmp_path / "again.nampedal-bank", tmp_path / "jazz.nampedal-bank", to="/tmp/")
    pedal.change_card("cp /tmp/again.nampedal-bank /tmp/jazz.nampedal-bank /boot/firmware/import/")
    groups = pins.run("blinks", 13, 100, patience_s=300.0).split()
    assert groups == ["5", "5", "4", "4"]
    assert pedal.run(f"ls {BANKS}").split() == ["jazz", "rock"]
    assert "import/again.nampedal-bank: " in pedal.run(f"cat {ERRORS}")
    # It is told at the next start, and not looked into again.
    imports = pedal.machine.console().count(f"Starting {IMPORT}")
    assert imports == 2
    pedal.change_card("true")
    assert pedal.machine.console().count(f"Starting {IMPORT}") == imports
    assert "import/again.nampedal-bank: " in pedal.run(f"cat {ERRORS}")
    assert pedal.run("systemctl show nampedal.service -P MainPID") == before
    pedal.change_card("rm /boot/firmware/import/*.nampedal-bank")
    pedal.wait_for(lambda: pedal.run(f"test -e {ERRORS} || echo gone") == "gone")
    pedal.run(f"rm -r {BANKS}/jazz && nampedal do rescan; nampedal preset 1-half", check=False)
    pedal.wait_for(lambda: pedal.plays("1-half"))
