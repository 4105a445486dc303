"""An evening with the image, in a machine that QEMU makes up. The tests follow each other."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import soundfile
from conftest import ROOT
from nampedal.firmware.base.files.signature import UPDATE, sign
from nampedal.firmware.presets.banks.bank_file import export_bank
from support.machines.emulated_pedal import BANKS, ERRORS, GUEST, PYTHON, Pedal, Pins, drop_in
from support.makers.bank_maker import make_bank
from support.makers.signing_keys import make_key
from support.makers.ssh_settings import WANTED, settings_in
from support.makers.wheel_maker import changed_wheel

# What an emulated machine does not have, and `doctor` can't tell there.
LACKING = {
    *("board", "power", "throttling", "temperature", "HAT", "governor", "interrupts", "load", "xruns"),
    *("mixer", "input"),
}


def unit(pedal: Pedal, name: str, key: str) -> str:
    return pedal.run(f"systemctl show {name} --property={key} --value")


def test_the_root_can_not_be_written(pedal: Pedal) -> None:
    assert pedal.run("findmnt -no FSTYPE /") == "squashfs"
    assert (
        pedal.run("touch /etc/x 2>&1; mount -o remount,rw / 2>&1 && touch /etc/x 2>&1", check=False).count("ead-only")
        >= 1
    )
    assert pedal.run("findmnt -no OPTIONS /boot/firmware").startswith("ro,")


def test_the_data_partition_is_written_and_has_grown(pedal: Pedal) -> None:
    assert pedal.run("findmnt -no FSTYPE /var/lib/nampedal") == "ext4"
    assert pedal.run("dumpe2fs -h $(findmnt -no SOURCE /var/lib/nampedal) 2>/dev/null | grep -o has_journal")
    mib = int(pedal.run("df --output=size -BM /var/lib/nampedal | tail -1").strip().removesuffix("M"))
    # 64 MiB in the image; a card of 2 GiB.
    assert mib > 400
    pedal.run("touch /var/lib/nampedal/x && rm /var/lib/nampedal/x")


def test_nothing_has_failed(pedal: Pedal) -> None:
    assert pedal.run("systemctl --failed --no-legend --plain") == ""
    assert pedal.run("hostname") == "stage-left"


def test_the_daemon_runs_under_systemd_with_its_watchdog(pedal: Pedal) -> None:
    for name in ("nampedal-jack.service", "nampedal.service"):
        assert unit(pedal, name, "ActiveState") == "active"
    assert unit(pedal, "nampedal.service", "WatchdogUSec") == "10s"
    assert unit(pedal, "nampedal.service", "NRestarts") == "0"
    assert "plays" in unit(pedal, "nampedal.service", "StatusText")
    threads = pedal.run("ps -L -o cls,rtprio -p $(systemctl show nampedal.service -P MainPID)")
    assert re.search(r"^ *FF +\d+$", threads, re.MULTILINE), threads


def test_the_machines_own_watchdog_is_armed(pedal: Pedal) -> None:
    assert "\nRuntimeWatchdogSec=15\n" in pedal.run("systemd-analyze cat-config systemd/system.conf") + "\n"
    # As the kernel's command line of the emulated machine says.
    assert pedal.run("systemctl show --property=RuntimeWatchdogUSec --value") == "2min"
    assert pedal.run("cat /sys/class/watchdog/watchdog0/state") == "active"


def test_the_bank_on_the_card_was_taken_over(pedal: Pedal) -> None:
    assert pedal.status()["bank"] == "rock"
    assert pedal.run(f"ls {BANKS}/rock/*.toml").split() == [
        f"{BANKS}/rock/{name}.toml" for name in ("1-half", "2-double", "3-amp")
    ]
    assert pedal.run("ls /boot/firmware/nampedal-errors.txt 2>&1", check=False).endswith("No such file or directory")


def test_what_is_wrong_on_the_card_is_told_beside_it(pedal: Pedal) -> None:
    """As at a boot; whose own mounts the card is made writable in, for a moment."""
    broken = "/boot/firmware/import/broken.stomp"
    pedal.change_card(f"echo no artifact > {broken}")
    pedal.wait_for(lambda: "broken.stomp" in pedal.run(f"cat {ERRORS}", check=False))
    pedal.wait_for(lambda: pedal.run("findmnt -no OPTIONS /boot/firmware").startswith("ro,"))
    pedal.change_card(f"rm {broken}")
    pedal.wait_for(lambda: pedal.run(f"test -e {ERRORS} || echo gone") == "gone")
    pedal.wait_for(lambda: pedal.plays("1-half"))


# An emulator may have no time for the sound when others work beside, and would step down.
AT_TIER_0 = ("ExecStart=", f"ExecStart=/usr/local/bin/nampedal play {BANKS} --pedal virtual --tier 0")


@pytest.mark.parametrize("preset", ["3-amp", "2-double"])
def test_a_guitar_through_jack_is_what_the_preset_is_offline(pedal: Pedal, preset: str, tmp_path: Path) -> None:
    audio, rate = soundfile.read(ROOT / "demo" / "riff.wav", frames=24_000, dtype="float32")
    soundfile.write(tmp_path / "riff.wav", audio, rate, subtype="FLOAT")
    pedal.run("mkdir -p /tmp/guest/support")
    pedal.copy(GUEST / "play_through.py", tmp_path / "riff.wav", to="/tmp/guest/")
    pedal.copy(*(ROOT / "tests" / "support" / name for name in ("__init__.py", "players")), to="/tmp/guest/support/")
    # Played as fast as the emulator can, the sound leaves Python's threads no time for their watchdog.
    drop_in(pedal, "tier", *AT_TIER_0, "WatchdogSec=120")
    pedal.run(f"nampedal preset {preset}")
    pedal.wait_for(lambda: pedal.plays(preset))
    play = f"{PYTHON} /tmp/guest/play_through.py {BANKS}/rock/{preset}.toml /tmp/guest/riff.wav"
    said = pedal.run(f"cd /tmp && runuser -u nampedal -- env {play}", patience_s=300.0)
    result = json.loads(said.splitlines()[-1])
    assert result["frames"] == 24_000
    assert result["loud"] > 0.01
    assert result["equal"], result


def test_a_footswitch_changes_the_preset_through_rpi_lgpio(pedal: Pedal) -> None:
    """Real pins as far as Linux can tell: gpio-sim, behind the library that a Raspberry Pi uses."""
    pins = Pins(pedal)
    for pin, preset in ((6, "2-double"), (5, "1-half"), (6, "2-double")):
        pins.run("pull", pin, "down")
        pins.run("pull", pin, "up")
        pedal.wait_for(lambda: pedal.plays(preset))  # noqa: B023
    # The second lamp is on, the first is not.
    pedal.wait_for(lambda: (pins.run("value", 13), pins.run("value", 26)) == ("0", "1"))


def test_doctor_finds_nothing_wrong(pedal: Pedal) -> None:
    found = json.loads(pedal.run("nampedal doctor --json", check=False))["findings"]
    assert [each for each in found if each["state"] == "wrong"] == []
    assert {each["name"] for each in found if each["state"] not in ("ok", "wrong")} == LACKING


def test_a_daemon_that_hangs_is_started_again_by_the_watchdog(pedal: Pedal) -> None:
    drop_in(pedal, "tier", *AT_TIER_0)
    before = unit(pedal, "nampedal.service", "MainPID")
    pedal.run(f"kill -STOP {before}")
    pedal.wait_for(lambda: unit(pedal, "nampedal.service", "MainPID") not in (before, "0"))
    assert "Watchdog timeout (limit 10s)" in pedal.run("journalctl -b --no-pager | grep nampedal.service | tail -30")
    pedal.wait_for(lambda: pedal.plays("2-double"))


def crash(pedal: Pedal, name: str) -> None:
    """From now on it ends as soon as it is started."""
    folder = f"/run/systemd/system/{name}.service.d"
    pedal.run(
        f"mkdir -p {folder} && printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' > {folder}/zz-crash.conf"
    )
    pedal.run(f"systemctl daemon-reload && systemctl restart {name}.service", check=False)


def hear(pedal: Pedal, source: str, targets: list[str]) -> bool:
    """Whether what goes into a JACK port comes out of others."""
    listed = pedal.run(f"runuser -u nampedal -- jack_lsp -c {source}", check=False)
    return all(target in listed for target in targets)


def test_a_daemon_that_always_crashes_ends_in_the_safe_preset(pedal: Pedal) -> None:
    crash(pedal, "nampedal")
    pedal.wait_for(lambda: unit(pedal, "nampedal-safe.service", "ActiveState") == "active")
    assert unit(pedal, "nampedal.service", "Result") != "success"
    status = pedal.status()
    assert (status["safe"], status["preset"]) == (True, "dry")
    # The guitar goes through it.
    assert hear(pedal, "system:capture_1", ["nampedal:in"])
    assert hear(pedal, "system:playback_1", ["nampedal:left"])


def test_where_that_crashes_too_jack_alone_connects(pedal: Pedal) -> None:
    crash(pedal, "nampedal-safe")
    pedal.wait_for(lambda: hear(pedal, "system:capture_1", ["system:playback_1", "system:playback_2"]))
    assert unit(pedal, "nampedal-through.service", "ActiveState") == "active"
    pedal.run("rm -r /run/systemd/system/nampedal*.service.d/zz-crash.conf && systemctl daemon-reload")
    pedal.run("systemctl reset-failed && systemctl restart nampedal.service")
    pedal.wait_for(lambda: pedal.plays("2-double"))
    assert not hear(pedal, "system:capture_1", ["system:playback_1"])


def test_a_stick_brings_a_bank(pedal: Pedal, tmp_path: Path) -> None:
    blues = make_bank(tmp_path / "blues")
    export_bank(blues, tmp_path / "blues.nampedal-bank")
    stick = tmp_path / "stick.img"
    with stick.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.vfat", "-n", "STICK", stick], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", stick, tmp_path / "blues.nampedal-bank", "::/"], check=True)
    pedal.machine.plug(stick)
    pedal.wait_for(lambda: "blues" in pedal.run(f"ls {BANKS}"))
    # It plays on, and the bank is there to go to.
    pedal.run("nampedal do bank blues")
    pedal.wait_for(lambda: pedal.status()["bank"] == "blues")
    pedal.run("nampedal do bank rock")
    pedal.wait_for(lambda: pedal.plays("2-double"))
    assert pedal.run("findmnt -no TARGET -S LABEL=STICK", check=False) == ""


@pytest.fixture(scope="module")
def wheel() -> Path:
    (built,) = (ROOT / "dist").glob("nampedal-*aarch64.whl")
    return built


def test_what_the_maker_did_not_sign_is_refused_before_it_runs(
    pedal: Pedal, wheel: Path, signing_key: Path, tmp_path: Path
) -> None:
    """The mark shows if a byte of it ran."""
    # Only root may: the daemon, which is started on it later, may not.
    leaves = (
        b"import contextlib, pathlib\n\nwith contextlib.suppress(OSError):\n    pathlib.Path('/run/mark').touch()\n"
    )
    with zipfile.ZipFile(wheel) as archive:
        engine = archive.read("nampedal/firmware/engine/inference.py").replace(
            b"\nimport ", b"\n" + leaves + b"import ", 1
        )
    newer = changed_wheel(wheel, tmp_path, "9.2", {"nampedal/firmware/engine/inference.py": engine})
    stranger = make_key(tmp_path / "stranger", "stranger")
    pedal.copy(newer, to="/tmp/")
    update = f"nampedal update /tmp/{newer.name} 2>&1; echo code $?"
    assert "is not there, so nobody has signed" in pedal.run(update)
    pedal.copy(sign(newer, stranger, UPDATE), to="/tmp/")
    assert "is signed with a key that is not trusted here" in pedal.run(update)
    pedal.copy(sign(newer, signing_key, UPDATE), to="/tmp/")
    pedal.run(f"cp /tmp/{newer.name} /tmp/kept && printf x >> /tmp/{newer.name}")
    assert "its signature is wrong: signature verification failed" in pedal.run(update)
    assert pedal.run("ls /run/mark 2>&1", check=False).endswith("No such file or directory")
    pedal.run(f"mv /tmp/kept /tmp/{newer.name}")
    said = pedal.run(update, patience_s=600.0)
    assert "signed by test@nampedal" in said
    assert said.endswith("code 0"), said
    assert pedal.run("ls /run/mark") == "/run/mark"
    pedal.run("nampedal update back", patience_s=300.0)
    pedal.wait_for(lambda: pedal.plays("2-double"))


def test_sshd_allows_a_key_and_passes_nothing_on(pedal: Pedal) -> None:
    found = settings_in(pedal.run("sshd -T -C user=root,host=pedal,addr=192.0.2.1"))
    assert {name: found.get(name) for name in WANTED} == WANTED


def test_a_newer_nampedal_that_does_not_play_gives_way_to_the_old_one(
    pedal: Pedal, wheel: Path, signing_key: Path, tmp_path: Path
) -> None:
    # What is tried before it is started finds nothing wrong with it.
    spoilt = {"nampedal/firmware/pedal/notify.py": b"def Notifier():\n    raise RuntimeError('spoilt')\n"}
    newer = changed_wheel(wheel, tmp_path, "9.0", spoilt)
    pedal.copy(newer, sign(newer, signing_key, UPDATE), to="/tmp/")
    said = pedal.run(f"nampedal update /tmp/{newer.name} 2>&1; echo code $?", patience_s=600.0)
    assert said.endswith("code 1"), said
    pedal.wait_for(lambda: pedal.plays("2-double"))
    assert "9.0" not in pedal.run("nampedal --version")


def test_a_newer_nampedal_that_plays_stays(pedal: Pedal, wheel: Path, signing_key: Path, tmp_path: Path) -> None:
    newer = changed_wheel(wheel, tmp_path, "9.1", {})
    pedal.copy(newer, sign(newer, signing_key, UPDATE), to="/tmp/")
    pedal.run(f"nampedal update /tmp/{newer.name}", patience_s=600.0)
    pedal.wait_for(lambda: pedal.plays("2-double"))
    assert "9.1" in pedal.run("nampedal --version")
    pedal.run("nampedal update back", patience_s=300.0)
    assert "9.1" not in pedal.run("nampedal --version")
