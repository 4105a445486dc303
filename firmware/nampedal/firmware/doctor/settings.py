"""What settings of others say, as far as a pedal hangs on it: jackd's arguments, config.txt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# jackd's own, of a server and of its driver for ALSA (jackd --help, jackd -d alsa --help, jackd(1)).
DEFAULT_PRIORITY = 10
DEFAULT_RATE_HZ = 48_000
DEFAULT_PERIOD_FRAMES = 1024
DEFAULT_PERIODS = 2

_DRIVER = re.compile(r"(?:^|\s)(?:-d\s*|--driver[ =])(\S+)")
_FILTER = re.compile(r"\[([^]]*)\]")
_OVERLAY = re.compile(r"dtoverlay\s*=\s*(.*)")
_PARAMETER = re.compile(r"dtparam\s*=\s*(.*)")


@dataclass(frozen=True, slots=True)
class Jack:
    """What jackd is told. device: of the driver, such as hw:Zero; empty: none.  locks: its memory."""

    driver: str
    device: str
    rate_hz: int
    period_frames: int
    periods: int
    realtime: bool
    priority: int
    locks: bool

    @property
    def card(self) -> str:
        """The ALSA card's id or number; empty: there is none, or a device of another kind."""
        kind, _, rest = self.device.partition(":")
        return rest.split(",")[0] if self.driver == "alsa" and kind in ("hw", "plughw") else ""

    def __str__(self) -> str:
        where = self.device if self.driver == "alsa" else f"no card (driver {self.driver})"
        ms = 1e3 * self.period_frames / self.rate_hz
        rate, period = f"{self.rate_hz} Hz", f"{self.periods} periods of {self.period_frames} frames ({ms:.1f} ms each)"
        return ", ".join(part for part in (rate, period, where) if part)


@dataclass(frozen=True, slots=True)
class Overlay:
    """condition: the filter above it, such as pi4; empty: it counts on every board."""

    name: str
    parameters: tuple[str, ...]
    condition: str


@dataclass(frozen=True, slots=True)
class Config:
    """prefix: of the system that starts; empty: there is one only.  eeprom: whether the HAT's is read."""

    prefix: str
    eeprom: bool
    overlays: tuple[Overlay, ...]


def parse_jack(arguments: str) -> Jack | None:
    """None: they name no driver."""
    driver = _DRIVER.search(arguments)
    if driver is None:
        return None
    # What stands behind the driver's name is the driver's: -p and -P are something else there.
    server, own = arguments[: driver.start()].split(), arguments[driver.end() :].split()
    capture = _option(own, "-C", "--capture")
    return Jack(
        driver=driver[1],
        device=_option(own, "-d", "--device") or capture or _option(own, "-P", "--playback") or "",
        rate_hz=_number(own, "-r", "--rate", DEFAULT_RATE_HZ),
        period_frames=_number(own, "-p", "--period", DEFAULT_PERIOD_FRAMES),
        periods=_number(own, "-n", "--nperiods", DEFAULT_PERIODS),
        realtime=not {"-r", "--no-realtime"} & set(server),
        priority=_number(server, "-P", "--realtime-priority", DEFAULT_PRIORITY),
        locks=not {"-m", "--no-mlock"} & set(server),
    )


def parse_config(text: str) -> Config:
    """Of config.txt. A filter counts until the next; [all] ends it.

    Raspberry Pi's documentation, config_txt/conditional.adoc and config_txt/boot.adoc (os_prefix, force_eeprom_read).
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
            # The old way has a colon before the first parameter.
            name, *parameters = re.split("[,:]", overlay[1])
            overlays.append(Overlay(name.strip(), tuple(map(str.strip, parameters)), condition))
        elif (more := _PARAMETER.fullmatch(line)) and overlays:
            last = overlays.pop()
            overlays.append(Overlay(last.name, last.parameters + tuple(more[1].split(",")), last.condition))
    return Config(prefix, eeprom, tuple(overlays))


def parse_cpus(text: str) -> set[int]:
    """Linux's lists of CPUs, such as 0-2,5."""
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
