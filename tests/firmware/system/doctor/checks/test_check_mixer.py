"""The mixer read back, and the guitar's input heard."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nampedal.board.mixer.driver_tables import sound_card
from nampedal.board.profiles.hats import read_hat
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.system.doctor.checks import check_mixer as mixer
from nampedal.firmware.system.doctor.checks.check_mixer import (
    LOOKS,
    ShownControl,
    check_input,
    check_mixer,
    parse_amixer,
)
from nampedal.firmware.system.doctor.errors import CheckProgramError
from nampedal.firmware.system.install.sound_setup import mixer_script
from support.fakes.fake_mixer import FakeMixer, plugin
from support.rigs.sick_pedal import MIXER, STATUS, Patient, look, socket_closed

COMMAND = "amixer -D hw:Zero scontents"
MEND = (
    "run 'sudo systemctl restart nampedal-jack', which sets the mixer anew; if it comes back, read "
    "'journalctl -b -u nampedal-jack'"
)


def real_mixer(pedal: str, folder: Path, *, hat: str = "") -> FakeMixer:
    """A card with the controls of a pedal's HAT, set by the real amixer as on a pedal."""
    profile = read_pedal(pedal)
    if hat:
        profile = dataclasses.replace(profile, hat=read_hat(hat))
    card = sound_card(profile.hat.overlay)
    assert card is not None
    made = FakeMixer(card, folder, plugin())
    subprocess.run(["sh", "-c", mixer_script(profile)], env=made.environment, check=True)
    return made


def test_what_is_kept_of_amixer_is_what_it_prints(tmp_path: Path) -> None:
    assert real_mixer("zero-2-w-codec-zero", tmp_path).amixer("scontents").stdout == MIXER.read_text()


def test_a_mixer_that_stands_as_the_profile_says_is_well(pedal: Patient) -> None:
    assert look(pedal, check_mixer) == ("ok", "all 19 settings of the HAT's profile stand", "")


SHIFTS = [
    (("AUX Jack", "off"), "'AUX Jack' is off, not on (powered)"),
    (("Aux", "-1.5dB"), "'Aux' is -1.5dB on, not 0dB unmute"),
    (("Aux", "mute"), "'Aux' is 0dB off, not 0dB unmute"),
    (("Mixin PGA", "0dB,6dB"), "'Mixin PGA' is 0dB,6dB on, not 6dB unmute"),
    (("DAI Left Source MUX", "ADC Right"), "'DAI Left Source MUX' is 'ADC Right', not 'ADC Left'"),
    (("Headphone", "-7dB"), "'Headphone' is -7dB on, not -8dB unmute"),
    (("Mic 1", "on"), "'Mic 1' is 0dB on, not mute"),
    (("Mixin Left Aux Left", "off"), "'Mixin Left Aux Left' is off, not on"),
]


@pytest.mark.parametrize(("words", "fault"), SHIFTS, ids=[fault for _, fault in SHIFTS])
def test_a_control_that_stands_otherwise_is_named_with_what_it_is_and_should_be(
    pedal: Patient, tmp_path: Path, words: tuple[str, ...], fault: str
) -> None:
    card = real_mixer("zero-2-w-codec-zero", tmp_path)
    assert card.amixer("--", "sset", *words).returncode == 0
    pedal.commands[COMMAND] = card.amixer("scontents").stdout
    assert look(pedal, check_mixer) == ("wrong", fault, MEND)


@pytest.mark.parametrize(
    "hat", ["hifiberry-dac-adc", "hifiberry-dac2-adc-pro", "fe-pi", "audioinjector-stereo", "wm8960"]
)
def test_other_hats_are_read_back_too(pedal: Patient, tmp_path: Path, hat: str) -> None:
    profile = (tmp_path / "mine.toml").resolve()
    profile.write_text(f'name = "Mine"\nboard = "zero-2-w"\nhat = "{hat}"\n')
    pedal.put("/mine.toml", profile.read_text())
    pedal.set(NAMPEDAL_PEDAL="/mine.toml", NAMPEDAL_CARD="Zero")
    card = real_mixer("zero-2-w-codec-zero", tmp_path, hat=hat)
    pedal.commands[COMMAND] = card.amixer("scontents").stdout
    state, found, _ = look(pedal, check_mixer)
    assert (state, found) == ("ok", f"all {len(read_hat(hat).mixer)} settings of the HAT's profile stand")


def test_several_are_told_at_once_and_a_missing_one_too(pedal: Patient) -> None:
    text = MIXER.read_text().replace("Simple mixer control 'HP Jack',0", "Simple mixer control 'Phones',0")
    pedal.commands[COMMAND] = text.replace("Item0: 'ADC Left'", "Item0: 'ADC Right'")
    found = look(pedal, check_mixer)[1]
    assert found == "there is no 'HP Jack'; 'DAI Left Source MUX' is 'ADC Right', not 'ADC Left'"


def test_without_amixer_or_its_card_the_mixer_is_unknown(pedal: Patient) -> None:
    pedal.fails["amixer"] = CheckProgramError("amixer failed", said="Mixer attach hw:Zero error: No such device")
    assert look(pedal, check_mixer) == (
        "unknown",
        "amixer tells nothing of the card 'Zero'",
        "ask again with 'sudo nampedal doctor'",
    )


def test_a_pedal_without_a_card_or_a_mixer_needs_none(pedal: Patient, tmp_path: Path) -> None:
    pedal.set(NAMPEDAL_JACK="-d dummy")
    assert look(pedal, check_mixer) == ("not applicable", "jackd is told to use no card (driver dummy)", "")
    pedal.put("/mine.toml", 'name = "Mine"\nboard = "zero-2-w"\nhat = "pisound"\n')
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    assert look(pedal, check_mixer) == ("not applicable", "the profile of the sound card sets no mixer", "")


# ---- without a table of its drivers ----

OWN = """name = "Own"
overlay = "somebody-elses"
card = "Own"
mixer = ["Master {value}"]
pins = {{ 18 = "I2S bit clock" }}
input_channels = {{ value = 2, status = "stated", source = "a data sheet" }}
output_channels = {{ value = 2, status = "stated", source = "a data sheet" }}
guitar_channel = {{ value = 1, status = "chosen", source = "a reason" }}
"""
MASTER = """Simple mixer control 'Master',0
  Capabilities: pvolume pswitch
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 31
  Mono:
  Front Left: Playback 20 [65%] [-16.50dB] [on]
  Front Right: Playback 20 [65%] [-16.50dB] [on]
"""


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("20", "ok"),
        ("21", "wrong"),
        ("65%", "ok"),
        ("60%", "wrong"),
        ("-16.5dB unmute", "ok"),
        ("-16dB on", "ok"),
        ("-14dB", "wrong"),
        ("20,20", "ok"),
        ("20,19", "wrong"),
        ("off", "wrong"),
        ("20 mute", "wrong"),
        ("2dB+", "ok"),
    ],
)
def test_a_hat_of_the_users_own_is_read_back_by_what_amixer_shows(pedal: Patient, value: str, state: str) -> None:
    pedal.put("/own.toml", OWN.format(value=value))
    hat = pedal.real(Path("/own.toml"))
    pedal.put("/mine.toml", f'name = "Mine"\nboard = "zero-2-w"\nhat = "{hat}"\n')
    pedal.set(NAMPEDAL_PEDAL="/mine.toml")
    pedal.commands[COMMAND] = MASTER
    assert look(pedal, check_mixer)[0] == state


def test_amixers_lines_are_read() -> None:
    both = """Simple mixer control 'Both',0
  Capabilities: pvolume cvolume cvolume-joined pswitch cswitch
  Playback channels: Front Left - Front Right
  Capture channels: Mono
  Limits: Playback 0 - 31 Capture 0 - 15
  Front Left: Playback 3 [10%] [-42.00dB] [off] Capture 7 [47%] [on]
  Front Right: Playback 31 [100%] [0.00dB] [on]
Simple mixer control 'Both',1
  Capabilities: enum
  Items: 'a' 'b'
  Item0: 'b'
"""
    assert parse_amixer(both) == {
        "Both": ShownControl((3, 7, 31), (-42.0, 0.0), (False, True), (True,), None, (0, 31)),
    }
    assert str(parse_amixer(both)["Both"]) == "-42dB,0dB off,on"


# ---- the guitar's input ----


def hears(pedal: Patient, monkeypatch: pytest.MonkeyPatch, *levels: float | None) -> None:
    """What the pedal answers, one after another; the first is of the time before."""
    answers = iter(levels)

    def ask(do: str) -> dict[str, Any]:
        return STATUS | {"input_dbfs": next(answers)}

    monkeypatch.setattr(pedal, "ask", ask)


def test_noise_at_the_input_is_enough(pedal: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    hears(pedal, monkeypatch, None, -96.4)
    assert look(pedal, check_input) == ("ok", "-96.4 dBFS at the loudest: something comes in", "")
    assert pedal.waited_s == 0.5


def test_somebody_else_who_asks_takes_no_noise_away(pedal: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    hears(pedal, monkeypatch, -3.0, None, None, -80.0)
    assert look(pedal, check_input) == ("ok", "-80.0 dBFS at the loudest: something comes in", "")


def test_digital_silence_is_an_input_without_power(pedal: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    hears(pedal, monkeypatch, -3.0, *[None] * LOOKS)
    assert look(pedal, check_input) == (
        "wrong",
        "digital silence for 2 s, without the noise that every converter has: nothing comes in",
        "mend 'sound card' and 'mixer' above; if they are ok, the input of the HAT has no power or is another one: "
        "look at it with 'alsamixer -D hw:Zero'",
    )
    assert pedal.waited_s == mixer.LISTEN_S


def test_where_nothing_could_come_in_the_input_is_unknown_or_not_needed(pedal: Patient) -> None:
    pedal.answers["status"] = STATUS | {"playing": False}
    assert look(pedal, check_input) == ("unknown", "nampedal hears nothing while jackd does not run", "")
    pedal.answers["status"] = STATUS
    pedal.commands["systemd-detect-virt --vm"] = "qemu"
    assert look(pedal, check_input) == ("unknown", "an emulated machine (qemu) has no converter that gives noise", "")
    pedal.set(NAMPEDAL_JACK="-d dummy")
    assert look(pedal, check_input) == ("not applicable", "jackd is told to use no card (driver dummy)", "")
    pedal.refuses = socket_closed(FileNotFoundError())
    assert look(pedal, check_input) == ("unknown", "nampedal does not run: /run/nampedal/control.sock is not there", "")
