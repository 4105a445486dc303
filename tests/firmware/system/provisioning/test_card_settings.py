"""nampedal.toml as guitarists write it: each mistake is told, and costs that line only."""

from __future__ import annotations

import base64
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.system.provisioning.card_settings import CardSettings, read, template
from nampedal.firmware.system.wifi.networks import Networks, Wifi
from support.rigs.card_rig import ED25519

KEY = "ssh-ed25519 " + base64.b64encode(ED25519).decode()
WHOLE = f"""host_name = "Stage-Left"
ssh_key = ["{KEY} me@home, upstairs", "  {KEY}"]
pedal = "mine.toml"
hat = "pisound"
import = "banks/"

[wifi]
name = "Café"
password = "long enough"
country = "de"
"""
FOUND = CardSettings(
    host_name="stage-left",
    ssh_keys=(f"{KEY} me@home, upstairs", KEY),
    pedal="mine.toml",
    hat="pisound",
    imports="banks",
    networks=Networks((Wifi("Café", "long enough"),), None, "DE"),
)


def wrong(text: str) -> list[str]:
    return [str(error) for error in read(text.encode(), "nampedal.toml")[1]]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_editor_wrote_it_it_is_read(bom: bytes, end: str) -> None:
    assert read(bom + WHOLE.replace("\n", end).encode(), "nampedal.toml") == (FOUND, ())


def test_the_template_changes_nothing_and_ends_its_lines_as_windows_does() -> None:
    text = template()
    assert read(text.encode(), "nampedal.toml") == (CardSettings(), ())
    assert text.count("\n") == text.count("\r\n") > 20
    assert text.isascii()


def test_every_line_of_the_template_does_what_it_says_without_its_remark_sign() -> None:
    lines = template().splitlines()
    # Of two lines with one key, one can be there.
    off = [line for line in lines if line.startswith("#") and line[1:2] not in (" ", "") and "mine.toml" not in line]
    text = "\n".join(line[1:] for line in off).replace("ssh-ed25519 AAAA...", KEY)
    assert set(tomllib.loads(text)) == {"host_name", "ssh_key", "pedal", "hat", "import", "wifi", "hotspot"}
    assert wrong(text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('host_nam = "x"', "nampedal.toml: host_nam: is no known key; did you mean host_name?"),
        (
            'colour = "x"',
            "nampedal.toml: colour: is no known key; known are host_name, ssh_key, pedal, hat, import, wifi, hotspot",
        ),
        (
            'host_name = "my pedal"',
            "nampedal.toml: host_name: is 'my pedal'; 1 to 63 letters, digits and hyphens are needed, no hyphen at an "
            "end",
        ),
        ("host_name = 3", "nampedal.toml: host_name: is 3; one line of text is needed"),
        (
            'ssh_key = "hello"',
            "nampedal.toml: ssh_key: is no public key; the line in a file like id_ed25519.pub is needed, all of it: "
            '"ssh-ed25519 AAAA... you@home"',
        ),
        (
            'ssh_key = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk"',
            "nampedal.toml: ssh_key: is a private key, which never leaves your computer; the line in the file that "
            "ends in .pub is needed. Make new keys if somebody else has seen this card",
        ),
        (
            'pedal = "../mine.toml"',
            "nampedal.toml: pedal: is '../mine.toml'; a name like pi-4-dac-adc, or a file beside this one like "
            "mine.toml, is needed",
        ),
        (
            "hat = 'a\\b'",
            "nampedal.toml: hat: is 'a\\\\b'; a name like codec-zero, or a file beside this one like mine.toml, is "
            "needed",
        ),
        (
            'import = "overlays"',
            "nampedal.toml: import: is 'overlays'; the name of a folder of your own on this card is needed, as import",
        ),
        (
            "host_name = pedal",
            'nampedal.toml: is not TOML: invalid value (at line 1, column 13); a text stands in "straight quotes"; '
            "no line of this file counts until that is mended",
        ),
        (
            'pedal = "pi-4-usb"\npedal = "mine.toml"\n',
            "nampedal.toml: is not TOML: cannot overwrite a value (at line 2, column 20); the key of this line is in a "
            "line above, too: keep one of the two; no line of this file counts until that is mended",
        ),
        (
            "host name",
            "nampedal.toml: is not TOML: expected '=' after a key in a key/value pair (at line 1, column 6); "
            "no line of this file counts until that is mended",
        ),
    ],
)
def test_each_mistake_is_told(text: str, told: str) -> None:
    assert wrong(text) == [told]


def test_a_mistake_costs_its_own_line_only() -> None:
    text = WHOLE.replace('"Stage-Left"', '"-"').replace('country = "de"', 'country = "x"')
    found, problems = read(text.encode(), "nampedal.toml")
    assert [str(problem).split(": ")[1] for problem in problems] == ["host_name", "wifi.country"]
    assert found == CardSettings(ssh_keys=FOUND.ssh_keys, pedal=FOUND.pedal, hat=FOUND.hat, imports=FOUND.imports)


@pytest.mark.parametrize(
    "text", ['ssh_key = "-----BEGIN OPENSSH PRIVATE KEY----- hushes"', 'ssh_key = "ssh-ed25519 hushes"']
)
def test_no_message_shows_a_key(text: str) -> None:
    assert wrong(text)
    assert "hushes" not in " ".join(wrong(text))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.sampled_from([KEY, "a.toml"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "password", "country", "open", "channel", "x"]), inner)
    ),
    max_leaves=6,
)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_told_of(data: bytes) -> None:
    found, problems = read(data, "nampedal.toml")
    assert isinstance(found, CardSettings)
    assert all(isinstance(problem, NampedalError) and "\n" not in str(problem) for problem in problems)


@given(
    st.dictionaries(st.sampled_from(["host_name", "ssh_key", "pedal", "hat", "import", "wifi", "hotspot", "z"]), VALUES)
)
def test_any_values_are_read_or_told_of(values: dict[str, object]) -> None:
    text = "\n".join(f"{key} = {literal(value)}" for key, value in values.items())
    found, problems = read(text.encode("utf-8", "replace"), "nampedal.toml")
    assert isinstance(found, CardSettings)
    assert all(isinstance(problem, NampedalError) for problem in problems)


@given(st.integers(0, len(WHOLE) - 1), st.characters(codec="utf-8"))
def test_one_wrong_letter_is_read_or_told_of(at: int, letter: str) -> None:
    found, problems = read((WHOLE[:at] + letter + WHOLE[at + 1 :]).encode(), "nampedal.toml")
    assert isinstance(found, CardSettings)
    assert all(isinstance(problem, NampedalError) for problem in problems)


def literal(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    return "1979-05-27" if value is None else str(value).lower()
