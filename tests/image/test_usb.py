"""A pedal with a USB interface on Debian's kernel: real drivers, a made-up interface. The tests follow each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
from conftest import ROOT
from emulated_machine import Machine, firmware, overlay, running
from emulated_pedal import BANKS, BOOT_S, GUEST, PYTHON, Pedal, prepare
from nampedal.board.install.sound import mixer_script
from nampedal.board.pedals import read_pedal

# Sound cards that are no interface: one that is not on USB, one that only plays.
OTHERS = ("intel-hda", "hda-duplex,audiodev=none", "usb-audio,bus=usb.0,audiodev=none")
INTERFACE = f"{PYTHON} /tmp/guest/usb_interface.py"
MADE_UP = "1209:0001"
PULLS = 20


@pytest.fixture(scope="module")
def pedal(usb_image: Path, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pedal]:
    """Booted, and waiting for its interface: there are only other sound cards."""
    folder = tmp_path_factory.mktemp("usb")
    prepared = prepare(usb_image, ssh_key, folder)
    started = firmware(prepared, folder / "firmware", "virt")
    # Without snd-aloop, which the other pedal plays through.
    words = ("systemd.log_target=kmsg",)
    with running(Machine("virt", started, overlay(prepared, folder / "card.qcow2"), folder, words, OTHERS)) as machine:
        machine.wait_for_ssh(BOOT_S)
        booted = Pedal(machine, ssh_key)
        booted.wait_for(booted.status, BOOT_S)
        booted.run("mkdir -p /tmp/guest")
        booted.copy(GUEST / "usb_interface.py", to="/tmp/guest/")
        # An emulator may have no time for it when others work beside, and would step down.
        folder_of_unit = "/run/systemd/system/nampedal.service.d"
        play = f"/usr/local/bin/nampedal play {BANKS} --pedal virtual-usb --tier 0"
        lines = f"[Service]\\nExecStart=\\nExecStart={play}\\n"
        booted.run(f"mkdir -p {folder_of_unit} && printf '{lines}' > {folder_of_unit}/tier.conf")
        booted.run("systemctl daemon-reload && systemctl restart --no-block nampedal.service")
        yield booted


def interface(pedal: Pedal, *words: str, patience_s: float = 600.0) -> dict[str, Any]:
    """What the made-up interface prints."""
    return dict(json.loads(pedal.run(f"{INTERFACE} {' '.join(words)}", patience_s=patience_s).splitlines()[-1]))


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
    found = json.loads(pedal.run("nampedal doctor --json", check=False))
    assert finding(found, "sound card") == ("wrong", "Audio (46f4:0002) has no input")
    assert finding(found, "jackd") == ("wrong", "waits for the USB audio interface, see 'sound card'")


def test_a_guitar_through_the_interface_is_what_the_preset_is_offline(pedal: Pedal, tmp_path: Path) -> None:
    """Through snd-usb-audio, jackd and nampedal, and back by the same way."""
    audio, rate = soundfile.read(ROOT / "demo" / "riff.wav", frames=48_000, dtype="float32")
    soundfile.write(tmp_path / "riff.wav", audio, rate, subtype="FLOAT")
    pedal.copy(tmp_path / "riff.wav", to="/tmp/guest/")
    result = interface(pedal, "play", f"{BANKS}/rock/3-amp.toml", "/tmp/guest/riff.wav")
    print(f"\n{result}")
    assert result["frames"] == 48_000
    assert result["loud"] > 0.01
    # Nothing was lost on the way, so that all of it can be compared.
    assert result["lost"] == {"out": 0, "in": 0}
    # jackd rounds each sample to 24 bits, and both sides of the comparison are rounded: a step to either side.
    assert result["differs"] <= 1, result
    assert result["sides"] == 0
    # The mixer of the profile was set before jackd was started.
    assert (result["volume"], result["mute"]) == (30 * 256, 0)
    assert f"using the USB audio interface {MADE_UP} in port" in log(pedal)


def test_doctor_finds_nothing_wrong_while_it_sounds(pedal: Pedal) -> None:
    said = interface(pedal, "with", "nampedal", "doctor", "--json")
    found = json.loads(said["out"])
    assert [each for each in found if each["state"] == "wrong" and each["name"] != "nampedal"] == []
    assert finding(found, "sound card") == ("ok", f"Interface ({MADE_UP})")
    assert finding(found, "jackd settings")[0] == "ok"
    assert finding(found, "overlay")[0] == "not applicable"


def test_sound_is_back_each_time_that_the_cable_is(pedal: Pedal) -> None:
    result = interface(pedal, "pull", str(PULLS), patience_s=1200.0)
    seconds = sorted(result["seconds"])
    print(f"\nsound is back after {seconds[0]} to {seconds[-1]} s, in the middle {seconds[PULLS // 2]} s: {seconds}")
    # Each one that did not sound would have ended the program.
    assert len(seconds) == PULLS
    # The pedal waited for jackd each time, and never failed.
    assert pedal.run("systemctl show nampedal -P NRestarts") == "0"
    assert pedal.run("systemctl is-active nampedal") == "active"


def test_the_mixer_is_set_on_a_card_of_alsas(pedal: Pedal, tmp_path: Path) -> None:
    """The script that the installer writes, on QEMU's sound card: as its own codec says, not as a table of ours."""
    mixer = (("Master", "50%", "unmute"), ("Capture", "25%", "cap"))
    profile = read_pedal("pi-4-usb")
    script = tmp_path / "mixer"
    script.write_text(mixer_script(replace(profile, hat=replace(profile.hat, mixer=mixer))))
    pedal.copy(script, to="/tmp/guest/")
    for master, capture in (("0%", "0%"), ("100%", "100%")):
        pedal.run(f"amixer -q -D hw:Intel -- sset Master {master} mute")
        pedal.run(f"amixer -q -D hw:Intel -- sset Capture {capture} nocap")
        pedal.run("NAMPEDAL_CARD=Intel sh /tmp/guest/mixer")
        stands = pedal.run("amixer -D hw:Intel sget Master; amixer -D hw:Intel sget Capture")
        assert stands.count("[50%]") == 2, stands
        assert stands.count("[25%]") == 2, stands
        assert "[off]" not in stands
    assert pedal.run("NAMPEDAL_CARD=Gone sh /tmp/guest/mixer 2>&1; echo $?").endswith("\n1")
