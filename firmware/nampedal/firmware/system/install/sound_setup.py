"""Generates the audio setup: jackd's arguments, pedal.env, and the scripts for the mixer and for real-time tuning."""

from __future__ import annotations

import shlex
from importlib import resources

from nampedal.board.profiles.pedals import PedalProfile
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.install.boot_config import audio_core, other_cores
from nampedal.firmware.system.install.steps.target import InstallTarget

SAMPLE_RATE_HZ = 48_000
# Maximum number of JACK ports: enough for a HAT and nampedal itself, or for a large USB interface.
_PORTS, _MANY_PORTS = 64, 256
_FEW_CHANNELS = 32
# Higher than the audio threads (70), so that the interrupt of a period is handled before the period is processed; rtirq
# uses the same order.
_IRQ_PRIORITY = 90
# Names of interrupt threads: the sound card's, its DMA controller's (RP1's on a Raspberry Pi 5, the older one on all
# other boards), and USB's. Linux cuts thread names off after 15 characters.
_IRQ_THREADS = ("snd", "dw_axi_dmac", "DMA IRQ", "bcm2835-i2s", "xhci", "dwc_otg")


def jack_arguments(pedal: PedalProfile) -> list[str]:
    """Return jackd's arguments for the pedal's HAT or USB interface.

    The period is the HAT's, or the board's if the HAT has none. The card of a USB interface is not included: jack.sh
    appends it.
    -t: timeout in ms; no client is dropped for being late by less than two seconds.
    --port-max: each port takes 50 kB of locked memory.
    -X seq: the ALSA sequencer announces MIDI devices that are plugged in. The raw driver would look for them every two
    seconds, at the sound card too, with threads above the audio's priority (jackaudio/jack2, linux/alsa/alsa_rawmidi.c
    and alsa_seqmidi.c at 00b166e).
    """
    hat = pedal.hat
    period = hat.period_frames or pedal.board.period_frames
    channels = [fact.value for fact in (hat.input_channels, hat.output_channels) if fact is not None]
    few = len(channels) == 2 and sum(channels) <= _FEW_CHANNELS
    words = ["-R", "-P", 70, "-t", 2000, "--port-max", _PORTS if few else _MANY_PORTS, "-d", "alsa"]
    if hat.card is not None:
        words += ["-d", f"hw:{hat.card}"]
    words += ["-r", SAMPLE_RATE_HZ, "-p", period.value]
    if hat.periods is not None:
        words += ["-n", hat.periods.value]
    for option, fact in (("-i", hat.input_channels), ("-o", hat.output_channels)):
        # Without this option jackd opens all channels.
        words += [option, fact.value] if fact is not None else []
    if pedal.wiring.midi_channel is not None:
        words += ["-X", "seq"]
    return [str(word) for word in words]


def pedal_env(pedal: PedalProfile, target: InstallTarget) -> str:
    """Return the text of system_paths.SETTINGS.

    systemd reads it as an EnvironmentFile= (systemd.exec(5)): a value ends at the end of its line.
    """
    core = audio_core(pedal)
    lines = [
        "# Written by nampedal install; systemd's units read it.",
        f"NAMPEDAL_PEDAL={pedal.key}",
        f"NAMPEDAL_JACK={' '.join(jack_arguments(pedal))}",
        # The unused one of the two is written as empty, so that the settings file of another pedal can override it.
        f"NAMPEDAL_CARD={pedal.hat.card or ''}",
        f"NAMPEDAL_USB={pedal.hat.usb or ''}",
        f"NAMPEDAL_INPUT={pedal.jack_inputs(1)[0]}",
    ]
    lines += [f"NAMPEDAL_AUDIO_CPU={core}"] if core is not None else []
    lines += [f"NAMPEDAL_BASE={target.base}"]
    lines += [f"NAMPEDAL_RADIO={'on' if target.radio else 'off'}"]
    lines += ["NAMPEDAL_IMAGE=1"] if target.image else []
    return _text(lines)


def jack_script() -> str:
    """Return the shell script that starts jackd; it is the same on every pedal."""
    return (resources.files("nampedal.firmware.system.install") / "jack.sh").read_text(encoding="utf-8")


def mixer_script(pedal: PedalProfile) -> str:
    """Return the shell script that sets the HAT's mixer.

    The script tries all settings; its exit code tells if one of them failed.
    """
    # The card of a USB interface is found at run time: jack.sh passes it in NAMPEDAL_CARD.
    card = '"hw:$NAMPEDAL_CARD"' if pedal.hat.card is None else shlex.quote(f"hw:{pedal.hat.card}")
    lines = [
        "#!/bin/sh",
        f"# The mixer of {pedal.hat.name}; written by nampedal install.",
        "# A pedal or a HAT that nampedal.toml names has its own.",
        f"own={system_paths.CARD_RUN}/mixer",
        '[ "$0" != "$own" ] && [ -e "$own" ] && exec sh "$own"',
        "failed=0",
        "",
        "set_control() {",
        f'    amixer -q -D {card} -- sset "$@" || failed=1',
        "}",
        "",
    ]
    lines += [f"set_control {shlex.join(setting)}" for setting in pedal.hat.mixer]
    return _text([*lines, 'exit "$failed"'])


def tune_script(pedal: PedalProfile) -> str:
    """Return the shell script that tunes the kernel for audio; it skips what the machine does not have.

    It sets the performance governor, raises the priority of the audio's interrupt threads, and moves interrupts and
    kernel workers off the audio core.
    """
    names = "|".join(f"*{name}*" if " " not in name else f'*"{name}"*' for name in _IRQ_THREADS)
    lines = [
        "#!/bin/sh",
        "# What the sound needs of the kernel; written by nampedal install. What a machine does not have is left out.",
        "for governor in /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do",
        '    [ -w "$governor" ] && echo performance 2>/dev/null >"$governor"',
        "done",
        "",
        "for thread in /proc/[0-9]*; do",
        '    read -r name 2>/dev/null <"$thread/comm" || continue',
        '    case "$name" in',
        f'        irq/*) case "${{name#*-}}" in {names}) chrt -f -p {_IRQ_PRIORITY} "${{thread#/proc/}}" ;; esac ;;',
        "    esac",
        "done",
    ]
    core = audio_core(pedal)
    if core is not None:
        lines += [
            "",
            "# Interrupts that belong to one core can't be moved, and say so.",
            "for affinity in /proc/irq/[0-9]*/smp_affinity_list; do",
            f'    [ -w "$affinity" ] && echo {other_cores(pedal)} 2>/dev/null >"$affinity"',
            "done",
            "workers=/sys/devices/virtual/workqueue/cpumask",
            f'[ -w "$workers" ] && echo {(1 << core) - 1:x} 2>/dev/null >"$workers"',
        ]
    return _text([*lines, "exit 0"])


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
