"""The mixers of the profiles, set by the real amixer on cards that have their drivers' controls."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from pathlib import Path

import pytest
from nampedal.board.mixer.driver_tables import SoundCard, sound_card
from nampedal.board.mixer.mixer_check import final_state
from nampedal.board.mixer.mixer_state import apply_line, initial_state
from nampedal.board.profiles.hats import Hat, hat_keys, read_hat
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.system.install.sound_setup import mixer_script
from support.fakes.fake_mixer import FakeMixer, plugin

HATS = [key for key in hat_keys() if read_hat(key).mixer]


def fake(hat: Hat, folder: Path) -> tuple[FakeMixer, SoundCard]:
    card = sound_card(hat.overlay)
    assert card is not None
    return FakeMixer(card, folder, plugin()), card


@pytest.mark.parametrize("key", HATS)
def test_amixer_takes_every_line_and_does_what_the_check_thinks(key: str, tmp_path: Path) -> None:
    hat = read_hat(key)
    mixer, card = fake(hat, tmp_path)
    script = mixer_script(dataclasses.replace(read_pedal("pi-4-dac-adc"), hat=hat))
    done = subprocess.run(["sh", "-c", script], env=mixer.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    state = final_state(hat, card)
    for name in {words[0] for words in hat.mixer}:
        control = card.controls[name]
        for kernel in control.kernel:
            (value, *others) = mixer.values(kernel)
            assert set(others) <= {value}
            if control.items:
                assert control.items[value] == state.items[name]
            elif kernel.endswith("Volume"):
                # None: nobody knows how it stood, and the profile does not touch it.
                assert state.numbers[name] in (value, None), kernel
            else:
                assert bool(value) is state.switches[name], kernel


# Each with whether amixer takes it.
WORDS = [
    ("codec-zero", "'Aux' -1.5dB", True),
    ("codec-zero", "'Aux' 1dB", True),
    ("codec-zero", "'Aux' 99dB", True),
    ("codec-zero", "'Aux' -99dB mute", True),
    ("codec-zero", "'Aux' 50%", True),
    ("codec-zero", "'Aux' 12%", True),
    ("codec-zero", "'Aux' 70", True),
    ("codec-zero", "'Aux' cap", False),
    ("codec-zero", "'ADC' 0", True),
    ("codec-zero", "'ADC' -78dB", True),
    ("codec-zero", "'HP Jack' off", True),
    ("codec-zero", "'HP Jack' 1", False),
    ("codec-zero", "'DAI Left Source MUX' 'ADC Right'", True),
    ("codec-zero", "'DAI Left Source MUX' 'adc right'", False),
    ("codec-zero", "'Nothing' 1", False),
    ("fe-pi", "'Capture' 15 cap", True),
    ("fe-pi", "'Capture' 16", True),
    ("fe-pi", "'Capture' 0dB", False),
    ("fe-pi", "'Capture' on", False),
    ("fe-pi", "'Capture' nocap", True),
    ("hifiberry-dac-adc-pro", "'Digital' 3dB", True),
    ("hifiberry-dac-adc-pro", "'ADC' 33.5dB", True),
    ("audioinjector-stereo", "'Line' unmute", False),
    ("audioinjector-stereo", "'Master' 0", True),
]


@pytest.mark.parametrize(("key", "line", "taken"), WORDS, ids=[f"{key}: {line}" for key, line, _ in WORDS])
def test_other_words_end_where_the_check_thinks(key: str, line: str, taken: bool, tmp_path: Path) -> None:
    mixer, card = fake(read_hat(key), tmp_path)
    words = tuple(shlex.split(line))
    done = mixer.amixer("--", "sset", *words)
    assert (done.returncode == 0) is taken, done.stderr
    state = initial_state(card)
    wrong = apply_line(card, state, words)
    if not taken:
        assert wrong
        return
    control = card.controls[words[0]]
    for kernel in control.kernel:
        value = mixer.values(kernel)[0]
        if control.items:
            assert control.items[value] == state.items[control.name]
        elif kernel.endswith("Volume"):
            assert value == state.numbers[control.name]
        else:
            assert bool(value) is state.switches[control.name]


@pytest.mark.parametrize("key", [key for key in hat_keys() if read_hat(key).usb is None])
def test_amixer_calls_the_controls_as_the_tables_do(key: str, tmp_path: Path) -> None:
    mixer, card = fake(read_hat(key), tmp_path)
    found = {line.split("'")[1] for line in mixer.amixer("scontrols").stdout.splitlines()}
    assert found == set(card.controls)
