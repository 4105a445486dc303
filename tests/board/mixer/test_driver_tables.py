"""The tables of the drivers: that they are read strictly, and that they agree with what real cards said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nampedal.board.mixer.control_names import is_capture_switch, simple_name
from nampedal.board.mixer.driver_tables import (
    MixerControl,
    SoundCard,
    SoundDriver,
    driver_keys,
    read_driver,
    sound_card,
)
from nampedal.board.profiles.hats import hat_keys, read_hat
from nampedal.firmware.base.errors import SettingsError, SettingValueError

# What alsactl stored of cards that people have, each with where it is from.
REAL_CARDS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "real_cards.json").read_text())
REAL_CONTROLS = [(card["overlay"], name) for card in REAL_CARDS for name in card["controls"]]
# Linux 6.12 has them, and the older kernels of those cards had not.
NEWER = {
    "rpi-codeczero": {
        *("ToneGen Volume", "ToneGen DTMF Key", "ToneGen DTMF Switch", "ToneGen Start", "ToneGen Sinewave Gen Type"),
        *("ToneGen Sinewave1 Freq", "ToneGen Sinewave2 Freq", "ToneGen On Time", "ToneGen Off Time"),
    },
    "audioinjector-wm8731-audio": set(),
    "wm8960-soundcard": {"DAC Filter Characteristics"},
}
# Older kernels made a number of every control whose name has " Volume" in it (snd_soc_info_volsw()).
WERE_NUMBERS = {"Capture Volume ZC Switch"}


def card_of(overlay: str) -> SoundCard:
    card = sound_card(overlay)
    assert card is not None
    return card


def control_of(overlay: str, kernel: str) -> MixerControl:
    control = card_of(overlay).controls[simple_name(kernel)]
    assert kernel in control.kernel
    return control


@pytest.mark.parametrize(("overlay", "name"), REAL_CONTROLS)
def test_a_control_of_a_real_card_is_in_the_table_with_its_range_and_items(overlay: str, name: str) -> None:
    (real,) = [card["controls"][name] for card in REAL_CARDS if card["overlay"] == overlay]
    control = control_of(overlay, name)
    if real["type"] == "BOOLEAN" or name in WERE_NUMBERS:
        assert control.switch is not None
    elif real["type"] == "ENUMERATED":
        assert list(control.items) == real["items"]
    else:
        assert control.volume is not None
        assert control.volume.most == real["most"]
        if "dbmin" in real:
            lowest, highest = control.volume.range_db
            assert highest == pytest.approx(real["dbmax"] / 100)
            # alsactl says -99999.99 dB of a control whose lowest number is silent.
            if real["dbmin"] == -9999999:
                assert control.volume.db[0][0] > 0
            else:
                assert lowest == pytest.approx(real["dbmin"] / 100)
        if "at" in real:
            number, db = real["at"]
            found = control.volume.db_of(number)
            assert found is None if db == -9999999 else found == pytest.approx(db / 100)


@pytest.mark.parametrize("overlay", [card["overlay"] for card in REAL_CARDS])
def test_a_table_has_no_control_that_a_real_card_has_not(overlay: str) -> None:
    (real,) = [card["controls"] for card in REAL_CARDS if card["overlay"] == overlay]
    ours = {kernel for control in card_of(overlay).controls.values() for kernel in control.kernel}
    assert ours - real.keys() == NEWER[overlay]


@pytest.mark.parametrize("key", driver_keys())
def test_every_table_says_of_which_source_at_which_commit_it_is(key: str) -> None:
    source = read_driver(key).source
    assert re.search(r"(sound/soc|arch/arm)/\S+\.(c|dts) at [0-9a-f]{7}|linux-source-6\.12 6\.12\.\d+-1", source), (
        source
    )


@pytest.mark.parametrize("key", driver_keys())
def test_the_routes_of_a_card_name_controls_and_items_that_it_has(key: str) -> None:
    driver = read_driver(key)
    for overlay in driver.overlays:
        card = card_of(overlay)
        for route in card.routes:
            for condition in route.conditions:
                name, _, item = condition.partition("=")
                assert name in card.controls, route
                assert not item or item in card.controls[name].items, route
        for control in card.controls.values():
            assert not control.same_as or control.same_as in card.controls


def test_every_codec_belongs_to_a_machine_driver_and_every_overlay_to_one() -> None:
    drivers: list[SoundDriver] = [read_driver(key) for key in driver_keys()]
    machines = [driver for driver in drivers if driver.overlays]
    assert {codec for machine in machines for codec in machine.codecs} == {d.key for d in drivers if not d.overlays}
    overlays = [overlay for machine in machines for overlay in machine.overlays]
    assert len(overlays) == len(set(overlays))
    hats = [read_hat(key) for key in hat_keys()]
    assert {hat.overlay for hat in hats if hat.usb is None} <= set(overlays)


def test_no_overlay_no_card() -> None:
    assert sound_card("") is None
    assert sound_card("somebody-elses") is None


def test_a_machine_drivers_limit_cuts_the_codecs_scale() -> None:
    digital = card_of("hifiberry-dacplusadc").controls["Digital"].volume
    assert digital is not None
    assert (digital.most, digital.default, digital.range_db) == (207, 207, (-103.0, 0.0))
    assert digital.db_of(0) is None
    bare = read_driver("pcm512x").controls["Digital"].volume
    assert bare is not None
    assert (bare.most, bare.range_db) == (255, (-103.0, 24.0))


def test_deemphasis_is_inverted_and_the_aux_jack_starts_unpowered() -> None:
    switch = control_of("hifiberry-dacplusadc", "Deemphasis Switch").switch
    assert switch is not None
    assert (switch.default, switch.inverted, switch.opposite) == (True, True, True)
    assert (switch.effect(True), switch.effect(False)) == (
        "the de-emphasis filter is off",
        "the de-emphasis filter is on",
    )
    switch = control_of("rpi-codeczero", "AUX Jack Switch").switch
    assert switch is not None
    assert (switch.default, switch.pin) == (False, True)


@pytest.mark.parametrize(
    ("kernel", "amixer", "capture"),
    [
        ("Digital Playback Volume", "Digital", False),
        ("Digital Playback Switch", "Digital", False),
        ("Line Capture Switch", "Line", True),
        ("Capture Switch", "Capture", True),
        ("Capture Volume", "Capture", False),
        ("Capture Volume ZC Switch", "Capture Volume ZC", False),
        ("Playback Volume", "Playback", False),
        ("AUX Jack Switch", "AUX Jack", False),
        ("ADC Left Capture Source", "ADC Left Capture Source", False),
        ("Capture Attenuate Switch (-6dB)", "Capture Attenuate Switch (-6dB)", False),
        ("Output Mixer HiFi Playback Switch", "Output Mixer HiFi", False),
    ],
)
def test_amixer_calls_a_control_by_what_is_left_of_its_name(kernel: str, amixer: str, capture: bool) -> None:
    assert simple_name(kernel) == amixer
    assert is_capture_switch(kernel) is capture


# ---- what a table can't say ----

GOOD = """name = "Mine"
source = "mine.c at 1234567"
overlays = ["mine"]
routes = [["IN", "capture 1", "Gain"]]

[controls.Gain]
kernel = ["Gain Volume", "Gain Switch"]
volume = { most = 10, default = 3, db = [[1, -9], [10, 0]] }
switch = { default = "on", inverted = true }

[controls.Source]
kernel = ["Source"]
items = ["Line", "Mic"]
default = "Line"

[full_scale.IN]
volts_rms = 2.0
source = "a data sheet"
"""
DB = "pairs of number and dB, up to 10, are needed"
WRONG = [
    ('name = "Mine"', 'name = "Mine"\ncolour = 1', SettingValueError, "colour: is no known key; known are name, source, routes, overlays, codecs, controls, limits, full_scale"),
    ('["Gain Volume", ', '["Boost Volume", ', SettingValueError, "controls.Gain.kernel: amixer calls 'Boost Volume' 'Boost', not 'Gain'"),
    ("most = 10", "most = 0", SettingValueError, "controls.Gain.volume.most: is 0; a whole number from 1 to 65536 is needed"),
    ("default = 3", "default = 11", SettingValueError, "controls.Gain.volume.default: is 11; a whole number from 0 to 10 is needed"),
    ("[[1, -9], [10, 0]]", "[[1, -9], [9, 0]]", SettingValueError, f"controls.Gain.volume.db: is [[1, -9], [9, 0]]; {DB}"),
    ("[[1, -9], [10, 0]]", "[[10, -9], [1, 0]]", SettingValueError, f"controls.Gain.volume.db: is [[10, -9], [1, 0]]; {DB}"),
    ("[[1, -9], [10, 0]]", "[1, 2]", SettingValueError, f"controls.Gain.volume.db: is [1, 2]; {DB}"),
    ('default = "on"', 'default = "maybe"', SettingValueError, "controls.Gain.switch.default: is 'maybe'; known are off, on"),
    ("inverted = true", "inverted = 1", SettingValueError, "controls.Gain.switch.inverted: is 1; true or false is needed"),
    ('default = "Line"', 'default = "Aux"', SettingValueError, "controls.Source.default: is 'Aux'; known are Line, Mic"),
    ('items = ["Line", "Mic"]\ndefault = "Line"\n', "", SettingValueError, "controls.Source: a volume, a switch, both, or items are needed"),
    ('["IN", "capture 1", "Gain"]', '["IN"]', SettingValueError, "routes: is ['IN']; from where, to where and through what is needed"),
    ("volts_rms = 2.0", "volts_rms = 0", SettingValueError, "full_scale.IN.volts_rms: is 0; a number from 0.001 to 100 is needed"),
]  # fmt: skip


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own table `mine`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "nampedal" / "drivers" / "mine.toml"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    return path


def test_a_table_of_the_users_own_is_found_by_its_overlay(own: Path) -> None:
    card = card_of("mine")
    assert card.drivers == ("mine",)
    volume = card.controls["Gain"].volume
    assert volume is not None
    assert [volume.db_of(number) for number in (0, 1, 4, 10)] == [None, -9, -6, 0]
    assert [volume.number_of(db) for db in (-9.0, -5.6, 3.0)] == [1, 4, 10]


@pytest.mark.parametrize(("old", "new", "error", "text"), WRONG, ids=[text for *_, text in WRONG])
def test_a_wrong_table_names_file_key_and_what_is_allowed(
    own: Path, old: str, new: str, error: type[SettingsError], text: str
) -> None:
    assert old in GOOD
    own.write_text(GOOD.replace(old, new))
    with pytest.raises(SettingsError) as caught:
        read_driver("mine")
    assert str(caught.value) == f"{own}: {text}"
    assert type(caught.value) is error


def test_an_unknown_table_is_named_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError) as caught:
        read_driver("pcm512")
    assert str(caught.value).startswith("driver 'pcm512': is unknown; did you mean pcm512x? known are audioinjector-pi")
