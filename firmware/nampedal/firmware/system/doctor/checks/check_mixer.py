"""Checks of the sound card's mixer and of the guitar input. A control that a driver leaves off mutes the pedal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nampedal.board.mixer.amixer_words import Amount, amounts_in, number_of_percent, switch_words
from nampedal.board.mixer.driver_tables import MixerControl, SoundCard, sound_card
from nampedal.firmware.system.doctor.checks import usb_interface
from nampedal.firmware.system.doctor.context import AS_ROOT, CheckContext, check
from nampedal.firmware.system.doctor.errors import CheckProgramError, NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, ok, wrong

# Tolerance in dB if no table gives the control's steps: half of the widest step of the codecs.
DB_ROUNDING = 0.75
# A working analog-to-digital converter always gives noise: digital silence for this long is a fault.
LISTEN_S = 2.0
LOOKS = 4

# A control in amixer(1)'s output: its name, then a line per channel, as `  Mono: Playback 207 [100%] [0.00dB] [on]`.
_CONTROL = re.compile(r"^Simple mixer control '(.*)',0\n((?:  .*\n?)*)", re.MULTILINE)
_NO_CHANNEL = re.compile(r"(Capabilities|Playback channels|Capture channels|Limits|Items|Item\d+): ")
_ITEM = re.compile(r"^  Item\d+: '(.*)'$", re.MULTILINE)
_LIMITS = re.compile(r"^  Limits: .*?(-?\d+) - (-?\d+)", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\[\d.-])-?\d+(?= \[)")
_DB = re.compile(r"\[(-?\d+\.\d+)dB\]")
_SWITCH = re.compile(r"\[(on|off)\]")


@dataclass(frozen=True, slots=True)
class ShownControl:
    """A mixer control as amixer shows it, with the values of all channels.

    numbers: raw values.  dbs: the same in dB.  playback, capture: True for each switch that is on.
    item: the selected item of an enumerated control; None: it is not enumerated.  limits: the range of the raw values.
    """

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


def parse_amixer(text: str) -> dict[str, ShownControl]:
    """Parse the output of `amixer scontents`, made with LC_ALL=C. Return the controls by their names."""
    return {name: _shown(lines) for name, lines in _CONTROL.findall(text)}


def _shown(lines: str) -> ShownControl:
    item, limits = _ITEM.search(lines), _LIMITS.search(lines)
    bodies = [line.strip() for line in lines.splitlines() if not _NO_CHANNEL.match(line.strip())]
    halves = [line.partition(": ")[2].partition("Capture") for line in bodies]
    parts = [part for before, _, behind in halves for part in (before, behind)]
    return ShownControl(
        tuple(int(number) for part in parts for number in _NUMBER.findall(part)),
        tuple(float(db) for part in parts for db in _DB.findall(part)),
        tuple(found == "on" for before, _, _ in halves for found in _SWITCH.findall(before)),
        tuple(found == "on" for _, _, behind in halves for found in _SWITCH.findall(behind)),
        item[1] if item else None,
        (int(limits[1]), int(limits[2])) if limits else (0, 0),
    )


@check("mixer")
def check_mixer(case: CheckContext) -> Finding:
    """Check that every mixer control has the value that the HAT's profile sets."""
    hat = case.pedal.hat
    if case.jack.driver != "alsa":
        raise NotApplicableError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not hat.mixer:
        raise NotApplicableError("the profile of the sound card sets no mixer")
    name = case.settings.get("NAMPEDAL_CARD") or hat.card or usb_interface.card_in_use(case)
    try:
        text = case.machine.run("amixer", "-D", f"hw:{name}", "scontents")
    except CheckProgramError as error:
        raise UnknownResultError(
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


def _difference(
    words: tuple[str, ...], means: str, shown: dict[str, ShownControl], card: SoundCard | None
) -> Iterator[str]:
    """Yield the difference between a control and its line in the profile: one text, or none.

    words: the line: the control's name and its values.  means: the meaning of the line, for the text.
    """
    name, *values = words
    control = card.controls.get(name) if card is not None else None
    if control is not None and control.do_not_set_reason:
        return
    if name not in shown:
        yield f"there is no '{name}'"
    elif not all(_stands(value, shown[name], control) for value in values):
        wanted = " ".join(values if shown[name].item is None else [f"'{value}'" for value in values])
        yield f"'{name}' is {shown[name]}, not {wanted}" + (f" ({means})" if means else "")


def _stands(value: str, shown: ShownControl, control: MixerControl | None) -> bool:
    """Return True if a control has this value of the profile, or if amixer does not know the value."""
    if shown.item is not None:
        return value == shown.item
    for capture, states in ((False, shown.playback), (True, shown.capture)):
        if value in switch_words(capture):
            return all(state is switch_words(capture)[value] for state in states)
    amounts = amounts_in(value)
    if not amounts:
        return True
    # The profile has one amount for all channels, or one for each. A control for playback and capture shows both.
    many = max(len(shown.numbers), 1)
    return all(_has(amounts[at % len(amounts)], at, shown, control) for at in range(many))


def _has(amount: Amount, at: int, shown: ShownControl, control: MixerControl | None) -> bool:
    """Return True if a channel has this amount. at: the index of the channel."""
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
def check_input(case: CheckContext) -> Finding:
    """Check that the guitar input gives more than digital silence. An input without power gives zeros and no noise."""
    status = case.status
    if case.jack.driver != "alsa":
        raise NotApplicableError(f"jackd is told to use no card (driver {case.jack.driver})")
    if not status["playing"]:
        raise UnknownResultError("nampedal hears nothing while jackd does not run")
    if case.emulator:
        raise UnknownResultError(f"an emulated machine ({case.emulator}) has no converter that gives noise")
    # Each answer has the level since the previous answer. The first answer, `case.status`, is too old to count.
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
