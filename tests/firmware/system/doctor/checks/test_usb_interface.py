"""A pedal whose card is a USB interface: the checks that differ from a HAT's."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.system.doctor.checks.check_hardware import check_card, check_hat, check_overlay
from nampedal.firmware.system.doctor.checks.check_sound import check_jack_settings, check_jackd
from nampedal.firmware.system.doctor.context import JACK
from nampedal.firmware.system.install.sound_setup import jack_arguments, pedal_env
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.rigs.sick_pedal import JACKD, STATUS, Patient, look

ON_USB = "this pedal's sound card is a USB interface; 'sound card' says whether it works"
ARGUMENTS = " ".join(jack_arguments(read_pedal("pi-4-usb")))
PLUG_IN = "plug one in that is class-compliant and has an input and an output; wait some seconds, ask again"


def interface(pedal: Patient, number: int, card: str, usbid: str, pcms: str = "cp") -> None:
    pedal.put(f"/proc/asound/card{number}/id", f"{card}\n")
    pedal.put(f"/proc/asound/card{number}/usbid", f"{usbid}\n")
    for letter in pcms:
        pedal.put(f"/proc/asound/card{number}/pcm0{letter}/info", "")


def started(pedal: Patient, *words: str) -> None:
    pedal.put(f"/proc/{JACKD}/cmdline", "\0".join(words) + "\0")


@pytest.fixture
def usb(pedal: Patient) -> Patient:
    """Beside the card of a HAT, which is not taken for one."""
    pedal.put("/etc/nampedal/pedal.env", pedal_env(read_pedal("pi-4-usb"), InstallTarget()))
    pedal.answers["status"] = STATUS
    interface(pedal, 3, "USB", "1235:8210")
    started(pedal, "/usr/bin/jackd", *ARGUMENTS.split(), "-d", "hw:USB")
    return pedal


def test_a_usb_interface_needs_no_hat_and_no_overlay(usb: Patient) -> None:
    assert look(usb, check_hat) == ("not applicable", ON_USB, "")
    assert look(usb, check_overlay) == ("not applicable", ON_USB, "")


def test_the_interface_that_is_plugged_in_is_named(usb: Patient) -> None:
    assert look(usb, check_card) == ("ok", "USB (1235:8210)", "")
    interface(usb, 4, "Webcam", "046d:0825", pcms="c")
    assert look(usb, check_card) == ("ok", "USB (1235:8210)", "")


def unplug(pedal: Patient, number: int) -> None:
    for path in sorted(pedal.real(Path(f"/proc/asound/card{number}")).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_no_interface_is_wrong(usb: Patient) -> None:
    unplug(usb, 3)
    assert look(usb, check_card) == ("wrong", "a USB audio interface is not plugged in", PLUG_IN)


def test_one_that_can_not_record_is_wrong(usb: Patient) -> None:
    unplug(usb, 3)
    interface(usb, 4, "Speaker", "0d8c:0014", pcms="p")
    interface(usb, 5, "Keyboard", "0763:0199", pcms="")
    assert look(usb, check_card) == (
        "wrong",
        "Speaker (0d8c:0014) has no input, Keyboard (0763:0199) has no input, output",
        "plug in a USB interface that has both an input and an output",
    )


def test_of_two_the_one_that_is_used_is_told(usb: Patient) -> None:
    interface(usb, 4, "Headset", "0d8c:0014")
    assert look(usb, check_card) == (
        "ok",
        "2 USB audio interfaces are plugged in (USB (1235:8210), Headset (0d8c:0014)), USB (1235:8210) is used; to "
        'choose, name it in the profile of the HAT: usb = { vendor = "...", product = "..." }',
        "",
    )
    usb.units[JACK]["MainPID"] = "0"
    assert "none of them is used" in look(usb, check_card)[1]


def test_another_interface_than_the_one_that_is_named_is_wrong(usb: Patient) -> None:
    usb.put("/run/nampedal-card/pedal.env", "NAMPEDAL_USB=1397:0508\n")
    assert look(usb, check_card) == (
        "wrong",
        "the USB audio interface 1397:0508 is not plugged in; plugged in are USB (1235:8210)",
        "plug it in, wait some seconds, ask again; for another one write its numbers, which lsusb shows, into the "
        "profile of the HAT",
    )


def test_jackd_may_use_whatever_card_the_interface_is(usb: Patient) -> None:
    usb.answers["status"] = STATUS | {"period_frames": 128}
    assert look(usb, check_jack_settings) == ("ok", "48000 Hz, 3 periods of 128 frames (2.7 ms each)", "")
    started(usb, "/usr/bin/jackd", *ARGUMENTS.replace("-p 128", "-p 64").split(), "-d", "hw:USB")
    assert look(usb, check_jack_settings)[1].startswith("jackd runs with other settings than")


def test_a_script_that_waits_for_the_interface_is_no_jackd(usb: Patient) -> None:
    started(usb, "/bin/sh", "/usr/local/lib/nampedal/jack")
    assert look(usb, check_jackd) == (
        "wrong",
        "waits for the USB audio interface, see 'sound card'",
        "plug the interface in",
    )
    assert look(usb, check_jack_settings) == ("unknown", "jackd waits for its sound card", "")
