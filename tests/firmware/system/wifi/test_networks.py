"""[wifi], [[wifi]] and [hotspot] as guitarists write them: each mistake is told, and costs that network alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.system.provisioning.card_settings import read
from nampedal.firmware.system.wifi.networks import Hotspot, Networks, Wifi
from nampedal.firmware.system.wifi.networks import read as read_tables

DIGITS = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
TWO = """[[wifi]]
name = "home"
password = "long enough"
country = "de"

[[wifi]]
name = "club"
open = true

[hotspot]
name = "my pedal"
password = "also long enough"
channel = 11
"""
BOTH = Networks((Wifi("home", "long enough"), Wifi("club", "")), Hotspot("my pedal", "also long enough", 11), "DE")


def found(text: str, countries: frozenset[str] | None = None) -> Networks:
    return (read(text.encode(), "c") if countries is None else read(text.encode(), "c", countries))[0].networks


def wrong(text: str) -> list[str]:
    return [str(error) for error in read(text.encode(), "nampedal.toml")[1]]


def wifi(*lines: str) -> str:
    """One network that is right, but for what these lines say instead."""
    usual = {"name": 'name = "a"', "password": 'password = "12345678"', "country": 'country = "DE"'}
    usual |= {line.split(" ")[0]: line for line in lines}
    return "\n".join(("[wifi]", *(line for line in usual.values() if not line.endswith("-"))))


def test_several_networks_and_a_hotspot_are_read_in_their_order() -> None:
    assert wrong(TWO) == []
    assert found(TWO) == BOTH
    assert found(TWO).keys == ("wifi", "hotspot")


@pytest.mark.parametrize("head", ["[wifi]", "[[wifi]]"])
def test_a_single_network_is_written_in_either_way(head: str) -> None:
    text = f'{head}\nname = "home"\npassword = "{DIGITS}"\ncountry = "GB"\n'
    assert found(text) == Networks((Wifi("home", DIGITS),), None, "GB")
    assert wrong(text) == []


def test_a_hotspot_alone_needs_a_country_of_its_own() -> None:
    text = '[hotspot]\nname = "p"\npassword = "12345678"\n'
    assert wrong(text) == ["nampedal.toml: hotspot.country: is missing, and needed"]
    assert found(text) == Networks()
    assert found(text + 'country = "us"\n') == Networks((), Hotspot("p", "12345678", 6), "US")


def test_without_any_there_is_none() -> None:
    assert found("") == Networks()
    assert found("").keys == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wifi = 1", "wifi: is no table; a table of name, password and country is needed"),
        ("wifi = []", "wifi: is no table; a table of name, password and country is needed"),
        ("[[hotspot]]", "hotspot: is no table; a table of name, password and country is needed"),
        ("[wifi]", "wifi.name: is missing, and needed"),
        (wifi("country = -"), "wifi.country: is missing, and needed"),
        (wifi("country = 49"), "wifi.country: is 49; one line of text is needed"),
        (wifi('country = "Germany"'), "wifi.country: is 'Germany'; two letters are needed, as DE, GB or US"),
        (wifi('country = "00"'), "wifi.country: is '00'; two letters are needed, as DE, GB or US"),
        (
            wifi('country = "UK"'),
            "wifi.country: is 'UK', which Linux has no radio rules for (wireless-regdb); did you mean GB?",
        ),
        (
            wifi('country = "el"'),
            "wifi.country: is 'el', which Linux has no radio rules for (wireless-regdb); did you mean GR?",
        ),
        (
            wifi('country = "XX"'),
            "wifi.country: is 'XX', which Linux has no radio rules for (wireless-regdb); take the code of a country "
            "whose rules hold where you are, as DE, GB or US",
        ),
        (
            wifi('password = "secret"'),
            "wifi.password: can't be one; 8 to 63 letters, digits and signs are needed, without accents, in quotes",
        ),
        (
            wifi("password = 12345678"),
            "wifi.password: can't be one; 8 to 63 letters, digits and signs are needed, without accents, in quotes",
        ),
        (
            wifi("password = -"),
            "wifi.password: is missing, and needed; a network that has none needs the line open = true",
        ),
        (
            wifi("password = -", "open = false"),
            "wifi.password: is missing, and needed; a network that has none needs the line open = true",
        ),
        (
            wifi('password = ""'),
            "wifi.password: is empty; a network that has none needs the line open = true in its place",
        ),
        (wifi("open = true"), "wifi.open: is true, and there is a password; take one of the two lines away"),
        (wifi("password = -", 'open = "yes"'), "wifi.open: is 'yes'; true or false is needed"),
        (wifi('pasword = "12345678"'), "wifi.pasword: is no known key; did you mean wifi.password?"),
        (wifi("channel = 1"), "wifi.channel: is no known key; known are name, password, country, open"),
        (wifi(f'name = "{"ä" * 17}"'), f"wifi.name: is '{'ä' * 17}', 34 bytes; up to 32 are allowed"),
        (wifi('name = "a\\nb"'), "wifi.name: is 'a\\nb'; one line of text is needed"),
        ('[hotspot]\nname = "p"\ncountry = "GB"', "hotspot.password: is missing, and needed"),
        (
            '[hotspot]\nname = "p"\ncountry = "GB"\nopen = true',
            "hotspot.open: is no known key; known are name, password, country, channel",
        ),
        (
            '[hotspot]\nname = "p"\ncountry = "GB"\npassword = ""',
            "hotspot.password: can't be one; 8 to 63 letters, digits and signs are needed, without accents, in quotes",
        ),
        (
            '[hotspot]\nname = "p"\ncountry = "GB"\npassword = "12345678"\nchannel = 12',
            "hotspot.channel: is 12; a whole number from 1 to 11 is needed",
        ),
    ],
)
def test_each_mistake_is_told_and_leaves_no_network(text: str, told: str) -> None:
    assert wrong(text) == [f"nampedal.toml: {told}"]
    assert found(text) == Networks()


@pytest.mark.parametrize(
    ("was", "is_now", "told", "left"),
    [
        (
            '"long enough"',
            '"short"',
            "wifi 1.password: can't be one; 8 to 63 letters, digits and signs are needed, without accents, in quotes",
            ["club", "my pedal"],
        ),
        ("open = true", "", "wifi 2.password: is missing, and needed; a network", ["home", "my pedal"]),
        (
            "channel = 11",
            "channel = 0",
            "hotspot.channel: is 0; a whole number from 1 to 11 is needed",
            ["home", "club"],
        ),
        (
            "open = true",
            'open = true\ncountry = "US"',
            "wifi 2.country: is 'US', and another network has 'DE'; all need the same, that of the country where you "
            "are",
            ["home", "my pedal"],
        ),
    ],
)
def test_a_mistake_costs_its_own_network_only(was: str, is_now: str, told: str, left: list[str]) -> None:
    text = TWO.replace(was, is_now).replace("[hotspot]\n", '[hotspot]\ncountry = "DE"\n')
    (said,) = wrong(text)
    assert said.startswith(f"nampedal.toml: {told}")
    networks = found(text)
    names = [one.name for one in networks.wifi] + ([networks.hotspot.name] if networks.hotspot else [])
    assert names == left
    assert networks.country == "DE"


def test_a_wrong_country_costs_those_too_that_have_none_of_their_own() -> None:
    assert [said.split(": ")[1] for said in wrong(TWO.replace('"de"', '"UK"'))] == [
        "wifi 1.country",
        "wifi 2.country",
        "hotspot.country",
    ]


@pytest.mark.parametrize("heads", [("[wifi]", "[wifi]"), ("[wifi]", "[[wifi]]"), ("[[wifi]]", " [ wifi ]")])
def test_single_brackets_twice_are_told_with_what_to_do(heads: tuple[str, str]) -> None:
    (said,) = wrong(f'{heads[0]}\nname = "a"\n{heads[1]}\nname = "b"\n')
    assert said.startswith("nampedal.toml: is not TOML: cannot ")
    assert said.endswith(
        "; several networks are written as [[wifi]] each, in double brackets; no line of this file counts until that "
        "is mended"
    )


def test_other_mistakes_of_the_form_have_no_such_hint() -> None:
    assert wrong('[[wifi]]\nname = "a"\n[[wifi]]\nname = b\n') == [
        'nampedal.toml: is not TOML: invalid value (at line 4, column 8); a text stands in "straight quotes"; no line '
        "of this file counts until that is mended"
    ]


def test_more_networks_than_a_boot_has_time_for_are_told() -> None:
    text = "".join(f'[[wifi]]\nname = "{number}"\nopen = true\ncountry = "DE"\n' for number in range(40))
    assert wrong(text) == ["nampedal.toml: wifi: has 40 networks; the first 16 are used"]
    assert [one.name for one in found(text).wifi] == [str(number) for number in range(16)]


def test_only_countries_of_the_list_that_is_given_are_taken() -> None:
    text = wifi('country = "de"')
    assert found(text, frozenset({"DE"})).country == "DE"
    assert found(text, frozenset({"GB"})) == Networks()


SECRET = "hushes"


@pytest.mark.parametrize(
    "text",
    [
        wifi(f'password = "{SECRET}"'),
        f'[wifi]\npassword = "{SECRET}"',
        f"[wifi]\npassword = ['{SECRET}']\nnaem = 3",
        f'wifi = "{SECRET}"',
        f'wifi = ["{SECRET}", "{SECRET}"]',
        f'hotspot = "{SECRET}"',
        f'[hotspot]\nname = "p"\npassword = "{SECRET}"\ncountry = "GB"',
        f'[hotspot]\nname = "p"\npassword = "{SECRET} {SECRET}"\ncountry = "UK"',
        f'[wifi]\nname = "p"\npassword = "{SECRET} {SECRET}"\nopen = true',
        f'[wifi]\npassword = "{SECRET}"\n[wifi]\n',
    ],
)
def test_no_message_shows_a_password(text: str) -> None:
    assert wrong(text)
    assert SECRET not in " ".join(wrong(text))


ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.lists(st.text(max_size=3), max_size=2)
TABLES = st.dictionaries(st.sampled_from(["name", "password", "country", "open", "channel", "x"]), ANY, max_size=6)


@given(st.lists(TABLES, max_size=4), TABLES | ANY)
def test_whatever_is_found_is_within_what_is_allowed(tables: list[dict[str, object]], hotspot: object) -> None:
    networks, problems = read_tables("c", {"wifi": tables, "hotspot": hotspot})
    for one in networks.wifi:
        assert 1 <= len(one.name.encode()) <= 32
        assert one.password == "" or 8 <= len(one.password) <= 64
    if networks.hotspot is not None:
        assert 8 <= len(networks.hotspot.password) <= 64
        assert 1 <= networks.hotspot.channel <= 11
    assert bool(networks.country) == bool(networks.wifi or networks.hotspot)
    assert all("\n" not in str(problem) for problem in problems)
