"""A pedal with a USB interface: what is installed for it, and how its card is found, on a made-up /proc/asound."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nampedal.board.profiles.boards import read_board
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.board.profiles.profile_files import Fact
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.install.boot_config import config_block
from nampedal.firmware.system.install.plan import SCRIPTS, plan
from nampedal.firmware.system.install.sound_setup import jack_arguments, jack_script, mixer_script, pedal_env
from nampedal.firmware.system.install.steps.step_types import WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget

PATIENCE_S = 20.0
NAMED = "1235:8210"


@pytest.fixture
def pedal() -> PedalProfile:
    return read_pedal("pi-4-usb")


def with_hat(pedal: PedalProfile, **changes: object) -> PedalProfile:
    return dataclasses.replace(pedal, hat=dataclasses.replace(pedal.hat, **changes))  # type: ignore[arg-type]


# ---- what is installed ----


def test_jackd_is_told_of_no_card_and_opens_all_channels(pedal: PedalProfile) -> None:
    assert " ".join(jack_arguments(pedal)) == ("-R -P 70 -t 2000 --port-max 256 -d alsa -r 48000 -p 128 -n 3 -X seq")


@pytest.mark.parametrize(("inputs", "outputs", "ports"), [(2, 2, "64"), (18, 20, "256")])
def test_jackd_opens_as_many_channels_as_are_stated(pedal: PedalProfile, inputs: int, outputs: int, ports: str) -> None:
    facts = {"input_channels": Fact(inputs, "stated", "x"), "output_channels": Fact(outputs, "stated", "x")}
    words = jack_arguments(with_hat(pedal, usb=NAMED, **facts))
    assert (words[words.index("-i") + 1], words[words.index("-o") + 1]) == (str(inputs), str(outputs))
    assert words[words.index("--port-max") + 1] == ports


def test_the_settings_name_the_interface_and_no_card(pedal: PedalProfile, target: InstallTarget) -> None:
    lines = pedal_env(pedal, target).splitlines()
    assert [line for line in lines if line.startswith(("NAMPEDAL_CARD", "NAMPEDAL_USB", "NAMPEDAL_INPUT"))] == [
        *("NAMPEDAL_CARD=", "NAMPEDAL_USB=any", "NAMPEDAL_INPUT=system:capture_1"),
    ]
    assert "NAMPEDAL_USB=1235:8210" in pedal_env(with_hat(pedal, usb=NAMED), target).splitlines()


def test_config_txt_loads_no_overlay_of_a_hat(pedal: PedalProfile, target: InstallTarget) -> None:
    lines = config_block(pedal, target)
    assert lines[:3] == ["[all]", "dtoverlay=", "dtparam=audio=off"]
    assert [line for line in lines if line.startswith("dtoverlay=") and line != "dtoverlay="] == []


def test_a_board_whose_usb_is_off_has_it_switched_on(pedal: PedalProfile, target: InstallTarget) -> None:
    assert "otg_mode=1" not in config_block(pedal, target)
    assert "otg_mode=1" in config_block(dataclasses.replace(pedal, board=read_board("cm4")), target)


def test_the_plan_has_the_script_that_starts_jackd(target: InstallTarget) -> None:
    files = {step.path: step for step in plan("pi-4-usb", target) if isinstance(step, WholeFile)}
    script = files[SCRIPTS / "jack"]
    assert (script.data.decode(), script.mode) == (jack_script(), 0o755)
    unit = (Path(__file__).parents[4] / "systemd" / "nampedal-jack.service").read_text()
    assert f"ExecStart={SCRIPTS / 'jack'}\n" in unit
    assert f"mixer={SCRIPTS / 'mixer'}\n" in jack_script()


def test_a_profile_of_ones_own_comes_with_the_pedal(no_own_profiles: Path, target: InstallTarget) -> None:
    text = 'name = "Mine"\nusb = "any"\n[guitar_channel]\nvalue = 1\nstatus = "chosen"\nsource = "a reason"\n'
    for folder, name, data in (("hats", "mine", text), ("pedals", "my", 'name = "My"\nboard = "5"\nhat = "mine"\n')):
        (no_own_profiles / folder).mkdir(parents=True)
        (no_own_profiles / folder / f"{name}.toml").write_text(data)
    files = {step.path: step.data for step in plan("my", target) if isinstance(step, WholeFile)}
    assert files[system_paths.PROFILES / "hats" / "mine.toml"].decode() == text


# ---- how the card is found ----

JACKD = """#!/bin/sh
echo "$*" >>{log}
trap 'exit 0' TERM
while :; do /bin/sleep 0.05; done
"""
# What the script waits with, ten times as fast, and counted.
SLEEP = """#!/bin/sh
echo "$1" >>{looks}
exec /bin/sleep 0.05
"""
AMIXER = """#!/bin/sh
echo "amixer $*" >>{log}
"""


class Machine:
    """A made-up /proc/asound, /sys and /dev/snd, programs that write down what they are given, and jack.sh."""

    def __init__(self, folder: Path, pedal: PedalProfile) -> None:
        self.folder, self.log, self.said = folder, folder / "log", folder / "said"
        self.log.touch()
        for name, text in (("jackd", JACKD), ("amixer", AMIXER), ("sleep", SLEEP)):
            (folder / name).write_text(text.format(log=self.log, looks=folder / "looks"))
            (folder / name).chmod(0o755)
        mixer = folder / "mixer"
        mixer.write_text(mixer_script(pedal))
        mixer.chmod(0o755)
        text = jack_script().replace(str(SCRIPTS / "mixer"), str(mixer))
        for top in ("/proc/", "/sys/", "/dev/snd/"):
            text = text.replace(top, f"{folder}{top}")
        self.script = folder / "jack"
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.usb, self.card = pedal.hat.usb or "", pedal.hat.card or ""
        self.arguments = " ".join(jack_arguments(pedal))
        self.process: subprocess.Popen[bytes] | None = None

    def plug(
        self,
        number: int,
        card: str,
        usbid: str | None,
        port: str = "1-1",
        bus: str = "001/002",
        pcms: str = "cp",
    ) -> None:
        """usbid: None for a card that is not on USB.  pcms: c records, p plays."""
        home = self.folder / "proc/asound" / f"card{number}"
        home.mkdir(parents=True)
        (home / "id").write_text(f"{card}\n")
        (home.parent / card).symlink_to(home.name)
        for letter in pcms:
            (home / f"pcm0{letter}").mkdir()
            self.make_device(f"pcmC{number}D0{letter}")
        self.make_device(f"controlC{number}")
        if usbid is not None:
            (home / "usbbus").write_text(f"{bus}\n")
            device = self.folder / "sys/devices" / f"{port}:1.0"
            device.mkdir(parents=True, exist_ok=True)
            link = self.folder / "sys/class/sound" / f"card{number}" / "device"
            link.parent.mkdir(parents=True)
            link.symlink_to(device)
            # The last: from now on it is a candidate.
            (home / "usbid").write_text(f"{usbid}\n")

    def make_device(self, name: str) -> None:
        path = self.folder / "dev/snd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def pull(self, number: int) -> None:
        asound = self.folder / "proc/asound"
        (asound / (asound / f"card{number}/id").read_text().strip()).unlink()
        subprocess.run(["rm", "-r", asound / f"card{number}"], check=True)
        subprocess.run(["rm", "-rf", self.folder / "sys/class/sound" / f"card{number}"], check=True)

    def start(self) -> None:
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "NAMPEDAL_JACK": self.arguments,
            "NAMPEDAL_USB": self.usb,
            "NAMPEDAL_CARD": self.card,
        }
        with self.said.open("ab") as said:
            self.process = subprocess.Popen([self.script], env=environment, stderr=said, start_new_session=True)

    def wait(self, what: Callable[[], bool]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < end_s, self.said.read_text() + self.log.read_text()
            time.sleep(0.02)

    def jackd(self) -> str:
        """What jackd is given, and amixer before it, once jackd runs."""
        self.wait(lambda: "-d alsa" in self.log.read_text())
        return self.log.read_text()

    def end(self) -> None:
        """As systemd does with what is left of a unit."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def looks(self) -> int:
        """How often the script has looked at the card."""
        return len((self.folder / "looks").read_text().splitlines())

    def killed(self) -> bool:
        assert self.process is not None
        return self.process.poll() == -signal.SIGKILL


@pytest.fixture
def any_one(tmp_path: Path, pedal: PedalProfile) -> Iterator[Machine]:
    machine = Machine(tmp_path, pedal)
    yield machine
    machine.end()


@pytest.fixture
def named(tmp_path: Path, pedal: PedalProfile) -> Iterator[Machine]:
    machine = Machine(tmp_path, with_hat(pedal, usb=NAMED, mixer=(("Line In 1", "inst"), ("Air", "off"))))
    yield machine
    machine.end()


@pytest.fixture
def hat(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, read_pedal("pi-4-dac-adc"))
    yield machine
    machine.end()


def test_a_hats_card_is_the_one_that_is_named(hat: Machine) -> None:
    hat.plug(0, "vc4hdmi0", None, pcms="p")
    hat.plug(1, hat.card, None)
    hat.start()
    *mixer, jackd = hat.jackd().splitlines()
    assert jackd == hat.arguments
    assert "-d hw:sndrpihifiberry" in jackd
    assert len(mixer) == len(read_pedal("pi-4-dac-adc").hat.mixer)
    assert hat.said.read_text() == ""


def test_a_hats_card_that_is_late_is_waited_for(hat: Machine) -> None:
    hat.plug(0, "vc4hdmi0", None, pcms="p")
    hat.start()
    hat.wait(lambda: "waiting" in hat.said.read_text())
    assert hat.log.read_text() == ""
    hat.plug(1, hat.card, None)
    assert hat.jackd().splitlines()[-1] == hat.arguments
    assert hat.said.read_text() == "the sound card sndrpihifiberry is not there: waiting for it\n"


def test_the_interface_is_waited_for_and_its_mixer_set_before_jackd_starts(named: Machine) -> None:
    named.plug(0, "vc4hdmi0", None, pcms="p")
    named.plug(1, "Headset", "0d8c:0014")
    named.start()
    named.wait(lambda: "waiting" in named.said.read_text())
    assert named.log.read_text() == ""
    named.plug(2, "USB", NAMED, port="1-1.2")
    assert named.jackd() == (
        "amixer -q -D hw:USB -- sset Line In 1 inst\n"
        "amixer -q -D hw:USB -- sset Air off\n"
        f"{named.arguments} -d hw:USB\n"
    )
    assert named.said.read_text().splitlines() == [
        "no USB audio interface with input and output is plugged in (1235:8210): waiting for it",
        "using the USB audio interface 1235:8210 in port 1-1.2:1.0: card 2, USB",
    ]


@pytest.mark.parametrize("pcms", ["c", "p", ""], ids=["webcam", "loudspeaker", "keyboard"])
def test_what_can_not_both_record_and_play_is_passed_over(any_one: Machine, pcms: str) -> None:
    any_one.plug(0, "Other", "046d:0825", pcms=pcms)
    any_one.plug(1, "HAT", None)
    any_one.plug(10, "USB", NAMED, port="1-1.4", bus="001/009")
    any_one.start()
    assert any_one.jackd() == f"{any_one.arguments} -d hw:USB\n"
    assert "interfaces are plugged in" not in any_one.said.read_text()


@pytest.mark.parametrize(
    ("first", "second", "used"),
    [
        (("A", "1235:8210", "1-1.1"), ("B", "0d8c:0014", "1-1.2"), "B"),
        (("A", NAMED, "1-1.3"), ("B", NAMED, "1-1.2"), "B"),
        (("A", NAMED, "1-1.2"), ("B", NAMED, "1-1.3"), "A"),
    ],
)
def test_of_two_the_first_by_id_and_port_is_taken_whatever_their_numbers(
    any_one: Machine, first: tuple[str, str, str], second: tuple[str, str, str], used: str
) -> None:
    any_one.plug(0, *first)
    any_one.plug(1, *second)
    any_one.start()
    assert any_one.jackd().endswith(f" -d hw:{used}\n")
    assert any_one.said.read_text().splitlines()[0] == (
        "2 USB audio interfaces are plugged in (any): the first by id and port is used; to choose another, name its "
        "vendor and product as usb = {...} in the profile of the HAT"
    )


def test_an_interface_whose_devices_may_not_be_opened_yet_is_waited_for(any_one: Machine) -> None:
    any_one.plug(0, "USB", NAMED)
    device = any_one.folder / "dev/snd/pcmC0D0p"
    device.unlink()
    any_one.start()
    any_one.wait(lambda: "waiting" in any_one.said.read_text())
    device.touch()
    assert any_one.jackd() == f"{any_one.arguments} -d hw:USB\n"


def test_a_pulled_plug_ends_jackd_and_the_interface_is_found_again_elsewhere(any_one: Machine) -> None:
    any_one.plug(1, "USB", NAMED, port="1-1.2")
    any_one.start()
    any_one.jackd()
    any_one.pull(1)
    any_one.wait(any_one.killed)
    any_one.end()
    any_one.log.write_text("")
    any_one.start()
    any_one.plug(3, "USB_1", NAMED, port="1-1.4", bus="001/007")
    assert any_one.jackd() == f"{any_one.arguments} -d hw:USB_1\n"
    assert "the USB audio interface is unplugged" in any_one.said.read_text()


def test_one_that_was_pulled_and_put_back_between_two_looks_is_noticed(any_one: Machine) -> None:
    any_one.plug(1, "USB", NAMED)
    any_one.start()
    any_one.jackd()
    (any_one.folder / "proc/asound/card1/usbbus").write_text("001/003\n")
    any_one.wait(any_one.killed)


def test_another_card_that_comes_or_goes_disturbs_nothing(any_one: Machine) -> None:
    any_one.plug(1, "USB", NAMED)
    any_one.start()
    any_one.jackd()
    any_one.plug(0, "Webcam", "046d:0825", pcms="c")
    any_one.pull(0)
    any_one.plug(2, "Headset", "0d8c:0014")
    any_one.wait((any_one.folder / "looks").exists)
    so_far = any_one.looks()
    any_one.wait(lambda: any_one.looks() >= so_far + 5)
    assert not any_one.killed()


def test_the_process_that_systemd_started_becomes_jackd(any_one: Machine) -> None:
    """Whose end systemd sees, and whose command line doctor reads."""
    any_one.plug(1, "USB", NAMED)
    any_one.start()
    any_one.jackd()
    assert any_one.process is not None
    words = Path(f"/proc/{any_one.process.pid}/cmdline").read_bytes().split(b"\0")
    assert str(any_one.folder / "jackd").encode() in words
