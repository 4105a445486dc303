"""What a pedal has in config.txt and cmdline.txt."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from nampedal.board.profiles.pedals import PedalProfile, parse_pedal, read_pedal
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.system.install.boot_config import audio_core, cmdline_words, config_block, console_words
from nampedal.firmware.system.install.plan import plan
from nampedal.firmware.system.install.steps.step_types import Block, Words
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.system_maker import write

HEAD = ["[all]", "dtoverlay="]
QUIET = ["dtparam=audio=off", "camera_auto_detect=0", "display_auto_detect=0"]


def pedal_of(board: str = "4b-1.8ghz", hat: str = "audioinjector-stereo", **tables: Mapping[str, Any]) -> PedalProfile:
    return parse_pedal(to_toml({"name": "a pedal", "board": board, "hat": hat, **tables}), Path("mine.toml"))


def with_port(port: str, board: str = "4b-1.8ghz") -> PedalProfile:
    return pedal_of(board, serial={"port": port, "switches": {"1": 0}})


def test_a_hat_gets_its_overlay_and_the_rest_is_off(target: InstallTarget) -> None:
    assert config_block(pedal_of(), target) == [*HEAD, *QUIET, "dtoverlay=audioinjector-wm8731-audio"]


@pytest.mark.parametrize(("board", "there"), [("zero-2-w", True), ("3b-plus", True), ("4b-1.8ghz", True), ("5", False)])
def test_sound_of_the_boards_own_is_off_where_it_has_some(target: InstallTarget, board: str, there: bool) -> None:
    assert ("dtparam=audio=off" in config_block(pedal_of(board), target)) is there


def test_an_eeprom_is_not_heard(target: InstallTarget) -> None:
    lines = config_block(read_pedal("zero-2-w-codec-zero"), target)
    assert lines == [*HEAD, "force_eeprom_read=0", *QUIET, "dtoverlay=rpi-codeczero"]


def test_parameters_of_an_overlay_go_on_lines_of_their_own_where_one_gets_too_long(target: InstallTarget) -> None:
    pedal = pedal_of()
    long = dataclasses.replace(pedal.hat, overlay_parameters=("slave", f"name={'x' * 60}"))
    short = dataclasses.replace(pedal.hat, overlay_parameters=("slave", "reset_gpio=5"))
    assert config_block(dataclasses.replace(pedal, hat=short), target)[-1] == (
        "dtoverlay=audioinjector-wm8731-audio,slave,reset_gpio=5"
    )
    assert config_block(dataclasses.replace(pedal, hat=long), target)[-3:] == [
        *("dtoverlay=audioinjector-wm8731-audio", "dtparam=slave", f"dtparam=name={'x' * 60}")
    ]


def test_spi_is_on_where_something_is_wired_to_it(target: InstallTarget) -> None:
    knobs = {"bus": 0, "device": 0, "knobs": {"gain": 0}}
    assert "dtparam=spi=on" in config_block(pedal_of(mcp3008=knobs), target)
    lines = config_block(pedal_of(mcp3008={**knobs, "bus": 3, "device": 1}), target)
    assert lines[lines.index("dtoverlay=spi3-2cs") + 1] == "dtoverlay="
    assert not [line for line in config_block(pedal_of(), target) if "spi" in line]


@pytest.mark.parametrize(
    ("board", "line"), [("zero-2-w", "core_freq_min=400"), ("4b-1.5ghz", "core_freq_min=500"), ("5", None)]
)
def test_the_clock_of_a_strip_stays_as_it_is(target: InstallTarget, board: str, line: str | None) -> None:
    lines = config_block(pedal_of(board, strip={"bus": 0, "device": 0, "lights": {"1": 0}}), target)
    assert [one for one in lines if one.startswith("core_freq")] == ([line] if line else [])


@pytest.mark.parametrize(
    ("port", "board", "radio", "lines"),
    [
        ("/dev/serial0", "4b-1.8ghz", True, ["enable_uart=1", "dtoverlay=miniuart-bt", "dtoverlay="]),
        ("/dev/ttyAMA0", "zero-2-w", True, ["enable_uart=1", "dtoverlay=miniuart-bt", "dtoverlay="]),
        ("/dev/ttyS0", "zero-2-w", True, ["enable_uart=1"]),
        ("/dev/ttyAMA0", "5", True, ["dtparam=uart0=on"]),
        ("/dev/ttyACM0", "5", True, []),
        (
            *("/dev/serial0", "4b-1.8ghz", False),
            ["enable_uart=1", "dtoverlay=disable-wifi", "dtoverlay=disable-bt", "dtoverlay="],
        ),
    ],
)
def test_a_serial_port_on_the_pins_is_there(
    target: InstallTarget, port: str, board: str, radio: bool, lines: list[str]
) -> None:
    block = config_block(with_port(port, board), dataclasses.replace(target, radio=radio))
    quiet = QUIET[1:] if board == "5" else QUIET
    assert block == [*HEAD, *quiet, *lines, "dtoverlay=audioinjector-wm8731-audio"]


def test_a_port_that_is_not_on_the_pins_is_a_mistake(target: InstallTarget) -> None:
    with pytest.raises(DeployError) as error:
        config_block(with_port("/dev/serial0", "5"), target)
    assert str(error.value) == (
        "pedal 'mine': serial.port: is /dev/serial0, which a Raspberry Pi 5 does not have on GPIO 14 and 15; "
        "/dev/ttyAMA0 is there"
    )
    with pytest.raises(DeployError) as error:
        config_block(with_port("/dev/ttyS0"), dataclasses.replace(target, radio=False))
    assert str(error.value) == (
        "pedal 'mine': serial.port: is /dev/ttyS0, which is not on the pins while the radio is off; name /dev/serial0, "
        "or leave the radio on"
    )


def test_the_real_time_kernel_is_started_where_it_is_and_where_that_is_the_installers_affair(
    target: InstallTarget,
) -> None:
    assert "kernel=kernel8_rt.img" not in config_block(pedal_of(), target)
    write(target.root / "boot/firmware/kernel8_rt.img", "")
    assert "kernel=kernel8_rt.img" in config_block(pedal_of(), target)
    assert "kernel=kernel8_rt.img" not in config_block(pedal_of(), dataclasses.replace(target, image=True))


def test_a_core_is_kept_for_the_sound_where_there_are_four(target: InstallTarget) -> None:
    pedal = pedal_of()
    words = cmdline_words(pedal, target)
    assert words == [
        *("cpufreq.default_governor=performance", "transparent_hugepage=never", "fsck.repair=yes", "threadirqs"),
        *("isolcpus=domain,managed_irq,3", "irqaffinity=0-2", "nohz_full=3", "rcu_nocbs=3"),
    ]
    two = dataclasses.replace(pedal.board, cores=dataclasses.replace(pedal.board.cores, value=2))
    small = dataclasses.replace(pedal, board=two)
    assert cmdline_words(small, target) == words[:4]
    assert (audio_core(pedal), audio_core(small)) == (3, None)


def test_interrupts_are_no_threads_where_usb_does_not_bear_it(target: InstallTarget) -> None:
    assert "threadirqs" not in cmdline_words(pedal_of("zero-2-w"), target)


def test_there_is_no_console_where_the_controls_are() -> None:
    assert console_words(with_port("/dev/ttyACM0")) == []
    assert console_words(with_port("/dev/ttyAMA0")) == ["console=serial0", "console=ttyAMA0"]
    assert console_words(with_port("/dev/serial0")) == ["console=serial0", "console=ttyAMA0", "console=ttyS0"]


def test_boot_files_come_last_and_an_image_has_its_own(target: InstallTarget) -> None:
    assert [type(step) for step in plan("pi-4-dac-adc", target)[-2:]] == [Block, Words]
    image = plan("pi-4-dac-adc", dataclasses.replace(target, image=True))
    assert not [step for step in image if isinstance(step, Block | Words)]


def test_without_boot_files_debian_is_installed_on_and_raspberry_pi_os_is_not(target: InstallTarget) -> None:
    (target.root / "boot/firmware/cmdline.txt").unlink()
    with pytest.raises(DeployError) as error:
        plan("pi-4-dac-adc", target)
    assert str(error.value) == (
        f"{target.root}: has no /boot/firmware/config.txt and /boot/firmware/cmdline.txt, as Raspberry Pi OS since "
        "bookworm has; install on one of these, or as an image"
    )
    steps = plan("pi-4-dac-adc", dataclasses.replace(target, base="debian"))
    assert not [step for step in steps if isinstance(step, Block | Words)]
