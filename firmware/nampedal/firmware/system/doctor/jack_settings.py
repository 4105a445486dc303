"""Parses settings that other programs own and the pedal depends on: jackd's arguments, config.txt, CPU lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# The defaults of jackd's server and of its ALSA driver (jackd --help, jackd -d alsa --help, jackd(1)).
DEFAULT_PRIORITY = 10
DEFAULT_RATE_HZ = 48_000
DEFAULT_PERIOD_FRAMES = 1024
DEFAULT_PERIODS = 2

_DRIVER = re.compile(r"(?:^|\s)(?:-d\s*|--driver[ =])(\S+)")
_FILTER = re.compile(r"\[([^]]*)\]")
_OVERLAY = re.compile(r"dtoverlay\s*=\s*(.*)")
_PARAMETER = re.compile(r"dtparam\s*=\s*(.*)")


@dataclass(frozen=True, slots=True)
class JackSettings:
    """The settings in jackd's arguments.

    device: the driver's device, such as hw:Zero; empty: none.  realtime: real-time scheduling is on.
    priority: its real-time priority.  locks: jackd locks its memory.
    """

    driver: str
    device: str
    rate_hz: int
    period_frames: int
    periods: int
    realtime: bool
    priority: int
    locks_memory: bool

    @property
    def card(self) -> str:
        """The id or number of the ALSA card; empty: no device, or not an ALSA hardware device."""
        kind, _, rest = self.device.partition(":")
        return rest.split(",")[0] if self.driver == "alsa" and kind in ("hw", "plughw") else ""

    def __str__(self) -> str:
        where = self.device if self.driver == "alsa" else f"no card (driver {self.driver})"
        ms = 1e3 * self.period_frames / self.rate_hz
        rate, period = f"{self.rate_hz} Hz", f"{self.periods} periods of {self.period_frames} frames ({ms:.1f} ms each)"
        return ", ".join(part for part in (rate, period, where) if part)


@dataclass(frozen=True, slots=True)
class Overlay:
    """One overlay line of config.txt. condition: the filter that it is below, such as pi4; empty: every board."""

    name: str
    parameters: tuple[str, ...]
    condition: str


@dataclass(frozen=True, slots=True)
class BootConfig:
    """The parts of config.txt that the checks need.

    prefix: os_prefix, the folder of the system that starts; empty: there is only one system.
    eeprom: True if the firmware reads the HAT's EEPROM.
    """

    prefix: str
    eeprom: bool
    overlays: tuple[Overlay, ...]


def parse_jack(arguments: str) -> JackSettings | None:
    """Return the settings in jackd's arguments; None if they name no driver."""
    driver = _DRIVER.search(arguments)
    if driver is None:
        return None
    # Arguments after the driver's name belong to the driver: -p and -P have another meaning there.
    server, own = arguments[: driver.start()].split(), arguments[driver.end() :].split()
    capture = _option(own, "-C", "--capture")
    return JackSettings(
        driver=driver[1],
        device=_option(own, "-d", "--device") or capture or _option(own, "-P", "--playback") or "",
        rate_hz=_number(own, "-r", "--rate", DEFAULT_RATE_HZ),
        period_frames=_number(own, "-p", "--period", DEFAULT_PERIOD_FRAMES),
        periods=_number(own, "-n", "--nperiods", DEFAULT_PERIODS),
        realtime=not {"-r", "--no-realtime"} & set(server),
        priority=_number(server, "-P", "--realtime-priority", DEFAULT_PRIORITY),
        locks_memory=not {"-m", "--no-mlock"} & set(server),
    )


def parse_config(text: str) -> BootConfig:
    """Parse a config.txt. A filter such as [pi4] is valid until the next filter; [all] ends it.

    Source: Raspberry Pi's documentation, config_txt/conditional.adoc and config_txt/boot.adoc (os_prefix,
    force_eeprom_read).
    """
    condition, prefix, eeprom = "", "", True
    overlays: list[Overlay] = []
    for line in map(str.strip, text.splitlines()):
        named = _FILTER.fullmatch(line)
        if named:
            condition = "" if named[1].strip() == "all" else named[1].strip()
        elif line.startswith("os_prefix=") and not condition:
            prefix = line.partition("=")[2].strip()
        elif line.replace(" ", "") == "force_eeprom_read=0" and not condition:
            eeprom = False
        elif overlay := _OVERLAY.fullmatch(line):
            # The old syntax has a colon before the first parameter.
            name, *parameters = re.split("[,:]", overlay[1])
            overlays.append(Overlay(name.strip(), tuple(map(str.strip, parameters)), condition))
        elif (more := _PARAMETER.fullmatch(line)) and overlays:
            last = overlays.pop()
            overlays.append(Overlay(last.name, last.parameters + tuple(more[1].split(",")), last.condition))
    return BootConfig(prefix, eeprom, tuple(overlays))


def parse_cpus(text: str) -> set[int]:
    """Return the CPU numbers in a Linux CPU list, such as 0-2,5."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.strip().isdecimal():
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _option(words: Sequence[str], short: str, long: str) -> str | None:
    for word, after in zip(words, (*words[1:], ""), strict=False):
        if word in (short, long):
            return after
        if word.startswith(f"{long}="):
            return word.partition("=")[2]
        if word.startswith(short) and not word.startswith("--"):
            return word[len(short) :]
    return None


def _number(words: Sequence[str], short: str, long: str, default: int) -> int:
    value = _option(words, short, long) or ""
    return int(value) if value.isdecimal() else default
