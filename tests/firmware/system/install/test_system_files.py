"""The system below a pedal: user, devices, and what is quiet while somebody plays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.firmware.system.install.steps.step_types import Link, Step, Users, WholeFile
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.install.system_files import system_steps
from support.makers.system_maker import write, write_packages


@pytest.fixture
def pedal() -> PedalProfile:
    return read_pedal("pi-4-dac-adc")


def text_of(steps: Sequence[Step], path: str) -> str:
    (found,) = (step.data.decode() for step in steps if isinstance(step, WholeFile) and step.path == Path(path))
    return found


def masked(steps: Sequence[Step]) -> list[str]:
    links = [step for step in steps if isinstance(step, Link)]
    assert {step.to for step in links} <= {Path("/dev/null")}
    return [str(step.path.relative_to("/etc/systemd")) for step in links]


def test_the_user_is_in_the_groups_that_are_there_and_in_those_of_the_pins(
    pedal: PedalProfile, target: InstallTarget
) -> None:
    steps = system_steps(pedal, target)
    assert Users("nampedal", ("audio", "video", "gpio", "i2c", "spi")) in steps
    text = text_of(steps, "/etc/sysusers.d/nampedal.conf")
    assert 'u nampedal - "nampedal" /var/lib/nampedal\n' in text
    assert "m nampedal audio\n" in text
    assert "m nampedal dialout\n" not in text
    assert "g gpio -\n" in text


def test_the_governor_stays_what_the_kernel_made_it(pedal: PedalProfile, target: InstallTarget) -> None:
    text = text_of(system_steps(pedal, target), "/etc/udev/rules.d/60-ondemand-governor.rules")
    assert all(line.startswith("#") for line in text.splitlines())


def test_midi_is_ready_before_jackd_asks_where_it_is_heard(pedal: PedalProfile, target: InstallTarget) -> None:
    assert text_of(system_steps(pedal, target), "/etc/modules-load.d/nampedal.conf").endswith("\nsnd-seq\n")
    assert text_of(system_steps(pedal, target), "/etc/modprobe.d/nampedal.conf").endswith("\nblacklist snd_seq_dummy\n")
    deaf = dataclasses.replace(pedal, wiring=dataclasses.replace(pedal.wiring, midi_channel=None))
    assert not [
        step for step in system_steps(deaf, target) if isinstance(step, WholeFile) and "mod" in step.path.parts[2]
    ]


def test_a_file_system_that_is_plugged_in_is_looked_at(pedal: PedalProfile, target: InstallTarget) -> None:
    text = text_of(system_steps(pedal, target), "/etc/udev/rules.d/99-nampedal.rules")
    assert 'ENV{SYSTEMD_WANTS}+="nampedal-usb@%k.service"' in text
    assert 'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660"\n' in text


def test_pins_belong_to_their_groups_where_the_base_does_not_see_to_that(
    pedal: PedalProfile, target: InstallTarget
) -> None:
    rules = "/etc/udev/rules.d/99-nampedal.rules"
    assert "gpiochip" not in text_of(system_steps(pedal, target), rules)
    assert "gpiochip" in text_of(system_steps(pedal, dataclasses.replace(target, base="debian")), rules)


def test_what_is_there_and_would_write_or_swap_is_masked(pedal: PedalProfile, target: InstallTarget) -> None:
    names = ["system/apt-daily.timer", "system/dphys-swapfile.service", "user/pipewire.socket"]
    assert masked(system_steps(pedal, target)) == names
    write(target.root / "etc/init.d/raspi-config", "#!/bin/sh\n")
    assert "system/raspi-config.service" in masked(system_steps(pedal, target))


def test_masks_do_not_depend_on_what_is_masked_already(pedal: PedalProfile, target: InstallTarget) -> None:
    before = masked(system_steps(pedal, target))
    (target.root / "etc/systemd/system/apt-daily.timer").symlink_to("/dev/null")
    write(target.root / "etc/systemd/system/man-db.timer", "[Unit]\n# of an administrator\n")
    assert masked(system_steps(pedal, target)) == before


def test_without_radio_nobody_waits_for_it(pedal: PedalProfile, target: InstallTarget) -> None:
    write(target.root / "usr/lib/systemd/system/wpa_supplicant.service", "[Unit]\n")
    assert "system/wpa_supplicant.service" not in masked(system_steps(pedal, target))
    assert "system/wpa_supplicant.service" in masked(system_steps(pedal, dataclasses.replace(target, radio=False)))


@pytest.mark.parametrize(
    ("port", "masks"),
    [
        ("/dev/ttyACM0", []),
        ("/dev/ttyAMA0", ["ttyAMA0"]),
        ("/dev/serial0", ["serial0", "ttyAMA0", "ttyS0"]),
    ],
)
def test_nobody_logs_in_where_the_controls_are(target: InstallTarget, port: str, masks: list[str]) -> None:
    pedal = read_pedal("pi-5-serial")
    assert pedal.wiring.serial is not None
    serial = dataclasses.replace(pedal.wiring.serial, port=port)
    pedal = dataclasses.replace(pedal, wiring=dataclasses.replace(pedal.wiring, serial=serial))
    found = [name for name in masked(system_steps(pedal, target)) if "getty" in name]
    assert found == [f"system/serial-getty@{name}.service" for name in masks]


@pytest.mark.parametrize(
    ("package", "path"),
    [
        ("rpi-swap", "/etc/rpi/swap.conf.d/90-nampedal.conf"),
        ("systemd-zram-generator", "/etc/systemd/zram-generator.conf"),
    ],
)
def test_swap_is_off_in_the_way_of_what_makes_it(
    pedal: PedalProfile, target: InstallTarget, package: str, path: str
) -> None:
    assert not [step for step in system_steps(pedal, target) if isinstance(step, WholeFile) and str(step.path) == path]
    write_packages(target.root, [package])
    assert text_of(system_steps(pedal, target), path)
