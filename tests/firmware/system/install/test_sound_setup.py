"""jackd's arguments, and the scripts for mixer and kernel."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest
from nampedal.board.profiles.hats import hat_keys, read_hat
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.board.profiles.profile_files import Fact
from nampedal.firmware.system.install.sound_setup import jack_arguments, mixer_script, pedal_env, tune_script
from nampedal.firmware.system.install.steps.target import InstallTarget


@pytest.fixture
def pedal() -> PedalProfile:
    return read_pedal("pi-4-dac-adc")


def test_jackd_is_told_of_the_hat_at_the_boards_period(pedal: PedalProfile) -> None:
    assert " ".join(jack_arguments(pedal)) == (
        "-R -P 70 -t 2000 --port-max 64 -d alsa -d hw:sndrpihifiberry -r 48000 -p 64 -n 2 -i 2 -o 2 -X seq"
    )


def test_a_hats_own_period_counts_more_and_jack_knows_its_own_number_of_them(pedal: PedalProfile) -> None:
    hat = dataclasses.replace(pedal.hat, period_frames=Fact(256, "chosen", "here"), periods=None)
    words = jack_arguments(dataclasses.replace(pedal, hat=hat))
    assert words[words.index("-p") + 1] == "256"
    assert "-n" not in words


def test_midi_that_nobody_hears_is_not_looked_for(pedal: PedalProfile) -> None:
    deaf = dataclasses.replace(pedal, wiring=dataclasses.replace(pedal.wiring, midi_channel=None))
    assert "-X" not in jack_arguments(deaf)


def test_the_settings_are_what_units_read(pedal: PedalProfile, target: InstallTarget) -> None:
    lines = pedal_env(pedal, target).splitlines()
    assert lines[1] == "NAMPEDAL_PEDAL=pi-4-dac-adc"
    assert lines[2] == f"NAMPEDAL_JACK={' '.join(jack_arguments(pedal))}"
    assert lines[3:] == [
        *("NAMPEDAL_CARD=sndrpihifiberry", "NAMPEDAL_USB=", "NAMPEDAL_INPUT=system:capture_1"),
        *("NAMPEDAL_AUDIO_CPU=3", "NAMPEDAL_BASE=raspios", "NAMPEDAL_RADIO=on"),
    ]
    image = dataclasses.replace(target, image=True, base="debian")
    assert pedal_env(pedal, image).endswith("NAMPEDAL_BASE=debian\nNAMPEDAL_RADIO=on\nNAMPEDAL_IMAGE=1\n")


def test_no_core_is_named_where_none_is_kept(pedal: PedalProfile, target: InstallTarget) -> None:
    two = dataclasses.replace(pedal.board, cores=Fact(2, "stated", "here"))
    assert "NAMPEDAL_AUDIO_CPU" not in pedal_env(dataclasses.replace(pedal, board=two), target)


# What jack.sh found, of a USB interface.
CARD = "Interface"


def run_mixer(script: str, folder: Path, code: int = 0) -> tuple[int, list[list[str]]]:
    """The exit code, and what amixer was given, call by call."""
    amixer, log = folder / "amixer", folder / "log"
    amixer.write_text(
        f'#!/bin/sh\nfor word in "$@"; do printf "%s|" "$word"; done >>{log}\necho >>{log}\nexit {code}\n'
    )
    amixer.chmod(0o755)
    log.write_text("")
    path = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", script], check=False, env={"PATH": path, "NAMPEDAL_CARD": CARD})
    return done.returncode, [line.rstrip("|").split("|") for line in log.read_text().splitlines()]


@pytest.mark.parametrize("key", hat_keys())
def test_the_mixer_gets_every_setting_of_every_hat_as_it_stands(pedal: PedalProfile, tmp_path: Path, key: str) -> None:
    hat = read_hat(key)
    code, calls = run_mixer(mixer_script(dataclasses.replace(pedal, hat=hat)), tmp_path)
    assert code == 0
    assert calls == [["-q", "-D", f"hw:{hat.card or CARD}", "--", "sset", *setting] for setting in hat.mixer]


def test_what_a_shell_would_take_for_its_own_reaches_the_mixer(pedal: PedalProfile, tmp_path: Path) -> None:
    settings = (("$HOME `id`", 'it\'s \\ "so"; exit 3', "*"),)
    code, calls = run_mixer(
        mixer_script(dataclasses.replace(pedal, hat=dataclasses.replace(pedal.hat, mixer=settings))), tmp_path
    )
    assert (code, calls) == (0, [["-q", "-D", "hw:sndrpihifiberry", "--", "sset", *settings[0]]])


def test_a_setting_that_fails_is_told_when_all_have_been_tried(pedal: PedalProfile, tmp_path: Path) -> None:
    code, calls = run_mixer(mixer_script(pedal), tmp_path, code=1)
    assert code == 1
    assert len(calls) == len(pedal.hat.mixer)


def tuned(pedal: PedalProfile, folder: Path) -> list[str]:
    """Runs the script on a made-up /proc and /sys; what chrt was given."""
    chrt, log = folder / "chrt", folder / "log"
    chrt.write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
    chrt.chmod(0o755)
    log.write_text("")
    script = tune_script(pedal).replace("/proc/", f"{folder}/proc/").replace("/sys/", f"{folder}/sys/")
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", script], check=True, env=env, capture_output=True)
    return log.read_text().splitlines()


def test_interrupts_of_the_sound_come_first_and_leave_its_core(pedal: PedalProfile, tmp_path: Path) -> None:
    names = {12: "irq/35-DMA IRQ", 13: "irq/80-dw_axi_dmac", 14: "irq/9-mmc0", 15: "jackd", 16: "irq/7-s-snd_soc"}
    for number, name in names.items():
        (tmp_path / "proc" / str(number)).mkdir(parents=True)
        (tmp_path / "proc" / str(number) / "comm").write_text(f"{name}\n")
    affinity = tmp_path / "proc/irq/35/smp_affinity_list"
    governor = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    workers = tmp_path / "sys/devices/virtual/workqueue/cpumask"
    for path in (affinity, governor, workers):
        path.parent.mkdir(parents=True)
        path.write_text("before\n")
    assert sorted(tuned(pedal, tmp_path)) == ["-f -p 90 12", "-f -p 90 13", "-f -p 90 16"]
    assert affinity.read_text() == "0-2\n"
    assert governor.read_text() == "performance\n"
    assert workers.read_text() == "7\n"


def test_what_a_machine_does_not_have_is_not_missed(pedal: PedalProfile, tmp_path: Path) -> None:
    assert tuned(pedal, tmp_path) == []


def test_interrupts_stay_where_they_are_without_a_core_of_its_own(pedal: PedalProfile) -> None:
    two = dataclasses.replace(pedal.board, cores=Fact(2, "stated", "here"))
    assert "smp_affinity" not in tune_script(dataclasses.replace(pedal, board=two))
