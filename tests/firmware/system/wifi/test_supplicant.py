"""What is written for wpa_supplicant, read by the real one: without a radio, by its driver `none`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nampedal.firmware.system.wifi import supplicant
from nampedal.firmware.system.wifi.networks import Hotspot, Networks, Wifi
from support.players.jack_server import ended, wait_for

# Every character that the file's format could take for one of its own.
NAME, PASSWORD = 'Café "x" # }', 'pa"ss #word\\='
MANY = Networks(
    (Wifi(NAME, PASSWORD), Wifi("open", ""), Wifi("digits", "ab" * 32)), Hotspot("pedal", "12345678", 11), "DE"
)
Ask = Callable[..., str]


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert found is not None, f"{name} is not installed: the package wpasupplicant has it"
    return found


@contextmanager
def running(text: str, folder: Path) -> Iterator[Ask]:
    """wpa_supplicant with this configuration, and what asks it."""
    control, file = folder / "control", folder / "wpa_supplicant.conf"
    file.write_text(text)
    command = [program("wpa_supplicant"), "-D", "none", "-c", str(file), "-i", "lo"]

    def ask(*words: str) -> str:
        asked = [program("wpa_cli"), "-p", str(control), "-s", str(control), "-i", "lo", *words]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()

    with (folder / "log").open("w") as log:
        started = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True)
        with ended(started) as process:
            wait_for(lambda: process.poll() is not None or ask("ping") == "PONG")
            yield ask
            process.terminate()


def networks_of(ask: Ask) -> list[list[str]]:
    keys = ("ssid", "key_mgmt", "priority", "disabled", "scan_ssid", "ieee80211w", "mode", "frequency")
    count = len(ask("list_networks").splitlines()) - 1
    return [[ask("get_network", str(number), key) for key in keys] for number in range(count)]


def test_the_real_program_reads_what_is_written(tmp_path: Path) -> None:
    with running(supplicant.configuration(MANY, tmp_path / "control"), tmp_path) as ask:
        # 3: protected management frames as pmf= says.
        assert networks_of(ask) == [
            [NAME.encode().hex(), "WPA-PSK WPA-PSK-SHA256", "5", "0", "1", "3", "0", "0"],
            [NAME.encode().hex(), "SAE", "4", "1", "1", "2", "0", "0"],
            ['"open"', "NONE", "3", "0", "1", "3", "0", "0"],
            ['"digits"', "WPA-PSK WPA-PSK-SHA256", "2", "0", "1", "3", "0", "0"],
            ['"pedal"', "WPA-PSK", "1", "1", "0", "0", "2", "2462"],
        ]
        assert (ask("get", "country"), ask("get", "pmf"), ask("get", "sae_pwe")) == ("DE", "1", "2")
        # What it writes is what it has understood.
        assert ask("set", "update_config", "1") == ask("save_config") == "OK"
    written = (tmp_path / "wpa_supplicant.conf").read_text()
    assert f'sae_password="{PASSWORD}"\n' in written
    assert f"psk={supplicant.wpa2_psk(MANY.wifi[0])}\n" in written
    assert f"psk={'ab' * 32}\n" in written
    assert "wps_disabled=1\n" in written
    assert written.count("sae_password=") == 1


def test_the_real_program_refuses_all_where_one_line_is_wrong(tmp_path: Path) -> None:
    text = supplicant.configuration(MANY, tmp_path / "control").replace("key_mgmt=SAE", "key_mgmt=SEA")
    with running(text, tmp_path) as ask:
        assert ask("ping") != "PONG"
    log = (tmp_path / "log").read_text()
    assert "invalid key_mgmt 'SEA'" in log
    assert "Failed to read or parse configuration" in log


def test_the_program_says_no_password(tmp_path: Path) -> None:
    with running(supplicant.configuration(MANY, tmp_path / "control"), tmp_path) as ask:
        said = ask("get_network", "1", "sae_password") + ask("get_network", "0", "psk")
    assert said == "**"
    assert PASSWORD not in (tmp_path / "log").read_text()


def test_a_hotspot_alone_is_on_at_once_and_beside_wifi_it_waits(tmp_path: Path) -> None:
    for networks, disabled in ((Networks((), MANY.hotspot, "DE"), "0"), (MANY, "1")):
        with running(supplicant.configuration(networks, tmp_path / "control"), tmp_path) as ask:
            *_, hotspot = networks_of(ask)
        assert (hotspot[0], hotspot[3]) == ('"pedal"', disabled)


def test_the_script_switches_on_what_waits(tmp_path: Path) -> None:
    """On a machine whose driver can do WPA3, and on one whose driver can't: this program's driver is such a one."""
    control = tmp_path / "control"
    script = supplicant.script(MANY, control, "lo")
    (line,) = (line for line in script.splitlines() if line.startswith("sleep 30"))
    quick = script.replace(line, "sleep 0")
    able = quick.replace("ask get_capability auth_alg", "echo OPEN SHARED LEAP SAE")
    assert quick != script
    assert able != quick
    for text, disabled in ((quick, ["0", "1", "0", "0", "0"]), (able, ["0", "0", "0", "0", "0"])):
        with running(supplicant.configuration(MANY, control), tmp_path) as ask:
            assert ask("get_capability", "auth_alg") == "OPEN SHARED LEAP"
            subprocess.run(["sh", "-e"], input=text, text=True, check=True, capture_output=True)
            assert [network[3] for network in networks_of(ask)] == disabled


def test_the_script_has_nothing_to_do_where_nothing_waits(tmp_path: Path) -> None:
    for networks in (Networks((Wifi("open", ""),), None, "DE"), Networks((), MANY.hotspot, "DE")):
        script = supplicant.script(networks, tmp_path, "lo")
        assert "enable_network" not in script
        assert "sleep 30" not in script


def test_a_passphrase_is_the_key_that_the_standard_makes_of_it() -> None:
    # IEEE 802.11i-2004, H.4.3.
    wanted = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert supplicant.wpa2_psk(Wifi("IEEE", "password")) == wanted
    assert supplicant.wpa2_psk(Wifi("IEEE", wanted.upper())) == wanted
    assert supplicant.wpa2_psk(Hotspot("IEEE", "password")) == wanted


@pytest.mark.parametrize(("name", "password"), [("IEEE", "password"), ("my network", 'with " and #')])
def test_wpa_passphrase_makes_the_same_key(name: str, password: str) -> None:
    done = subprocess.run([program("wpa_passphrase"), name], input=password, capture_output=True, text=True, check=True)
    assert f"\tpsk={supplicant.wpa2_psk(Wifi(name, password))}\n" in done.stdout
