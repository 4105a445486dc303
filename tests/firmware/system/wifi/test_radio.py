"""The radio is on only where the card names a network, and what runs then may do nothing else."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.wifi import radio
from nampedal.firmware.system.wifi.radio import HOTSPOT, JOINED, SCRIPT, SUPPLICANT
from support.rigs.card_rig import Card

WIFI = '[wifi]\nname = "IEEE"\npassword = "password"\ncountry = "de"\n'
OWN = '[hotspot]\nname = "pedal"\npassword = "also a password"\ncountry = "de"\n'
# The exposure that systemd-analyze security may find at most, 10 is the worst. It sets up radio and network, as root.
MAX_EXPOSURE = 2.8


def test_wifi_is_on_where_the_card_has_a_network(card: Card) -> None:
    card.enqueue(WIFI)
    assert card.boot().problems == []
    switch, supplicant, network = card.system.said
    assert switch == "radio on"
    assert supplicant.startswith("systemd-run --no-block --unit=nampedal-wifi ")
    assert supplicant.endswith(f"wpa_supplicant -D nl80211 -c {card.at(SUPPLICANT)} -i wlan0")
    assert f" --property=ExecStartPost=-/bin/sh {card.at(SCRIPT)} " in supplicant
    assert network == "systemctl --no-block reload-or-restart systemd-networkd.service"
    text = card.at(SUPPLICANT).read_text()
    assert "country=DE\n" in text
    assert "ssid=49454545\n" in text
    assert "password\n" not in text
    assert stat.S_IMODE(card.at(SUPPLICANT).stat().st_mode) == 0o600
    assert "password" not in card.at(SCRIPT).read_text()
    assert "Name=wlan0\nWLANInterfaceType=station\n" in card.at(JOINED).read_text()
    assert not card.at(HOTSPOT).exists()


def test_the_hotspot_has_an_address_and_hands_others_out_but_forwards_nothing(card: Card) -> None:
    card.enqueue(OWN)
    assert card.boot().problems == []
    text = card.at(HOTSPOT).read_text()
    assert "Name=wlan0\nWLANInterfaceType=ap\n" in text
    assert "Address=192.168.50.1/24\nDHCPServer=yes\n" in text
    assert "EmitRouter=no\n" in text
    assert "IPMasquerade" not in text
    assert "IPForward" not in text
    assert not card.at(JOINED).exists()
    assert "mode=2\n" in card.at(SUPPLICANT).read_text()


def test_what_the_card_said_before_is_taken_down(card: Card) -> None:
    card.enqueue(WIFI + OWN)
    card.boot()
    card.enqueue(WIFI)
    card.boot()
    assert card.system.said[:2] == ["radio on", "systemctl stop nampedal-wifi.service"]
    assert card.at(JOINED).exists()
    assert not card.at(HOTSPOT).exists()
    card.enqueue("")
    card.boot()
    assert card.system.said == ["radio off", "systemctl stop nampedal-wifi.service"]
    for path in (SUPPLICANT, SCRIPT, JOINED, HOTSPOT):
        assert not card.at(path).exists()
    card.boot()
    assert card.system.said == ["radio off"]


def test_a_network_that_is_wrong_is_told_and_the_others_are_set_up(card: Card) -> None:
    card.enqueue(WIFI.replace("[wifi]", "[[wifi]]") + '[[wifi]]\nname = "forgotten"\n' + OWN)
    card.boot()
    assert card.wrong() == [
        "nampedal.toml: wifi 2.password: is missing, and needed; a network that has none needs the line open = true"
    ]
    text = card.at(SUPPLICANT).read_text()
    assert "ssid=49454545\n" in text
    assert f"ssid={b'forgotten'.hex()}\n" not in text
    assert card.at(HOTSPOT).exists()


def test_the_country_is_looked_up_in_the_pedals_own_database(card: Card) -> None:
    database = card.at(Path("/usr/lib/firmware/regulatory.db"))
    database.parent.mkdir(parents=True)
    database.write_bytes(b"RGDB\0\0\0\x14QQ\0\1\0\0\0\0")
    card.enqueue(WIFI)
    card.boot()
    assert card.wrong() == [
        "nampedal.toml: wifi.country: is 'de', which Linux has no radio rules for (wireless-regdb); take the code of a "
        "country whose rules hold where you are, as DE, GB or US"
    ]
    card.enqueue(WIFI.replace('"de"', '"qq"'))
    assert card.boot().problems == []
    assert "country=QQ\n" in card.at(SUPPLICANT).read_text()


# ---- the unit ----


def unit(folder: Path, *more: str) -> Path:
    """What systemd-run makes of its arguments."""
    path = folder / "nampedal-wifi.service"
    lines = [line for line in radio.properties(Path("/")) if not line.startswith("StartLimit")]
    program, *words = radio.command(Path("/"))
    text = ["[Unit]", "StartLimitIntervalSec=0", "[Service]", *lines, *more]
    path.write_text("\n".join((*text, f"ExecStart=/usr/sbin/{program} {' '.join(words)}", "")))
    return path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program is not None, "systemd-analyze is not installed"
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_systemd_understands_every_property(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", "--recursive-errors=no", unit(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    done = analyze("verify", "--man=no", "--recursive-errors=no", unit(tmp_path, "ProtectRadio=yes"))
    assert "Unknown key" in done.stderr


def test_the_unit_is_no_more_exposed_than_is_stated(tmp_path: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={round(10 * MAX_EXPOSURE)}", unit(tmp_path))
    assert done.returncode == 0, done.stdout
    open_to_all = unit(tmp_path, "ProtectSystem=no", "CapabilityBoundingSet=~", "SystemCallFilter=")
    assert analyze("security", "--offline=true", f"--threshold={round(10 * MAX_EXPOSURE)}", open_to_all).returncode


def test_the_unit_writes_its_sockets_and_nothing_else() -> None:
    properties = radio.properties(Path("/"))
    assert [line for line in properties if "ReadWrite" in line] == [f"ReadWritePaths={system_paths.CARD_RUN}"]
    assert "ProtectSystem=strict" in properties


@pytest.mark.parametrize("text", [WIFI, OWN, WIFI + OWN])
def test_nothing_that_others_can_read_has_the_password(card: Card, text: str) -> None:
    card.enqueue(text)
    card.boot()
    for path in card.at(Path("/run")).rglob("*"):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            data = path.read_bytes()
            assert b"password" not in data
            assert b"password".hex().encode() not in data
    assert all("password" not in line for line in card.system.said)
