"""How the pedal sounds: jackd's arguments, the mixer of the HAT, and what makes Linux keep time."""

from __future__ import annotations

import shlex
from importlib import resources

from nampedal.board import places
from nampedal.board.install.boot import audio_core, other_cores
from nampedal.board.install.target import Target
from nampedal.board.pedals import Pedal

SAMPLE_RATE_HZ = 48_000
# JACK's ports at most: those of a HAT and ours, or those of a large USB interface.
_PORTS, _MANY_PORTS = 64, 256
_FEW_CHANNELS = 32
# Above the audio (70), so that a period is told before it is worked on; rtirq's order of what matters.
_IRQ_PRIORITY = 90
# Names of threads of interrupts: the card's own, the DMA that feeds it (RP1's on a Raspberry Pi 5, the older one on all
# others), and USB's. Linux cuts them off after 15 characters.
_IRQ_THREADS = ("snd", "dw_axi_dmac", "DMA IRQ", "bcm2835-i2s", "xhci", "dwc_otg")


def jack_arguments(pedal: Pedal) -> list[str]:
    """Of jackd, for the HAT or the USB interface, at the board's period if it has none of its own.

    The card of a USB interface is not among them: jack.sh adds it at the end.
    -t: clients are not dropped within two seconds.  --port-max: each port takes 50 kB, locked.  -X seq: it is told when
    MIDI is plugged in; raw looks for it every two seconds, at the sound card too, with threads above the audio's
    (jackaudio/jack2, linux/alsa/alsa_rawmidi.c and alsa_seqmidi.c at 00b166e).
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
        # Without a number jackd opens all that there are.
        words += [option, fact.value] if fact is not None else []
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
        # The one that is not used is empty, so that another pedal's file can take its place.
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
    """Starts jackd, on every pedal alike."""
    return (resources.files("nampedal.board.install") / "jack.sh").read_text(encoding="utf-8")


def mixer_script(pedal: Pedal) -> str:
    """Sets the HAT's mixer. What fails is told at the end, when all has been tried."""
    # The card of a USB interface is found at run time; jack.sh says which it is.
    card = '"hw:$NAMPEDAL_CARD"' if pedal.hat.card is None else shlex.quote(f"hw:{pedal.hat.card}")
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
