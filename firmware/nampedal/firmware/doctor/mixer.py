"""Checks of the sound card's mixer and of the guitar's input: what the drivers leave off sounds like a broken pedal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nampedal.board.mixer.drivers import Control, SoundCard, sound_card
from nampedal.board.mixer.words import Amount, amounts_in, number_of_percent, switch_words
from nampedal.firmware.doctor import interface
from nampedal.firmware.doctor.case import AS_ROOT, Case, check
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError, ProgramFailedError
from nampedal.firmware.doctor.finding import Finding, ok, wrong

# Half of the widest step that codecs have, where no table says the steps.
DB_ROUNDING = 0.75
# A converter that works gives noise: so long without any is no chance.
LISTEN_S = 2.0
LOOKS = 4

# As amixer(1) prints one: its name, then lines of channels such as `  Front Left: Playback 207 [100%] [0.00dB] [on]`.
_CONTROL = re.compile(r"^Simple mixer control '(.*)',0\n((?:  .*\n?)*)", re.MULTILINE)
_NO_CHANNEL = re.compile(r"(Capabilities|Playback channels|Capture channels|Limits|Items|Item\d+): ")
_ITEM = re.compile(r"^  Item\d+: '(.*)'$", re.MULTILINE)
_LIMITS = re.compile(r"^  Limits: .*?(-?\d+) - (-?\d+)", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\[\d.-])-?\d+(?= \[)")
_DB = re.compile(r"\[(-?\d+\.\d+)dB\]")
_SWITCH = re.compile(r"\[(on|off)\]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A control as amixer shows it: of all channels. playback, capture: whether they are on.  limits: of numbers."""

    numbers: tuple[int, ...] = ()
    dbs: tuple[float, ...] = ()
    playback: tuple[bool, ...] = ()
    capture: tuple[bool, ...] = ()
    item: str | None = None
    limits: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        if self.item is not None:
            return f"'{self.item}'"
        amounts = [f"{db:g}dB" for db in self.dbs] or [str(number) for number in self.numbers]
        switches = ["on" if on else "off" for on in (*self.playback, *self.capture)]
        return " ".join(",".join(dict.fromkeys(words)) for words in (amounts, switches) if words)


def parse_amixer(text: str) -> dict[str, Shown]:
    """Return what `amixer scontents` prints, by the names of the controls. LC_ALL has to be C."""
    return {name: _shown(lines) for name, lines in _CONTROL.findall(text)}


def _shown(lines: str) -> Shown:
    item, limits = _ITEM.search(lines), _LIMITS.search(lines)
    bodies = [line.strip() for line in lines.splitlines() if not _NO_CHANNEL.match(line.strip())]
    halves = [line.partition(": ")[2].partition("Capture") for line in bodies]
    parts = [part for before, _, behind in halves for part in (before, behind)]
    return Shown(
        tuple(int(number) for part in parts for number in _NUMBER.findall(part)),
        tuple(float(db) for part in parts for db in _DB.findall(part)),
        tuple(found == "on" for before, _, _ in halves for found in _SWITCH.findall(before)),
        tuple(found == "on" for _, _, behind in halves for found in _SWITCH.findall(behind)),
        item[1] if item else None,
        (int(limits[1]), int(limits[2])) if limits else (0, 0),
    )


@check("mixer")
def check_mixer(case: Case) -> Finding:
    """Check that every control stands as the HAT's profile sets it."""
    hat = case.pedal.hat
    if case.jack.driver != "alsa":
        raise NotNeededError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not hat.mixer:
        raise NotNeededError("the profile of the sound card sets no mixer")
    name = case.settings.get("NAMPEDAL_CARD") or hat.card or interface.card_in_use(case)
    try:
        text = case.machine.run("amixer", "-D", f"hw:{name}", "scontents")
    except ProgramFailedError as error:
        raise CantTellError(
            f"amixer tells nothing of the card '{name}'", "" if case.machine.is_root else AS_ROOT
        ) from error
    shown, card = parse_amixer(text + "\n"), sound_card(hat.overlay)
    found = [one for words in hat.mixer for one in _difference(words, hat.means.get(words[0], ""), shown, card)]
    if found:
        return wrong(
            "; ".join(found),
            "run 'sudo systemctl restart nampedal-jack', which sets the mixer anew; if it comes back, read "
            "'journalctl -b -u nampedal-jack'",
        )
    return ok(f"all {len(hat.mixer)} settings of the HAT's profile stand")


def _difference(words: tuple[str, ...], means: str, shown: dict[str, Shown], card: SoundCard | None) -> Iterator[str]:
    """What is otherwise than a line of the profile says: at most one text."""
    name, *values = words
    control = card.controls.get(name) if card is not None else None
    if control is not None and control.leave_alone:
        return
    if name not in shown:
        yield f"there is no '{name}'"
    elif not all(_stands(value, shown[name], control) for value in values):
        wanted = " ".join(values if shown[name].item is None else [f"'{value}'" for value in values])
        yield f"'{name}' is {shown[name]}, not {wanted}" + (f" ({means})" if means else "")


def _stands(value: str, shown: Shown, control: Control | None) -> bool:
    """Return True if a control stands as this word of the profile says, or if amixer does not know the word."""
    if shown.item is not None:
        return value == shown.item
    for capture, states in ((False, shown.playback), (True, shown.capture)):
        if value in switch_words(capture):
            return all(state is switch_words(capture)[value] for state in states)
    amounts = amounts_in(value)
    if not amounts:
        return True
    # One for all channels, or one for each; a control for both directions shows them all.
    many = max(len(shown.numbers), 1)
    return all(_has(amounts[at % len(amounts)], at, shown, control) for at in range(many))


def _has(amount: Amount, at: int, shown: Shown, control: Control | None) -> bool:
    """Return True if a channel has this amount."""
    if at >= len(shown.numbers):
        return False
    number = shown.numbers[at]
    if amount.unit == "dB":
        if control is not None and control.volume is not None and control.volume.db:
            return number == control.volume.number_of(amount.value)
        return at < len(shown.dbs) and abs(shown.dbs[at] - amount.value) <= DB_ROUNDING
    low, high = shown.limits
    if amount.unit == "%":
        return number == low + number_of_percent(amount.value, high - low)
    return number == min(max(int(amount.value), low), high)


@check("input")
def check_input(case: Case) -> Finding:
    """Check that the guitar's input gives more than digital silence: one without power gives zeros, and no noise."""
    status = case.status
    if case.jack.driver != "alsa":
        raise NotNeededError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not status["playing"]:
        raise CantTellError("nampedal hears nothing while jackd does not run")
    if case.emulator:
        raise CantTellError(f"an emulated machine ({case.emulator}) has no converter that gives noise")
    # The first answer is of the time before; each later one of the time since the one before it.
    for _ in range(LOOKS):
        case.machine.wait(LISTEN_S / LOOKS)
        level = case.machine.ask("status")["input_dbfs"]
        if level is not None:
            return ok(f"{level:.1f} dBFS at the loudest: something comes in")
    return wrong(
        f"digital silence for {LISTEN_S:g} s, without the noise that every converter has: nothing comes in",
        "mend 'sound card' and 'mixer' above; if they are ok, the input of the HAT has no power or is another one: "
        f"look at it with 'alsamixer -D hw:{case.jack.card}'",
    )
