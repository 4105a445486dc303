"""The drawings in docs/wiring are what the profiles say, and can be read: nothing lies upon a text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from drawing import text_width
from hookup import HEADER, PICO, PICO_PLACES, PLACES, SKETCH, serial_uses, sketch_pins
from lid_map import lid_map
from make_wiring import drawings
from nampedal.board.profiles.pedals import parse_pedal, read_pedal

MADE = drawings()
PEDALS = ["pi-4-dac-adc", "pi-4-usb", "pi-5-serial", "zero-2-w-codec-zero"]
SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Box:
    """What a text or a rectangle covers; y downwards."""

    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


def number(element: ET.Element, name: str) -> float:
    return float(element.attrib[name])


def texts(svg: str) -> list[Box]:
    """From the top of capitals to below a g, in the font that it is set in."""
    found = []
    for each in ET.fromstring(svg).iter(f"{SVG}text"):
        text, size = each.text or "", number(each, "font-size")
        width = text_width(text, size, bold="font-weight" in each.attrib)
        left = number(each, "x") - {"start": 0.0, "middle": width / 2, "end": width}[each.get("text-anchor", "start")]
        baseline = number(each, "y")
        found.append(Box(left, baseline - 0.74 * size, left + width, baseline + 0.22 * size, text))
    return found


def rectangles(svg: str) -> list[Box]:
    """Those with an edge."""
    found = [
        Box(x := number(each, "x"), y := number(each, "y"), x + number(each, "width"), y + number(each, "height"))
        for each in ET.fromstring(svg).iter(f"{SVG}rect")
        if each.get("stroke", "none") != "none"
    ]
    assert found
    return found


def wires(svg: str) -> list[tuple[str, Box]]:
    """The straight parts of all wires, with their colours."""
    found = []
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        x = y = 0.0
        for step, rest in re.findall(r"([MHVa])([^MHVa]*)", path.attrib["d"]):
            numbers = [float(each) for each in rest.split()]
            x0, y0 = x, y
            if step == "M":
                x, y = numbers
                continue
            if step == "a":
                x += numbers[5]
                continue
            x, y = (numbers[0], y) if step == "H" else (x, numbers[0])
            found.append((path.attrib["stroke"], Box(min(x, x0), min(y, y0), max(x, x0), max(y, y0))))
    return found


def row_of(label: str, found: list[Box]) -> set[str]:
    """The texts from a control's name to the number of its pin. A name of two lines is found by its second."""
    named = [box for box in found if box.text == label]
    name = (named or [box for box in found if " " in box.text and label.endswith(f" {box.text}")])[0]
    row = [box for box in found if abs(box.middle - name.middle) < 16]
    row.sort(key=lambda box: abs(box.left + box.right - name.left - name.right))
    last = next(index for index, box in enumerate(row) if box.text.isdecimal())
    return {box.text for box in row[: last + 1]}


def told_places(key: str, root: Path) -> dict[str, str]:
    """Where a GPIO or a Pico's GP is, as the comment of the profile has it."""
    text = (root / "hw-profiles" / "pedals" / f"{key}.toml").read_text().replace("\n# ", " ")
    found = {f"GPIO {gpio}": place for gpio, place in re.findall(r"GPIO ([0-9]+),? +header pin ([0-9]+)", text)}
    for names, places in re.findall(r"((?:GP[0-9]+,? *)+) Pico's pins ([0-9, ]+)", text):
        found |= dict(zip(re.findall("GP[0-9]+", names), re.findall("[0-9]+", places), strict=True))
    return found


def test_the_drawings_in_the_docs_are_those_that_the_profiles_make_now(root: Path) -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in (root / "docs" / "wiring").iterdir()}
    assert kept == MADE, "python docs/make_wiring.py makes them anew"


def test_there_is_a_drawing_and_a_footswitch_map_of_each_shipped_pedal(root: Path) -> None:
    keys = [path.stem for path in (root / "hw-profiles" / "pedals").glob("*.toml")]
    assert sorted(MADE) == sorted([f"{key}.svg" for key in keys] + [f"{key}-footswitches.svg" for key in keys])


@pytest.mark.parametrize("name", MADE)
def test_a_screen_reader_is_told_what_is_drawn(name: str) -> None:
    svg = ET.fromstring(MADE[name])
    assert svg.attrib["role"] == "img"
    title, told = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert told is not None
    assert svg.attrib["aria-labelledby"].split() == [title.get("id"), told.get("id")]
    for word in re.findall("Footswitch [0-9]|Lamp [a-z0-9]+|Knob [a-z]+|Encoder [a-z]+ [AB]", " ".join(texts_of(name))):
        assert word in (told.text or "")


def texts_of(name: str) -> list[str]:
    return [box.text for box in texts(MADE[name])]


@pytest.mark.parametrize("name", MADE)
def test_no_text_lies_upon_another_or_beyond_the_sheet(name: str) -> None:
    _, _, width, height = map(float, ET.fromstring(MADE[name]).attrib["viewBox"].split())
    found = texts(MADE[name])
    assert len(found) > 5
    assert [(a.text, b.text) for a, b in combinations(found, 2) if a.meets(b)] == []
    sheet = Box(4, 4, width - 4, height - 4)
    assert [box.text for box in found if not sheet.holds(box)] == []


@pytest.mark.parametrize("name", MADE)
def test_no_wire_and_no_edge_of_a_box_goes_through_a_text(name: str) -> None:
    found = texts(MADE[name])
    crossed = [box.text for box in found for _, wire in wires(MADE[name]) if box.meets(wire)]
    assert crossed == []
    boxes = rectangles(MADE[name])
    assert [text.text for text in found for box in boxes if box.meets(text) and not box.holds(text)] == []


@pytest.mark.parametrize("key", PEDALS)
def test_wires_of_different_colours_leap_over_each_other(key: str) -> None:
    found = wires(MADE[f"{key}.svg"])
    assert found
    for (colour, wire), (other_colour, other) in combinations(found, 2):
        crossing = wire.left < other.left < wire.right and other.top < wire.top < other.bottom
        crossing |= other.left < wire.left < other.right and wire.top < other.top < wire.bottom
        assert not crossing or colour == other_colour, (wire, other)


@pytest.mark.parametrize("key", PEDALS)
def test_each_control_stands_beside_its_pins(key: str, root: Path) -> None:
    pedal, found, places = read_pedal(key), texts(MADE[f"{key}.svg"]), told_places(key, root)
    called = {"switches": "Footswitch", "lights": "Lamp", "knobs": "Knob", "encoders": "Encoder"}
    wiring, count = pedal.wiring, 0
    if wiring.gpio is not None:
        for group, name in wiring.gpio.names():
            gpio = f"GPIO {getattr(wiring.gpio, group)[name]}"
            assert {gpio, places[gpio]} <= row_of(f"{called[group]} {name}", found)
            count += 1
    if wiring.mcp3008 is not None:
        for name, channel in wiring.mcp3008.wires.knobs.items():
            label = "jack" if name == "expression" else f"Knob {name}"
            assert {f"CH{channel}", str(channel + 1)} <= row_of(label, found)
            count += 1
    if wiring.serial is not None:
        for group, controls in serial_uses(wiring.serial.wires).items():
            for name, pins in controls.items():
                for contact, pin in zip((" A", " B") if len(pins) == 2 else ("",), pins, strict=True):
                    label = f"{called[group]} {name}{contact}"
                    assert {f"GP{pin}", places[f"GP{pin}"]} <= row_of(label, found)
                count += 1
    assert count == sum(len(wiring.names(group)) for group in called)


@pytest.mark.parametrize("key", PEDALS)
def test_what_the_hat_takes_stands_beside_its_pin(key: str) -> None:
    found = texts(MADE[f"{key}.svg"])
    for gpio, use in read_pedal(key).hat.pins.items():
        beside = [box for box in found if box.text == f"GPIO {gpio}"]
        row = sorted(
            (box for box in found if any(abs(box.middle - at.middle) < 16 for at in beside)), key=lambda b: b.top
        )
        assert set(use.split()) <= set(" ".join(box.text for box in row).split())


def test_the_legs_of_the_converter_go_where_the_profile_says(root: Path) -> None:
    text = (root / "hw-profiles" / "pedals" / "pi-4-dac-adc.toml").read_text()
    legs = re.findall(r"leg ([0-9]+) +([A-Z]+) +(?:GPIO [0-9]+|3\.3 V|ground), header pin ([0-9]+)", text)
    assert len(legs) == 8
    found = texts(MADE["pi-4-dac-adc.svg"])
    for leg, name, place in legs:
        assert leg in row_of(name, found)
        (at,) = (box for box in found if box.text == name)
        beside = [box.text for box in found if abs(box.middle - at.middle) < 16 and box.left > at.right]
        assert [text.split(",")[0] for text in beside] == [f"to pin {place}"]


def test_the_header_is_numbered_as_on_the_board() -> None:
    by_gpio = [
        27,
        28,
        3,
        5,
        7,
        29,
        31,
        26,
        24,
        21,
        19,
        23,
        32,
        33,
        8,
        10,
        36,
        11,
        12,
        35,
        38,
        40,
        15,
        16,
        18,
        22,
        37,
        13,
    ]
    assert dict(enumerate(by_gpio)) == dict(sorted(PLACES.items()))
    power = {name: [pin.number for pin in HEADER if pin.power == name] for name in ("3V3", "5V", "GND")}
    assert power == {"3V3": [1, 17], "5V": [2, 4], "GND": [6, 9, 14, 20, 25, 30, 34, 39]}


def test_a_picos_pins_are_numbered_as_on_the_board() -> None:
    assert [pin.number for pin in PICO if pin.power == "GND"] == [3, 8, 13, 18, 23, 28, 33, 38]
    assert [pin.number for pin in PICO if pin.power == "3V3"] == [36]
    assert sorted(PICO_PLACES) == [*range(23), 26, 27, 28]
    assert [PICO_PLACES[number] for number in (0, 15, 16, 21, 22, 26, 28)] == [1, 20, 21, 27, 29, 31, 34]


def test_the_sketchs_lists_are_read_as_they_stand() -> None:
    assert sketch_pins(SKETCH.read_text()) == {
        "Switch": [(2,), (3,), (4,), (5,)],
        "Knob": [(26,), (27,), (28,), (29,)],
        "Encoder": [(6, 7)],
        "Light": [(8,), (9,), (10,), (11,)],
    }


def test_a_map_to_print_tells_what_footswitches_do_by_default_and_how_large_it_is() -> None:
    four = texts_of("pi-4-dac-adc-footswitches.svg")
    assert [text for text in four if text.startswith("preset")] == ["preset 1", "preset 2", "preset 3", "preset 4"]
    assert four.count("again: bypass") == four.count("hold: tuner") == 4
    assert {"1 + 2 together: previous bank", "3 + 4 together: next bank"} <= set(four)
    assert {"previous preset", "next preset", "1 + 2 together: tuner"} <= set(
        texts_of("zero-2-w-codec-zero-footswitches.svg")
    )
    assert 'width="184mm"' in MADE["pi-4-dac-adc-footswitches.svg"]


def test_a_map_to_print_follows_a_profiles_own_footswitches() -> None:
    profile = b"""
        name = "Mine"
        board = "5"
        hat = "pisound"
        [gpio]
        switches = { 1 = 5, 2 = 6, 3 = 22 }
        [footswitches]
        1 = "set 2.gain_db 12"
        "1 double" = "save"
        "1 release" = "bypass off"
        "2 repeat" = "next"
        "2+3" = "bank live again bank previous"
        "1+3" = "tuner"
    """
    svg = lid_map(parse_pedal(profile, Path("mine.toml")))
    found = texts(svg)
    assert {box.text for box in found} == {
        *("1", "2", "3", "2.gain_db 12", "twice: save", "let go: bypass off", "keep holding: next preset"),
        *("2 + 3 together: bank live; again: previous bank", "1 + 3 together: tuner"),
    }
    assert [(a.text, b.text) for a, b in combinations(found, 2) if a.meets(b)] == []
