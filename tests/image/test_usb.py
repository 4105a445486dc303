"""A pedal with a USB interface on Debian's kernel: real drivers, a made-up interface. The tests follow each other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.system.install.sound_setup import mixer_script
from support.machines.emulated_machine import Machine, firmware, overlay, running
from support.machines.emulated_pedal import BANKS, BOMB, BOOT_S, GUEST, PYTHON, Pedal, prepare
from support.machines.usb_interface import (
    FULL_SCALE,
    PRODUCT,
    RATE,
    VENDOR,
    VOLUME_STEPS,
    Interface,
    align,
    longest_run,
    wait_for,
)

# Sound cards that are no interface: one that is not on USB, one that only plays.
OTHERS = ("intel-hda", "hda-duplex,audiodev=none", "usb-audio,bus=usb.0,audiodev=none")
MADE_UP = f"{VENDOR:04x}:{PRODUCT:04x}"
PERIOD = 4096
PULLS = 20
SECOND = np.zeros(RATE, np.int64)
# An emulator that has its processor for itself takes a tenth of that.
PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def pedal(usb_image: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pedal]:
    """Booted, and waiting for its interface: there are only other sound cards."""
    folder = tmp_path_factory.mktemp("usb")
    prepared = prepare(usb_image, ssh_key, folder)
    started = firmware(prepared, folder / "firmware", "virt")
    # Without snd-aloop, which the other pedal plays through. An emulator that is short of time needs more than 15 s to
    # make the virtual controller's 240 ports.
    words = ("systemd.log_target=kmsg", "systemd.watchdog_sec=120")
    with running(Machine("virt", started, overlay(prepared, folder / "card.qcow2"), folder, words, OTHERS)) as machine:
        machine.wait_for_ssh(BOOT_S)
        booted = Pedal(machine, ssh_key)
        booted.wait_for(booted.status, BOOT_S)
        booted.run("mkdir -p /tmp/guest")
        booted.copy(GUEST / "usb_port.py", GUEST / "render.py", to="/tmp/guest/")
        # An emulator may have no time for it when others work beside, and would step down.
        drop_in = "/run/systemd/system/nampedal.service.d"
        play = f"/usr/local/bin/nampedal play {BANKS} --pedal virtual-usb --tier 0"
        booted.run(f"mkdir -p {drop_in} && printf '[Service]\\nExecStart=\\nExecStart={play}\\n' > {drop_in}/tier.conf")
        booted.run("systemctl daemon-reload && systemctl restart --no-block nampedal.service")
        booted.run("systemd-run --quiet --unit=usb-port /usr/bin/python3 -I /tmp/guest/usb_port.py")
        booted.wait_for(lambda: booted.run("ss -Hltn sport = :3240", check=False))
        yield booted


@pytest.fixture
def interface(pedal: Pedal) -> Iterator[Interface]:
    """Not plugged in yet."""
    made_up = Interface(("127.0.0.1", pedal.machine.usb_port))
    yield made_up
    made_up.pull()


def finding(found: list[dict[str, str]], name: str) -> tuple[str, str]:
    (one,) = (each for each in found if each["name"] == name)
    return one["state"], one["found"]


def log(pedal: Pedal) -> str:
    return pedal.run("journalctl -b -u nampedal-jack --no-pager -o cat")


def test_the_pedal_waits_and_takes_none_of_the_cards_that_are_there(pedal: Pedal) -> None:
    cards = pedal.run("cat /proc/asound/cards")
    assert "HDA Intel" in cards
    assert "QEMU USB Audio" in cards
    assert "waiting for it" in log(pedal)
    assert "using the USB audio interface" not in log(pedal)
    assert pedal.run("systemctl show nampedal-jack -P NRestarts") == "0"
    found = json.loads(pedal.run("nampedal doctor --json", check=False))["findings"]
    assert finding(found, "sound card") == ("wrong", "Audio (46f4:0002) has no input")
    assert finding(found, "jackd") == ("wrong", "waits for the USB audio interface, see 'sound card'")


def test_a_guitar_through_the_interface_is_what_the_preset_is_offline(
    pedal: Pedal, interface: Interface, tmp_path: Path
) -> None:
    """Through snd-usb-audio, jackd and nampedal, and back by the same way."""
    audio = soundfile.read(ROOT / "demo" / "riff.wav", frames=RATE, dtype="float32")[0]
    guitar = np.round(audio * FULL_SCALE).astype(np.int64)
    interface.plug(0)
    assert interface.sound(PATIENCE_S), log(pedal)
    # The bank on the card is imported behind the first sound.
    pedal.wait_for(lambda: pedal.status().get("bank") == "rock", PATIENCE_S)
    pedal.run("nampedal preset 3-amp")
    pedal.wait_for(lambda: pedal.plays("3-amp"))
    # The tone that is still on its way is not recorded.
    interface.give(np.concatenate([SECOND, SECOND]))
    assert wait_for(interface.gave, PATIENCE_S)
    interface.records = True
    interface.give(np.concatenate([SECOND, guitar, SECOND]))
    assert wait_for(interface.gave, PATIENCE_S)
    interface.records = False
    lost = interface.out.lost, interface.into.lost
    # The mixer of the profile was set before jackd was started.
    assert (interface.volume, interface.mute) == (VOLUME_STEPS * 256, 0)
    interface.pull()
    np.save(tmp_path / "given.npy", (guitar / FULL_SCALE).astype(np.float32))
    pedal.copy(tmp_path / "given.npy", to="/tmp/guest/")
    files = "/tmp/guest/given.npy /tmp/guest/made.npy"
    pedal.run(f"{PYTHON} /tmp/guest/render.py {BANKS}/rock/3-amp.toml {files} {PERIOD}", patience_s=PATIENCE_S)
    pedal.fetch("/tmp/guest/made.npy", tmp_path)
    made = np.load(tmp_path / "made.npy").astype(np.float64)
    wanted = np.round(made * FULL_SCALE).astype(np.int64)
    assert np.abs(made).max() > 0.01
    got = interface.took()
    at = align(got[:, 0], wanted)
    differs = np.abs(got[at : at + len(wanted), 0] - wanted)
    print(
        f"\nat frame {at}: differs by {differs.max()} of 2^23 at most; {lost} packets lost; {longest_run(differs <= 1)}"
    )
    assert lost == (0, 0)
    # jackd rounds each sample to 24 bits, and so does the comparison: a step to either side.
    assert longest_run(differs <= 1) == len(wanted)
    assert np.array_equal(got[:, 0], got[:, 1])
    assert f"using the USB audio interface {MADE_UP} in port" in log(pedal)


def test_doctor_finds_nothing_wrong_while_it_sounds(pedal: Pedal, interface: Interface) -> None:
    interface.plug(1)
    assert interface.sound(PATIENCE_S), log(pedal)
    pedal.wait_for(lambda: pedal.status().get("bank") == "rock", PATIENCE_S)
    # The card has a bank that is refused, which the doctor tells.
    pedal.change_card(f"rm /boot/firmware/import/{BOMB}")
    found = json.loads(pedal.run("nampedal doctor --json", check=False))["findings"]
    assert [each for each in found if each["state"] == "wrong"] == []
    assert finding(found, "sound card") == ("ok", f"Interface ({MADE_UP})")
    assert finding(found, "jackd settings")[0] == "ok"
    assert finding(found, "overlay")[0] == "not applicable"


def test_sound_is_back_each_time_that_the_cable_is(pedal: Pedal, interface: Interface) -> None:
    interface.plug(0)
    assert interface.sound(PATIENCE_S), log(pedal)
    pedal.wait_for(lambda: pedal.status().get("bank") == "rock", PATIENCE_S)
    # A capture may have an output of its own where nothing comes in.
    pedal.run("nampedal preset 1-half")
    pedal.wait_for(lambda: pedal.plays("1-half"))
    took = []
    for number in range(PULLS):
        interface.pull()
        # Put back at once, or when jackd has long been ended, into one port or another.
        time.sleep((0.0, 0.3, 1.0, 3.0)[number % 4])
        began_s = time.monotonic()
        interface.plug(number % 3)
        sounded_s = interface.sound(PATIENCE_S)
        assert sounded_s, f"pull {number + 1}: {log(pedal)}"
        took.append(round(sounded_s - began_s, 1))
    print(f"\nsound is back after {min(took)} to {max(took)} s, in the middle {sorted(took)[PULLS // 2]} s: {took}")
    # The pedal waited for jackd each time, and never failed.
    assert pedal.run("systemctl show nampedal -P NRestarts") == "0"
    assert pedal.run("systemctl is-active nampedal") == "active"


def test_the_mixer_is_set_on_a_card_of_alsas(pedal: Pedal, tmp_path: Path) -> None:
    """The script that the installer writes, on QEMU's sound card: as its own codec says, not as a table of ours."""
    mixer = (("Master", "50%", "unmute"), ("Capture", "50%", "cap"))
    profile = read_pedal("pi-4-usb")
    script = tmp_path / "mixer"
    script.write_text(mixer_script(replace(profile, hat=replace(profile.hat, mixer=mixer))))
    pedal.copy(script, to="/tmp/guest/")
    for master, capture in (("0%", "0%"), ("100%", "100%")):
        pedal.run(f"amixer -q -D hw:Intel -- sset Master {master} mute")
        pedal.run(f"amixer -q -D hw:Intel -- sset Capture {capture} nocap")
        pedal.run("NAMPEDAL_CARD=Intel sh /tmp/guest/mixer")
        stands = pedal.run("amixer -D hw:Intel sget Master; amixer -D hw:Intel sget Capture")
        assert stands.count("[50%]") == 4, stands
        assert "[off]" not in stands
    assert pedal.run("NAMPEDAL_CARD=Gone sh /tmp/guest/mixer 2>&1; echo $?").endswith("\n1")
