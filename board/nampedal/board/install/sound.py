"""How the pedal sounds: jackd's arguments, the mixer of the HAT, and what makes Linux keep time."""

from __future__ import annotations

import shlex

from nampedal.board import places
from nampedal.board.install.boot import audio_core, other_cores
from nampedal.board.install.target import Target
from nampedal.board.pedals import Pedal

SAMPLE_RATE_HZ = 48_000
# Above the audio (70), so that a period is told before it is worked on; rtirq's order of what matters.
_IRQ_PRIORITY = 90
# Names of threads of interrupts: the card's own, the DMA that feeds it (RP1's on a Raspberry Pi 5, the older one on all
# others), and USB's. Linux cuts them off after 15 characters.
_IRQ_THREADS = ("snd", "dw_axi_dmac", "DMA IRQ", "bcm2835-i2s", "xhci", "dwc_otg")


def jack_arguments(pedal: Pedal) -> list[str]:
    """Of jackd, for the HAT at the board's period, if it has none of its own.

    -t: clients are not dropped within two seconds.  --port-max: each port takes 50 kB, locked.  -X seq: it is told when
    MIDI is plugged in; raw looks for it every two seconds, at the sound card too, with threads above the audio's
    (jackaudio/jack2, linux/alsa/alsa_rawmidi.c and alsa_seqmidi.c at 00b166e).
    """
    hat = pedal.hat
    period = hat.period_frames or pedal.board.period_frames
    words = ["-R", "-P", 70, "-t", 2000, "--port-max", 64, "-d", "alsa", "-d", f"hw:{hat.card}", "-r", SAMPLE_RATE_HZ]
    words += ["-p", period.value]
    if hat.periods is not None:
        words += ["-n", hat.periods.value]
    words += ["-i", hat.input_channels.value, "-o", hat.output_channels.value]
    if pedal.wiring.midi_channel is not None:
        words += ["-X", "seq"]
    return [str(word) for word in words]


def pedal_env(pedal: Pedal, target: Target) -> str:
    """places.SETTINGS, as systemd reads it (EnvironmentFile= in systemd.exec(5)): a value goes to the line's end."""
    core = audio_core(pedal)
    lines = [
        "# Written by nampedal install; systemd's units read it.",
        f"NAMPEDAL_PEDAL={pedal.key}",
        f"NAMPEDAL_JACK={' '.join(jack_arguments(pedal))}",
        f"NAMPEDAL_CARD={pedal.hat.card}",
        f"NAMPEDAL_INPUT={pedal.jack_inputs(1)[0]}",
    ]
    lines += [f"NAMPEDAL_AUDIO_CPU={core}"] if core is not None else []
    lines += [f"NAMPEDAL_BASE={target.base}"]
    lines += [f"NAMPEDAL_RADIO={'on' if target.radio else 'off'}"]
    lines += ["NAMPEDAL_IMAGE=1"] if target.image else []
    return _text(lines)


def mixer_script(pedal: Pedal) -> str:
    """Sets the HAT's mixer. What fails is told at the end, when all has been tried."""
    card = shlex.quote(f"hw:{pedal.hat.card}")
    lines = [
        "#!/bin/sh",
        f"# The mixer of {pedal.hat.name}; written by nampedal install.",
        "# A pedal or a HAT that nampedal.toml names has its own.",
        f"own={places.CARD_RUN}/mixer",
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


def tune_script(pedal: Pedal) -> str:
    """Full clock, interrupts of the sound first, and none on the core of the sound. What is not there is left."""
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
