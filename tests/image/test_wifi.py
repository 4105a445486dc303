"""Wi-Fi over the kernel's simulated radios: the pedal's own is wlan0, a player's is wlan1, in a network of its own.

mac80211_hwsim carries frames from one radio to the other. All above it is the real thing: the kernel's 802.11, the
pedal's wpa_supplicant and systemd-networkd; on the player's side wpa_supplicant, and busybox for addresses and ping.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from nampedal.firmware.system.wifi.networks import Wifi
from nampedal.firmware.system.wifi.radio import ADDRESS, CONTROL
from nampedal.firmware.system.wifi.supplicant import wpa2_psk
from support.machines.emulated_machine import firmware
from support.machines.emulated_pedal import GUEST, Pedal

SETTINGS = "/boot/firmware/nampedal.toml"
AGAIN = "systemctl restart nampedal-card.service"
# The player's address where he has the access point.
HOME = "192.168.60.1"
# What udhcpc does with what it is told (busybox, networking/udhcp): the address, and a note of the rest.
LEASE = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr replace "$ip/$mask" dev "$interface"
echo "ip=$ip router=$router dns=$dns serverid=$serverid" > /tmp/guest/lease
"""
HOTSPOT = '[hotspot]\nname = "pedal"\npassword = "come closer"\n'
HOMES = """[[wifi]]
name = "by wpa3"
password = "a third password"

[[wifi]]
name = "by wpa2"
password = "a \\" second # password"

[[wifi]]
name = "open"
open = true
country = "gb"
"""
# In quotes wpa_supplicant would take what follows # for a remark.
BY_WPA2 = wpa2_psk(Wifi("by wpa2", 'a " second # password'))


class Player:
    """Somebody with a radio beside the pedal."""

    def __init__(self, pedal: Pedal, folder: Path) -> None:
        self.pedal, self._folder = pedal, folder

    def run(self, command: str, *, check: bool = True) -> str:
        return self.pedal.run(f"ip netns exec player {command}", check=check)

    def start(self, *lines: str) -> None:
        """wpa_supplicant with one network."""
        self.stop()
        network = "".join(f"{line}\n" for line in ("network={", *lines, "}"))
        self.put("player.conf", f"ctrl_interface=/run/player\ncountry=GB\npmf=1\nsae_pwe=2\n{network}")
        self.run("wpa_supplicant -B -D nl80211 -i wlan1 -c /tmp/guest/player.conf -f /tmp/guest/player.log")

    def join(self, password: str) -> None:
        """The pedal's hotspot."""
        self.start('ssid="pedal"', "key_mgmt=WPA-PSK", f'psk="{password}"')

    def put(self, name: str, text: str) -> None:
        """A file in /tmp/guest."""
        (self._folder / name).write_text(text)
        self.pedal.copy(self._folder / name, to="/tmp/guest/")

    def stop(self) -> None:
        """Whatever this started."""
        self.pedal.run(
            "for each in $(ip netns pids player); do kill $each; done; "
            'while [ -n "$(ip netns pids player)" ]; do sleep 0.2; done; rm -f /tmp/guest/player.log /tmp/guest/lease'
        )
        self.run("ip addr flush dev wlan1")

    def status(self) -> dict[str, str]:
        return read_status(self.run("wpa_cli -p /run/player -i wlan1 status", check=False))

    def joined(self) -> dict[str, str]:
        """The status, once this has joined a network or made one."""
        self.pedal.wait_for(lambda: self.status().get("wpa_state") == "COMPLETED")
        return self.status()

    def ping(self, address: str) -> bool:
        return " 0% packet loss" in self.run(f"/tmp/guest/busybox ping -c 3 -W 20 {address}", check=False)


def read_status(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def ask(pedal: Pedal, words: str) -> str:
    """The pedal's wpa_supplicant."""
    return pedal.run(f"wpa_cli -p {CONTROL} -s {CONTROL} -i wlan0 {words} 2>&1", check=False)


def status(pedal: Pedal) -> dict[str, str]:
    """Of the pedal's wpa_supplicant."""
    return read_status(ask(pedal, "status"))


def may_be_used(pedal: Pedal, name: str) -> bool:
    rows = [row.split("\t") for row in ask(pedal, "list_networks").splitlines()]
    return any(row[1:2] == [name] and "[DISABLED]" not in row[3:] for row in rows)


def address(pedal: Pedal) -> str:
    """Of the pedal's radio; empty: none."""
    found = re.search(r"inet ([\d.]+)/", pedal.run("ip -4 -o addr show dev wlan0"))
    return found[1] if found else ""


def say(pedal: Pedal, text: str) -> None:
    """In nampedal.toml, in place of what it says of networks; and the boot's look at it.

    That switches all radios off and then Wi-Fi on, the player's too: what he does with his is over.
    """
    pedal.run(
        "mount -o remount,rw /boot/firmware && "
        f"{{ cat /tmp/guest/nampedal.toml; printf %s {shlex.quote(text)}; }} > {SETTINGS} && "
        f"mount -o remount,ro /boot/firmware && {AGAIN}"
    )


@pytest.fixture(scope="module")
def player(pedal: Pedal, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    folder = tmp_path_factory.mktemp("wifi")
    started = firmware(prepared, folder, "virt")
    busybox = folder / "busybox"
    command = ["cpio", "--quiet", "-i", "--to-stdout", "bin/busybox"]
    with started.initrd.open("rb") as archive, busybox.open("wb") as out:
        subprocess.run(command, stdin=archive, stdout=out, check=True)
    (folder / "lease.sh").write_text(LEASE)
    pedal.run(f"mkdir -p /tmp/guest && cp {SETTINGS} /tmp/guest/nampedal.toml && modprobe mac80211_hwsim radios=2")
    pedal.copy(busybox, folder / "lease.sh", GUEST / "move_radio.py", to="/tmp/guest/")
    pedal.run("chmod +x /tmp/guest/busybox /tmp/guest/lease.sh && ip netns add player")
    pedal.run("python3 /tmp/guest/move_radio.py wlan1 player && ip netns exec player ip link set lo up")
    one = Player(pedal, folder)
    yield one
    one.stop()
    say(pedal, "")
    pedal.run("ip netns del player && modprobe -r mac80211_hwsim")


def hotspot_is_on(pedal: Pedal) -> bool:
    said = status(pedal)
    return (said.get("mode"), said.get("wpa_state"), address(pedal)) == ("AP", "COMPLETED", ADDRESS)


def test_the_hotspot_lets_in_who_knows_the_password_and_gives_an_address(pedal: Pedal, player: Player) -> None:
    say(pedal, f'{HOTSPOT}country = "gb"\nchannel = 11\n')
    pedal.wait_for(lambda: hotspot_is_on(pedal))
    assert (status(pedal)["ssid"], status(pedal)["freq"]) == ("pedal", "2462")
    player.join("come closer")
    assert player.joined()["key_mgmt"] == "WPA2-PSK"
    # Nobody is offered to join by pressing a button.
    assert "[WPA2-PSK-CCMP][ESS]" in player.run("wpa_cli -p /run/player -i wlan1 scan_results")
    player.run("/tmp/guest/busybox udhcpc -i wlan1 -n -q -t 10 -s /tmp/guest/lease.sh")
    lease = dict(word.split("=") for word in pedal.run("cat /tmp/guest/lease").split())
    assert re.fullmatch(r"192\.168\.50\.(1\d|\d\d|10\d)", lease["ip"])
    # It is no way to anywhere else.
    assert (lease["serverid"], lease["router"], lease["dns"]) == (ADDRESS, "", "")
    assert player.ping(ADDRESS)
    assert pedal.run("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding").split() == ["0", "0"]
    assert "SSH-2.0" in player.run(f"timeout 20 /tmp/guest/busybox nc -w 10 {ADDRESS} 22 < /dev/null", check=False)


def test_the_country_is_the_one_that_the_card_says(pedal: Pedal, player: Player) -> None:
    said = pedal.run("journalctl -b -u nampedal-wifi --no-pager")
    assert "CTRL-EVENT-REGDOM-CHANGE init=USER type=COUNTRY alpha2=GB" in said
    assert "malformed or signature" not in pedal.run("dmesg | grep -i cfg80211", check=False)
    # And the password is in no log.
    assert "come closer" not in pedal.run("journalctl -b --no-pager")


def test_the_hotspot_lets_nobody_in_by_another_password(pedal: Pedal, player: Player) -> None:
    player.join("come nearer")
    pedal.wait_for(lambda: "reason=WRONG_KEY" in pedal.run("cat /tmp/guest/player.log", check=False))
    assert "CTRL-EVENT-CONNECTED" not in pedal.run("cat /tmp/guest/player.log")


@pytest.mark.parametrize(
    ("name", "lines", "key_mgmt"),
    [
        # Hidden, too.
        ("by wpa2", ["key_mgmt=WPA-PSK", f"psk={BY_WPA2}", "ignore_broadcast_ssid=1"], "WPA2-PSK"),
        ("by wpa3", ["key_mgmt=SAE", "ieee80211w=2", 'sae_password="a third password"'], "SAE"),
        # Of WPA2 and WPA3 what every Raspberry Pi can do.
        ("by wpa3", ["key_mgmt=WPA-PSK SAE", "ieee80211w=1", 'psk="a third password"'], "WPA2-PSK"),
        ("open", ["key_mgmt=NONE"], "NONE"),
    ],
)
def test_the_pedal_joins_whichever_of_its_networks_is_there(
    pedal: Pedal, player: Player, name: str, lines: list[str], key_mgmt: str
) -> None:
    player.stop()
    say(pedal, HOMES)
    player.start(f'ssid="{name}"', "mode=2", "frequency=2437", "proto=RSN", "pairwise=CCMP", "group=CCMP", *lines)
    assert player.joined()["mode"] == "AP"
    player.run(f"ip addr add {HOME}/24 dev wlan1")
    addresses = (f"start {HOME}0", f"end {HOME}9", "interface wlan1", "lease_file /tmp/guest/leases")
    player.put("udhcpd.conf", "".join(f"{line}\n" for line in (*addresses, "option subnet 255.255.255.0")))
    pedal.run("touch /tmp/guest/leases")
    player.run("/tmp/guest/busybox udhcpd -S /tmp/guest/udhcpd.conf")
    pedal.wait_for(lambda: status(pedal).get("wpa_state") == "COMPLETED")
    assert (status(pedal)["ssid"], status(pedal)["key_mgmt"]) == (name, key_mgmt)
    pedal.wait_for(lambda: address(pedal).startswith(HOME))
    assert player.ping(address(pedal))


def test_where_no_network_is_there_the_hotspot_is_switched_on(pedal: Pedal, player: Player) -> None:
    player.stop()
    say(pedal, HOMES + HOTSPOT)
    pedal.wait_for(lambda: hotspot_is_on(pedal))
    player.join("come closer")
    assert player.joined()["ssid"] == "pedal"


def test_beside_a_network_the_hotspot_is_off_until_that_is_gone(pedal: Pedal, player: Player) -> None:
    player.stop()
    say(pedal, HOMES + HOTSPOT)
    player.start('ssid="open"', "mode=2", "frequency=2437", "key_mgmt=NONE")
    assert player.joined()["mode"] == "AP"
    # From half a minute on it may be used.
    pedal.wait_for(lambda: may_be_used(pedal, "pedal"))
    pedal.wait_for(lambda: status(pedal).get("wpa_state") == "COMPLETED")
    assert (status(pedal)["ssid"], status(pedal)["mode"]) == ("open", "station")
    player.stop()
    pedal.wait_for(lambda: hotspot_is_on(pedal))


def test_the_pedal_plays_on_and_nothing_has_failed(pedal: Pedal, player: Player) -> None:
    assert pedal.status().get("preset")
    assert pedal.run("systemctl --failed --no-legend --plain") == ""
    assert pedal.run("ls /boot/firmware/nampedal-errors.txt 2>&1", check=False).endswith("No such file or directory")


def test_without_a_network_on_the_card_the_radio_is_off(pedal: Pedal, player: Player) -> None:
    player.stop()
    say(pedal, "")
    # Only the pedal's own is seen here: the other is in the player's network namespace.
    assert pedal.run("cat /sys/class/rfkill/rfkill*/soft") == "1"
    assert pedal.run("systemctl is-active nampedal-wifi.service", check=False) == "inactive"
