"""What controls are wired to, as the tables of a pedal's profile say."""

from __future__ import annotations

import tomllib

import pytest
from nampedal.board.profiles.wiring import Adc, SerialController, Wires, Wiring, parse_wiring
from nampedal.firmware.base.errors import SettingsError, SettingValueError

HAT = {18: "I2S bit clock", 20: "I2S data from the HAT"}
CONVERTER = "[mcp3008]\nbus = 0\ndevice = 0\nknobs = { gain = 0 }\n"
MICROCONTROLLER = '[serial]\nport = "/dev/ttyACM0"\n'
NAME = "is no name; one of a to z, 0 to 9 and _ is needed"
EACH = "each control needs one of its own"
OWN = "each control needs its own name"
ELSEWHERE = "wire one of them elsewhere"
PIN = "a whole number from 0 to 27 is needed"
NUMBER = "a whole number from 0 to 63 is needed"
CONTACTS = "the pins of both contacts, 0 to 27, are needed, as [22, 27]"
CHANNEL = 'a channel from 1 to 16, 0 for all, or "none" is needed'


def wired(text: str) -> Wiring:
    return parse_wiring("mine.toml", tomllib.loads(text), HAT)


def test_a_pedal_may_be_wired_to_nothing_and_hears_midi_on_every_channel() -> None:
    assert wired("") == Wiring(gpio=None, mcp3008=None, serial=None, midi_channel=0)


def test_pins_converters_and_microcontrollers_are_read_together() -> None:
    wiring = wired(
        "[gpio]\nswitches = { 1 = 5, 2 = 6 }\nencoders = { mid = [22, 27] }\nlights = { 1 = 13, clip = 26 }\n"
        "[mcp3008]\nbus = 0\ndevice = 1\nknobs = { gain = 0, level = 7 }\n"
        '[serial]\nport = "/dev/ttyACM0"\nbaud = 9600\nswitches = { 3 = 63 }\nknobs = { bass = 1 }\n'
        "encoders = { treble = 0 }\nlights = { 3 = 2 }\n"
        "[midi]\nchannel = 16\n"
    )
    assert wiring == Wiring(
        gpio=Wires(switches={"1": 5, "2": 6}, encoders={"mid": (22, 27)}, lights={"1": 13, "clip": 26}),
        mcp3008=Adc(0, 1, Wires(knobs={"gain": 0, "level": 7})),
        serial=SerialController(
            "/dev/ttyACM0",
            9600,
            Wires(switches={"3": 63}, knobs={"bass": 1}, encoders={"treble": (0,)}, lights={"3": 2}),
        ),
        midi_channel=16,
    )
    assert wiring.names("switches") == ["1", "2", "3"]
    assert wiring.names("knobs") == ["bass", "gain", "level"]
    assert wiring.names("encoders") == ["mid", "treble"]
    assert wiring.names("lights") == ["1", "3", "clip"]


def test_a_microcontroller_needs_no_more_than_its_port() -> None:
    assert wired(MICROCONTROLLER).serial == SerialController("/dev/ttyACM0", 115_200, Wires())


@pytest.mark.parametrize(("text", "channel"), [("0", 0), ("1", 1), ("16", 16), ('"none"', None)])
def test_midi_is_heard_on_one_channel_on_all_or_not(text: str, channel: int | None) -> None:
    assert wired(f"[midi]\nchannel = {text}").midi_channel == channel


@pytest.mark.parametrize(
    "text",
    [
        # Numbers on a microcontroller are no pins of the Pi's.
        MICROCONTROLLER + "switches = { 1 = 18 }",
        # By USB the header's port is free.
        MICROCONTROLLER + "[gpio]\nswitches = { 1 = 14, 2 = 15 }",
        # Without a converter SPI's pins are; buses behind the second one are where their overlays put them.
        "[gpio]\nswitches = { 1 = 7, 2 = 8 }",
        CONVERTER.replace("bus = 0", "bus = 3") + "[gpio]\nswitches = { 1 = 7, 2 = 8 }",
        # Kinds of controls are numbered apart.
        MICROCONTROLLER + "switches = { 1 = 0 }\nlights = { 1 = 0 }\nknobs = { gain = 0 }\nencoders = { level = 0 }",
    ],
)
def test_what_does_not_meet_is_no_conflict(text: str) -> None:
    wired(text)


PINS = [
    ("[gpio]\nswitches = { 1 = 18 }", "18: is the HAT's I2S bit clock already, and gpio.switches.1"),
    ("[gpio]\nlights = { clip = 20 }", "20: is the HAT's I2S data from the HAT already, and gpio.lights.clip"),
    ("[gpio]\nencoders = { mid = [22, 18] }", "18: is the HAT's I2S bit clock already, and gpio.encoders.mid"),
    ("[gpio]\nswitches = { 1 = 5 }\nlights = { 1 = 5 }", "5: is gpio.switches.1 already, and gpio.lights.1"),
    (
        "[gpio]\nswitches = { 1 = 22 }\nencoders = { mid = [27, 22] }",
        "22: is gpio.switches.1 already, and gpio.encoders.mid",
    ),
    (
        "[gpio]\nencoders = { bass = [4, 5], mid = [5, 6] }",
        "5: is gpio.encoders.bass already, and gpio.encoders.mid",
    ),
    *(
        (f"{CONVERTER}[gpio]\nswitches = {{ 1 = {pin} }}", f"{pin}: is the converter's {what} already, and gpio.switches.1")
        for pin, what in [
            (7, "SPI chip select 1"),
            (8, "SPI chip select 0"),
            (9, "SPI data in"),
            (10, "SPI data out"),
            (11, "SPI clock"),
        ]
    ),
    (
        CONVERTER.replace("bus = 0", "bus = 1"),
        "20: is the HAT's I2S data from the HAT already, and the converter's SPI data out",
    ),
    *(
        (
            f'[serial]\nport = "{port}"\n[gpio]\nlights = {{ 1 = {pin} }}',
            f"{pin}: is the microcontroller's serial data {way} already, and gpio.lights.1",
        )
        for port in ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
        for pin, way in ((14, "out"), (15, "in"))
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "conflict"), PINS)
def test_a_pin_that_two_want_is_named_with_both(text: str, conflict: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        wired(text)
    assert str(caught.value) == f"mine.toml: pin {conflict} wants it; {ELSEWHERE}"


def test_a_hat_on_spi_and_a_converter_there_do_not_go_together() -> None:
    with pytest.raises(SettingValueError) as caught:
        parse_wiring("mine.toml", tomllib.loads(CONVERTER), {11: "SPI clock"})
    assert str(caught.value) == (
        f"mine.toml: pin 11: is the HAT's SPI clock already, and the converter's SPI clock wants it; {ELSEWHERE}"
    )


NAMES = [
    (MICROCONTROLLER + "switches = { 1 = 0 }\n[gpio]\nswitches = { 1 = 5 }", f"switches: '1' is there twice; {OWN}"),
    (MICROCONTROLLER + "lights = { clip = 0 }\n[gpio]\nlights = { clip = 5 }", f"lights: 'clip' is there twice; {OWN}"),
    (MICROCONTROLLER + "knobs = { gain = 0 }\n" + CONVERTER, f"knobs: 'gain' is there twice; {OWN}"),
    (
        MICROCONTROLLER + "encoders = { mid = 0 }\n[gpio]\nencoders = { mid = [5, 6] }",
        f"encoders: 'mid' is there twice; {OWN}",
    ),
    ("[gpio]\nswitches = { 0 = 5 }", "switches: '0' is no footswitch; they are called 1 to 9"),
    ("[gpio]\nswitches = { 10 = 5 }", "switches: '10' is no footswitch; they are called 1 to 9"),
    ("[gpio]\nswitches = { 01 = 5 }", "switches: '01' is no footswitch; they are called 1 to 9"),
    (MICROCONTROLLER + "switches = { x = 5 }", "switches: 'x' is no footswitch; they are called 1 to 9"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrong"), NAMES)
def test_every_control_has_a_name_of_its_own_and_footswitches_have_numbers(text: str, wrong: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        wired(text)
    assert str(caught.value) == f"mine.toml: {wrong}"


WRONG: list[tuple[str, type[SettingsError], str]] = [
    # Tables.
    ("gpio = 5", SettingValueError, "gpio: is 5; a table of switches, encoders and lights is needed"),
    ("[gpio]", SettingValueError, "gpio: is {}; a table of switches, encoders and lights is needed"),
    ("mcp3008 = 0", SettingValueError, "mcp3008: is 0; a table of bus, device and knobs is needed"),
    ('serial = "/dev/ttyACM0"', SettingValueError, "serial: is '/dev/ttyACM0'; a table of port, baud, switches, knobs, encoders, lights is needed"),
    ("midi = 1", SettingValueError, "midi: is 1; a table of channel is needed"),
    ("[gpio]\nswitches = [5, 6]", SettingValueError, "gpio.switches: is [5, 6]; a table of names is needed"),
    ("[gpio]\nlights = {}", SettingValueError, "gpio.lights: is {}; a table of names is needed"),
    # Keys.
    ("[gpio]\nswitch = { 1 = 5 }", SettingValueError, "gpio.switch: is no known key; did you mean gpio.switches?"),
    ("[gpio]\nknobs = { gain = 5 }", SettingValueError, "gpio.knobs: is no known key; known are switches, encoders, lights"),
    (CONVERTER + "lights = { 1 = 0 }", SettingValueError, "mcp3008.lights: is no known key; known are bus, device, knobs"),
    (MICROCONTROLLER + "bauds = 9600", SettingValueError, "serial.bauds: is no known key; did you mean serial.baud?"),
    ("[midi]\nchannels = 1", SettingValueError, "midi.channels: is no known key; did you mean midi.channel?"),
    ("[midi]\nport = 1", SettingValueError, "midi.port: is no known key; known are channel"),
    ("[mcp3008]\nbus = 0\nknobs = { gain = 0 }", SettingValueError, "mcp3008.device: is missing, and needed"),
    ("[mcp3008]\ndevice = 0\nknobs = { gain = 0 }", SettingValueError, "mcp3008.bus: is missing, and needed"),
    ("[mcp3008]\nbus = 0\ndevice = 0", SettingValueError, "mcp3008.knobs: is missing, and needed"),
    ("[serial]\nbaud = 9600", SettingValueError, "serial.port: is missing, and needed"),
    # Names.
    ("[gpio]\nlights = { Clip = 5 }", SettingValueError, f"gpio.lights: 'Clip' {NAME}"),
    ('[gpio]\nswitches = { "1+2" = 5 }', SettingValueError, f"gpio.switches: '1+2' {NAME}"),
    ('[gpio]\nencoders = { "a.b" = [5, 6] }', SettingValueError, f"gpio.encoders: 'a.b' {NAME}"),
    # Numbers.
    ("[gpio]\nswitches = { 1 = 28 }", SettingValueError, f"gpio.switches.1: is 28; {PIN}"),
    ("[gpio]\nswitches = { 1 = -1 }", SettingValueError, f"gpio.switches.1: is -1; {PIN}"),
    ("[gpio]\nswitches = { 1 = true }", SettingValueError, f"gpio.switches.1: is True; {PIN}"),
    ('[gpio]\nlights = { clip = "GPIO5" }', SettingValueError, f"gpio.lights.clip: is 'GPIO5'; {PIN}"),
    ("[gpio]\nlights = { clip = 5.0 }", SettingValueError, f"gpio.lights.clip: is 5.0; {PIN}"),
    (CONVERTER.replace("bus = 0", "bus = 7"), SettingValueError, "mcp3008.bus: is 7; a whole number from 0 to 6 is needed"),
    (CONVERTER.replace("device = 0", "device = 3"), SettingValueError, "mcp3008.device: is 3; a whole number from 0 to 2 is needed"),
    (CONVERTER.replace("gain = 0", "gain = 8"), SettingValueError, "mcp3008.knobs.gain: is 8; a whole number from 0 to 7 is needed"),
    ("[serial]\nport = 0", SettingValueError, "serial.port: is 0; one line of text is needed"),
    (MICROCONTROLLER + "baud = 1199", SettingValueError, "serial.baud: is 1199; a whole number from 1200 to 4000000 is needed"),
    (MICROCONTROLLER + "baud = 4000001", SettingValueError, "serial.baud: is 4000001; a whole number from 1200 to 4000000 is needed"),
    (MICROCONTROLLER + "switches = { 1 = 64 }", SettingValueError, f"serial.switches.1: is 64; {NUMBER}"),
    (MICROCONTROLLER + "knobs = { gain = 64 }", SettingValueError, f"serial.knobs.gain: is 64; {NUMBER}"),
    (MICROCONTROLLER + "encoders = { mid = 64 }", SettingValueError, f"serial.encoders.mid: is 64; {NUMBER}"),
    (MICROCONTROLLER + "encoders = { mid = [6, 7] }", SettingValueError, f"serial.encoders.mid: is [6, 7]; {NUMBER}"),
    (MICROCONTROLLER + "lights = { 1 = -1 }", SettingValueError, f"serial.lights.1: is -1; {NUMBER}"),
    ("[midi]\nchannel = 17", SettingValueError, f"midi.channel: is 17; {CHANNEL}"),
    ("[midi]\nchannel = -1", SettingValueError, f"midi.channel: is -1; {CHANNEL}"),
    ("[midi]\nchannel = true", SettingValueError, f"midi.channel: is True; {CHANNEL}"),
    ('[midi]\nchannel = "all"', SettingValueError, f"midi.channel: is 'all'; {CHANNEL}"),
    # Contacts.
    ("[gpio]\nencoders = { mid = 22 }", SettingValueError, f"gpio.encoders.mid: is 22; {CONTACTS}"),
    ("[gpio]\nencoders = { mid = [22] }", SettingValueError, f"gpio.encoders.mid: is [22]; {CONTACTS}"),
    ("[gpio]\nencoders = { mid = [4, 5, 6] }", SettingValueError, f"gpio.encoders.mid: is [4, 5, 6]; {CONTACTS}"),
    ("[gpio]\nencoders = { mid = [22, 28] }", SettingValueError, f"gpio.encoders.mid: is [22, 28]; {CONTACTS}"),
    ("[gpio]\nencoders = { mid = [22, 22] }", SettingValueError, f"gpio.encoders.mid: is [22, 22]; {CONTACTS}"),
    ("[gpio]\nencoders = { mid = [22, true] }", SettingValueError, f"gpio.encoders.mid: is [22, True]; {CONTACTS}"),
    # Twice.
    ("[gpio]\nswitches = { 1 = 5, 2 = 6, 3 = 5 }", SettingValueError, f"gpio.switches: 5 is there twice; {EACH}"),
    ("[gpio]\nlights = { 1 = 5, clip = 5 }", SettingValueError, f"gpio.lights: 5 is there twice; {EACH}"),
    (CONVERTER.replace("gain = 0", "gain = 0, level = 0"), SettingValueError, f"mcp3008.knobs: 0 is there twice; {EACH}"),
    (MICROCONTROLLER + "switches = { 1 = 0, 2 = 0 }", SettingValueError, f"serial.switches: 0 is there twice; {EACH}"),
    (MICROCONTROLLER + "knobs = { bass = 2, mid = 2 }", SettingValueError, f"serial.knobs: 2 is there twice; {EACH}"),
    (MICROCONTROLLER + "encoders = { bass = 1, mid = 1 }", SettingValueError, f"serial.encoders: 1 is there twice; {EACH}"),
    (MICROCONTROLLER + "lights = { 1 = 3, 2 = 3 }", SettingValueError, f"serial.lights: 3 is there twice; {EACH}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "wrong"), WRONG)
def test_a_wrong_table_names_file_key_and_limit(text: str, error: type[SettingsError], wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        wired(text)
    assert str(caught.value) == f"mine.toml: {wrong}"
    assert type(caught.value) is error
