from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.system.doctor.checks.check_realtime import (
    check_core,
    check_interrupts,
    check_kernel,
    check_memory,
    check_real_time,
)
from nampedal.firmware.system.doctor.context import JACK, PLAYER
from support.rigs.sick_pedal import JACK_ARGUMENTS, JACKD, LIMITS, NAMPEDAL, Patient, look, make_image

INSTALL = "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"


# ---- real time ----


def test_threads_that_come_first_are_told(pedal: Patient) -> None:
    assert look(pedal, check_real_time) == ("ok", "priorities: jackd 70, nampedal 65", "")


@pytest.mark.parametrize(("pid", "tid", "who"), [(JACKD, JACKD + 2, "jackd"), (NAMPEDAL, NAMPEDAL + 4, "nampedal")])
def test_a_sound_without_a_real_time_thread_is_wrong(pedal: Patient, pid: int, tid: int, who: str) -> None:
    pedal.thread(pid, tid, 0, 0)
    pedal.put(f"/proc/{pid}/limits", LIMITS.replace("95  ", "0   "))
    assert look(pedal, check_real_time) == ("wrong", f"{who} has no real-time thread (its rtprio limit: 0)", INSTALL)


def test_jackd_that_is_told_to_do_without_is_wrong(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_JACK="-r -d alsa -d hw:Zero")
    assert look(pedal, check_real_time) == (
        "wrong",
        "/etc/nampedal/pedal.env has jackd do without real time (-r)",
        INSTALL,
    )
    pedal.set(NAMPEDAL_JACK="-r -d dummy")
    assert look(pedal, check_real_time) == (
        "not applicable",
        "jackd is told to use no card, and to do without real time (-r)",
        "",
    )


def test_what_does_not_run_has_no_threads(pedal: Patient) -> None:
    pedal.units[PLAYER]["MainPID"] = "0"
    assert look(pedal, check_real_time) == ("unknown", "nampedal does not run", "")
    pedal.units[PLAYER]["MainPID"] = "9999"
    assert look(pedal, check_real_time) == ("unknown", "the threads of process 9999 can't be looked at", "")


# ---- locked memory ----


def test_memory_that_is_locked_is_told(pedal: Patient) -> None:
    assert look(pedal, check_memory) == ("ok", "12 MiB of jackd's", "")


def test_memory_that_could_not_be_locked_is_wrong(pedal: Patient) -> None:
    pedal.put(f"/proc/{JACKD}/status", "Name:\tjackd\nVmLck:\t       0 kB\n")
    pedal.put(f"/proc/{JACKD}/limits", LIMITS.replace("unlimited", "65536"))
    assert look(pedal, check_memory) == (
        "wrong",
        "jackd could lock no memory (its memlock limit: 65536 bytes)",
        INSTALL,
    )


def test_locked_memory_that_nobody_tells_of_is_unknown(pedal: Patient) -> None:
    pedal.put(f"/proc/{JACKD}/status", "Name:\tjackd\n")
    assert look(pedal, check_memory) == ("unknown", "nobody tells what memory jackd locked", "")
    pedal.set(NAMPEDAL_JACK=JACK_ARGUMENTS.replace("-R", "-m"))
    assert look(pedal, check_memory) == ("not applicable", "jackd is told not to lock its memory", "")
    pedal.set()
    pedal.units[JACK]["MainPID"] = "0"
    assert look(pedal, check_memory) == ("unknown", "nampedal-jack does not run", "")


# ---- interrupts ----


def test_interrupts_that_are_no_threads_need_no_priority(pedal: Patient) -> None:
    assert look(pedal, check_interrupts) == ("not applicable", "in this kernel interrupts are no threads", "")


@pytest.mark.parametrize(
    "name", ["irq/27-DMA IRQ", "irq/120-dw_axi_dmac_platform", "irq/55-snd_hda_intel:card0", "irq/56-3f203000.i2s"]
)
def test_the_sounds_interrupts_come_before_jackd(pedal: Patient, name: str) -> None:
    pedal.put("/proc/cmdline", "root=/dev/mmcblk0p2 threadirqs quiet")
    pedal.interrupt(name, 1, 90)
    assert look(pedal, check_interrupts) == ("ok", f"{name} has priority 90, jackd 70", "")
    pedal.interrupt(name, 1, 50)
    assert look(pedal, check_interrupts) == (
        "wrong",
        f"{name} has priority 50, and jackd, which waits for it, has 70",
        "run 'sudo systemctl restart nampedal-tune'",
    )


@pytest.mark.parametrize("name", ["irq/31-mmc0", "irq/40-xhci_hcd:usb1"])
def test_interrupts_of_others_are_not_the_sounds(pedal: Patient, name: str) -> None:
    pedal.put("/proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 6.12.90-1")
    pedal.interrupt(name, 1, 50)
    assert look(pedal, check_interrupts) == (
        "unknown",
        "none of this machine's interrupts is known to be a sound card's",
        "",
    )


def test_a_usb_cards_interrupts_are_its_hosts(pedal: Patient) -> None:
    pedal.put("/proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 6.12.90-1")
    pedal.put("/proc/asound/Zero/usbid", "1234:5678")
    pedal.interrupt("irq/40-xhci_hcd:usb1", 1, 90)
    assert look(pedal, check_interrupts)[1] == "irq/40-xhci_hcd:usb1 has priority 90, jackd 70"


# ---- the core ----


def test_a_core_that_is_set_aside_is_told(pedal: Patient) -> None:
    assert look(pedal, check_core) == ("ok", "the sound has core 3 for itself", "")


def test_a_board_without_a_core_to_spare_needs_none(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_AUDIO_CPU=None)
    assert look(pedal, check_core) == ("not applicable", "no core of this board is set aside for the sound", "")


def test_a_core_that_others_use_is_wrong(pedal: Patient, tmp_path: Path) -> None:
    pedal.put("/sys/devices/system/cpu/isolated", "\n")
    found = "core 3 is not set aside for the sound (isolated: none)"
    assert look(pedal, check_core) == ("wrong", found, f"{INSTALL}: it puts isolcpus= into cmdline.txt")
    image = make_image(tmp_path / "image")
    image.put("/sys/devices/system/cpu/isolated", "1-2\n")
    assert look(image, check_core) == (
        "wrong",
        "core 3 is not set aside for the sound (isolated: 1-2)",
        "run 'sudo nampedal update IMAGE' with a new image for the pedal 'zero-2-w-codec-zero'",
    )


def test_a_sound_on_other_cores_is_wrong(pedal: Patient) -> None:
    pedal.thread(NAMPEDAL, NAMPEDAL + 4, 1, 65, "0-2")
    assert look(pedal, check_core) == (
        "wrong",
        "the sound may run on cores 0, 1, 2, and core 3 is set aside for it",
        "run 'sudo systemctl restart nampedal'; if it stays so, read 'journalctl -b -u nampedal'",
    )


def test_a_sound_without_a_real_time_thread_is_on_no_core(pedal: Patient) -> None:
    pedal.thread(NAMPEDAL, NAMPEDAL + 4, 0, 0, "0-2")
    assert look(pedal, check_core) == (
        "unknown",
        "core 3 is set aside; nampedal has no audio thread that could be looked at",
        "",
    )


def test_a_core_that_the_machine_lacks_is_unknown(pedal: Patient) -> None:
    pedal.set(NAMPEDAL_AUDIO_CPU="5")
    assert look(pedal, check_core) == (
        "unknown",
        "this machine has no core 5, which /etc/nampedal/pedal.env sets aside for the sound",
        "",
    )


def test_a_kernel_that_tells_of_no_cores_leaves_it_unknown(pedal: Patient) -> None:
    pedal.real(Path("/sys/devices/system/cpu/isolated")).unlink()
    assert look(pedal, check_core) == ("unknown", "/sys/devices/system/cpu/isolated is not there", "")


# ---- the kernel ----


def test_a_kernel_without_real_time_is_no_fault(pedal: Patient) -> None:
    assert look(pedal, check_kernel) == (
        "ok",
        "6.12.25+rpt-rpi-v8; there is no real-time one on the card, which matters only if the sound has gaps",
        "",
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [("/proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 6.12.90-1\n"), ("/sys/kernel/realtime", "1\n")],
)
def test_a_real_time_kernel_is_told(pedal: Patient, path: str, text: str) -> None:
    pedal.put(path, text)
    assert look(pedal, check_kernel) == ("ok", "6.12.25+rpt-rpi-v8, a real-time one", "")


@pytest.mark.parametrize("name", ["kernel8_rt.img", "vmlinuz-6.12.0-rt-arm64"])
def test_a_real_time_kernel_that_lies_idle_is_wrong(pedal: Patient, name: str) -> None:
    pedal.put(f"/boot/firmware/{name}", "")
    pedal.put("/boot/firmware/kernel8.img", "")
    assert look(pedal, check_kernel) == (
        "wrong",
        f"6.12.25+rpt-rpi-v8 runs, and the real-time kernel {name} beside it does not",
        f"write 'kernel={name}' at the end of /boot/firmware/config.txt, below a line [all], then 'sudo reboot'",
    )


def test_an_images_kernels_are_those_of_the_system_that_runs(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    image.put("/boot/firmware/B/kernel8_rt.img", "")
    assert look(image, check_kernel)[0] == "ok"
    image.put("/boot/firmware/A/kernel8_rt.img", "")
    assert look(image, check_kernel)[0] == "wrong"


def test_a_kernel_that_does_not_tell_its_name_is_unknown(pedal: Patient) -> None:
    pedal.real(Path("/proc/sys/kernel/osrelease")).unlink()
    assert look(pedal, check_kernel) == ("unknown", "/proc/sys/kernel/osrelease is not there", "")
