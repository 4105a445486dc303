from __future__ import annotations

import pytest
from nampedal.firmware.system.doctor.jack_settings import JackSettings, Overlay, parse_config, parse_cpus, parse_jack


@pytest.mark.parametrize(
    ("arguments", "jack"),
    [
        ("-d alsa", JackSettings("alsa", "", 48_000, 1024, 2, True, 10, True)),
        ("-dalsa -dhw:Zero -r44100 -p64 -n3", JackSettings("alsa", "hw:Zero", 44_100, 64, 3, True, 10, True)),
        (
            "-R -P 70 --port-max 64 -d alsa -d hw:Zero,0 -r 48000 -p 128 -i 2 -X seq",
            JackSettings("alsa", "hw:Zero,0", 48_000, 128, 2, True, 70, True),
        ),
        (
            "--realtime-priority=80 --no-mlock --driver alsa --device=hw:1 --period=256 --rate 96000",
            JackSettings("alsa", "hw:1", 96_000, 256, 2, True, 80, False),
        ),
        ("-p 256 -r -d dummy -p 1024", JackSettings("dummy", "", 48_000, 1024, 2, False, 10, True)),
        ("-n my-d -d alsa -C hw:In -P hw:Out", JackSettings("alsa", "hw:In", 48_000, 1024, 2, True, 10, True)),
    ],
)
def test_what_jackd_is_told_is_read(arguments: str, jack: JackSettings) -> None:
    assert parse_jack(arguments) == jack


def test_jackd_without_a_driver_is_told_nothing() -> None:
    assert parse_jack("") is None
    assert parse_jack("-R -P 70 --duplex") is None


@pytest.mark.parametrize(
    ("device", "card"), [("hw:Zero", "Zero"), ("plughw:Zero,0", "Zero"), ("default", ""), ("", ""), ("hw:1,0", "1")]
)
def test_the_card_of_a_device_is_its_name(device: str, card: str) -> None:
    found = parse_jack(f"-d alsa -d {device}" if device else "-d alsa")
    assert found is not None
    assert found.card == card
    other = parse_jack(f"-d dummy -d {device}" if device else "-d dummy")
    assert other is not None
    assert other.card == ""


def test_jacks_settings_are_told_in_words() -> None:
    assert str(parse_jack("-d alsa -d hw:Zero -p 128")) == "48000 Hz, 2 periods of 128 frames (2.7 ms each), hw:Zero"
    assert str(parse_jack("-d dummy")) == "48000 Hz, 2 periods of 1024 frames (21.3 ms each), no card (driver dummy)"


def test_overlays_are_read_with_their_parameters_and_conditions() -> None:
    config = parse_config(
        "os_prefix=A/\n"
        "# dtoverlay=commented\n"
        "dtparam=audio=off\n"
        "dtoverlay=\n"
        "dtoverlay=hat,slave,reset_gpio=5\n"
        "dtparam=one=1,two\n"
        "[pi4]\n"
        "os_prefix=B/\n"
        "force_eeprom_read=0\n"
        "dtoverlay=old:param=1\n"
        "[none]\n"
        "dtoverlay=never\n"
        "[all]\n"
        "dtoverlay=last\n"
    )
    assert config.prefix == "A/"
    assert config.eeprom
    assert config.overlays == (
        Overlay("", (), ""),
        Overlay("hat", ("slave", "reset_gpio=5", "one=1", "two"), ""),
        Overlay("old", ("param=1",), "pi4"),
        Overlay("never", (), "none"),
        Overlay("last", (), ""),
    )
    assert not parse_config("[all]\nforce_eeprom_read=0\n").eeprom


@pytest.mark.parametrize(
    ("text", "cpus"), [("", set()), ("3", {3}), ("0-2,5", {0, 1, 2, 5}), ("1,3", {1, 3}), ("nonsense", set())]
)
def test_lists_of_cpus_are_read(text: str, cpus: set[int]) -> None:
    assert parse_cpus(text) == cpus
