"""What wpa_supplicant is told of the networks: its configuration, and what it is asked once it runs.

The format is that of wpa_supplicant.conf(5), and of wpa_supplicant 2.10, which Debian 12 and 13 have. One line that it
does not understand makes it refuse the whole file, so names, keys and passwords are written in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from pathlib import Path

from nampedal.firmware.card.wifi.networks import Hotspot, Networks, Wifi

# The hotspot is switched on when no network of [wifi] was joined for so long. wpa_supplicant scans every 5 s (its
# scan_interval).
HOTSPOT_AFTER_S = 30
# Written into each network: hidden ones are found, too.
_HIDDEN = "scan_ssid=1"
# pmf=1: management frames are protected where network and driver both can; written once for all, because
# wpa_supplicant leaves it out by itself only then where the driver can't (wpas_get_ssid_pmf() in its wpa_supplicant.c).
# sae_pwe=2: both ways to derive WPA3's secret. Without it (0 is the default) access points of Wi-Fi 6 refuse
# (LibreELEC/LibreELEC.tv PR 11785; raspberrypi/linux issue 4718, comment of 2026-05-18).
_GLOBAL = ("pmf=1", "sae_pwe=2")


@dataclass(frozen=True, slots=True)
class _Block:
    """A network={} of wpa_supplicant's. enabled: "at once", "if SAE", or "later"."""

    lines: tuple[str, ...]
    enabled: str = "at once"


def configuration(networks: Networks, control: Path) -> str:
    """The text of its configuration file. control: the folder for its control sockets."""
    blocks = _blocks(networks)
    lines = [f"ctrl_interface=DIR={control}", f"country={networks.country}", *_GLOBAL]
    for number, block in enumerate(blocks):
        more = (f"priority={len(blocks) - number}", *(() if block.enabled == "at once" else ("disabled=1",)))
        lines += ["network={", *(f"\t{line}" for line in (*block.lines, *more)), "}"]
    return "".join(f"{line}\n" for line in lines)


def script(networks: Networks, control: Path, device: str) -> str:
    """For sh, to be run as soon as wpa_supplicant has been started: switches on what its configuration has disabled.

    WPA3 only if the driver can do it: wpa_supplicant 2.10 tries no other network after it has chosen one that it has no
    way to join (wpas_start_assoc_cb() returns when wpas_populate_assoc_ies() fails).
    """
    blocks = list(enumerate(_blocks(networks)))
    sae = " ".join(str(number) for number, block in blocks if block.enabled == "if SAE")
    later = [number for number, block in blocks if block.enabled == "later"]
    lines = [
        "# Written by nampedal at every boot.",
        f'ask() {{ wpa_cli -p {control} -s {control} -i {device} "$@"; }}',
        "tries=0",
        "until ask ping | grep -q PONG; do",
        '  tries=$((tries + 1)); [ "$tries" -lt 100 ] || exit 1; sleep 0.2',
        "done",
    ]
    if sae:
        lines.append(
            f"if ask get_capability auth_alg | grep -qw SAE; then for id in {sae}; do ask enable_network $id; done; fi"
        )
    lines += [f"sleep {HOTSPOT_AFTER_S}\nask enable_network {number}" for number in later]
    return "".join(f"{line}\n" for line in lines)


def _blocks(networks: Networks) -> list[_Block]:
    """The preferred one first. wpa_supplicant numbers them in this order, from 0."""
    blocks = [block for wifi in networks.wifi for block in _blocks_of(wifi)]
    if networks.hotspot is not None:
        blocks.append(_hotspot(networks.hotspot, "later" if blocks else "at once"))
    return blocks


def _blocks_of(wifi: Wifi) -> Iterator[_Block]:
    """WPA2 comes before WPA3 where a network has both: on a Zero 2 W the driver says that it can do WPA3, and its
    firmware can't (raspberrypi/linux issue 7634).
    """
    ssid = f"ssid={wifi.name.encode().hex()}"
    if not wifi.password:
        yield _Block((ssid, _HIDDEN, "key_mgmt=NONE"))
        return
    yield _Block((ssid, _HIDDEN, "key_mgmt=WPA-PSK WPA-PSK-SHA256", f"psk={key_of(wifi)}"))
    # The 64 digits do for WPA2 only: WPA3 starts from the password itself.
    if len(wifi.password) < 64:
        password = wifi.password.encode().hex()
        yield _Block((ssid, _HIDDEN, "key_mgmt=SAE", "ieee80211w=2", f"sae_password={password}"), "if SAE")


def _hotspot(hotspot: Hotspot, enabled: str) -> _Block:
    """mode=2: an access point, which wpa_supplicant starts when it finds no network that it may join (ap_scan=1).

    WPA2 alone, and no protected management frames: with more, the access point of a Raspberry Pi's radio does not
    start, or nobody can join it (raspberrypi/linux issue 4718, comments of 2024-01-24; radio24/TorBox issue 137). No
    WPS, which wpa_supplicant would offer otherwise.
    """
    return _Block(
        (
            f"ssid={hotspot.name.encode().hex()}",
            "mode=2",
            # IEEE 802.11, 2.4 GHz band: 5 MHz from one channel to the next, the first at 2412.
            f"frequency={2407 + 5 * hotspot.channel}",
            *("key_mgmt=WPA-PSK", "proto=RSN", "pairwise=CCMP", "group=CCMP", f"psk={key_of(hotspot)}"),
            *("ieee80211w=0", "wps_disabled=1"),
        ),
        enabled,
    )


def key_of(network: Wifi | Hotspot) -> str:
    """WPA2's key of a passphrase, in hexadecimal: PBKDF2 of it and the network's name (IEEE 802.11i-2004, H.4)."""
    if len(network.password) == 64:
        return network.password.lower()
    return pbkdf2_hmac("sha1", network.password.encode(), network.name.encode(), 4096, 32).hex()
